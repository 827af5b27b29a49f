"""A recorded run of the published code, replayed: every accept and every score again.

The recording and the reference seeds are not ours to ship; without them these tests skip.
"""

from functools import cache
from pathlib import Path

import msgspec
import pytest

from selfinstruct import parse
from selfinstruct.novelty import RougeL
from selfinstruct.recipe import load_recipe
from selfinstruct.resources import seeds_file
from selfinstruct.seeds import load_seeds
from selfinstruct.sift import Kept, judge
from selfinstruct.task import Origin, Task, new_task
from selfinstruct.text import TOKENISERS

DATA = Path(__file__).parents[2] / "shared" / "data"
RECORDING = DATA / "replay_llama3_8b.jsonl"
REFERENCE_SEEDS = DATA / "reference_seeds.jsonl"

needs_recording = pytest.mark.skipif(
    not (RECORDING.is_file() and REFERENCE_SEEDS.is_file()),
    reason="the recorded run lies in ../shared/data, which is not here",
)
needs_reference_seeds = pytest.mark.skipif(
    not REFERENCE_SEEDS.is_file(),
    reason="the reference seeds lie in ../shared/data, which is not here",
)


class Reply(msgspec.Struct):
    """What the model wrote."""

    response: str


class Row(msgspec.Struct):
    """One recorded accept: its scores with all that came before, and the reply it stood in."""

    instruction: str
    most_similar: dict[str, float]
    avg_similarity_score: float
    metadata: Reply


class Instruction(msgspec.Struct):
    """A seed, of which only the instruction matters here."""

    instruction: str


class Accepted(msgspec.Struct):
    """One accept of the replay, with its scores at that moment."""

    instruction: str
    reply: int
    top: list[float]
    scores: dict[str, float]
    average: float


@cache
def recorded() -> list[Row]:
    """Read the recording."""
    return [msgspec.json.decode(line, type=Row) for line in RECORDING.read_bytes().splitlines()]


@cache
def reference_seeds() -> list[str]:
    """Read the instructions of the reference seeds."""
    lines = REFERENCE_SEEDS.read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Instruction).instruction for line in lines]


@cache
def shipped_seeds() -> list[Task]:
    """Read the seeds that ship with the program."""
    return load_seeds(seeds_file("en"), language="en")


def replies() -> list[str]:
    """Return the recorded replies, each once, in order."""
    return list(dict.fromkeys(row.metadata.response for row in recorded()))


@cache
def replayed() -> list[Accepted]:
    """Read and judge the recorded replies again with the recipe of the published loop."""
    recipe = load_recipe("self-instruct")
    novelty = RougeL(recipe.novelty.max_similarity, tokenise=TOKENISERS[recipe.novelty.tokens])
    earlier = reference_seeds().copy()
    novelty.add_all((text, text) for text in earlier)
    accepted = []
    for number, reply in enumerate(replies()):
        for item in parse.paper_items(reply, truncated=False):
            draft = new_task(item.text, origin=Origin(kind="generated"), language="en")
            kept = isinstance(judge(draft, recipe.rules("instruction"), "propose"), Kept)
            if not kept or novelty.nearest(item.text):
                continue
            scores = novelty.scores(item.text).tolist()
            accepted.append(
                Accepted(
                    instruction=item.text,
                    reply=number,
                    top=[match.score for match in novelty.ranked(item.text, 10)],
                    scores=dict(zip(earlier, scores, strict=True)),
                    average=sum(scores) / len(scores),
                )
            )
            novelty.add(item.text, item.text)
            earlier.append(item.text)
    return accepted


@needs_recording
def test_every_recorded_accept_is_made_again() -> None:
    """The same replies give the same accepts in the same order, and no others.

    The recording breaks off inside its last reply; what stands after that was never recorded.
    """
    accepted = [one.instruction for one in replayed()]
    written = [row.instruction for row in recorded()]
    assert len(written) == 306
    assert accepted[: len(written)] == written
    last = len(replies()) - 1
    assert recorded()[-1].metadata.response == replies()[last]
    assert all(one.reply == last for one in replayed()[len(written) :])


@needs_recording
def test_every_recorded_score_is_computed_again() -> None:
    """All recorded top-10 scores and averages are met to 1e-9, by place and by text."""
    compared = 0
    for row, one in zip(recorded(), replayed(), strict=False):
        assert one.top == pytest.approx(list(row.most_similar.values()), abs=1e-9, rel=0)
        assert one.average == pytest.approx(row.avg_similarity_score, abs=1e-9, rel=0)
        for text, score in row.most_similar.items():
            assert one.scores[text] == pytest.approx(score, abs=1e-9, rel=0)
            compared += 1
    assert compared == 3060


@needs_reference_seeds
def test_two_pairs_of_reference_seeds_are_too_similar() -> None:
    """The reference seeds hold two pairs above 0.7, as counted with rouge-score."""
    novelty = RougeL(0.7, tokenise=TOKENISERS["rouge-score"])
    found = []
    for text in reference_seeds():
        if match := novelty.nearest(text):
            found.append(round(match.score, 3))
        novelty.add(text, text)
    assert sorted(found) == [0.75, 0.824]


@pytest.mark.parametrize("tokeniser", sorted(TOKENISERS))
def test_no_two_shipped_seeds_are_alike(tokeniser: str) -> None:
    """No pair of our seed instructions exceeds ROUGE-L 0.5, with either tokeniser."""
    novelty = RougeL(0.5, tokenise=TOKENISERS[tokeniser])
    for task in shipped_seeds():
        assert novelty.nearest(task.instruction) is None, task.instruction
        novelty.add(task.instruction, task.instruction)


@needs_reference_seeds
@pytest.mark.parametrize("tokeniser", sorted(TOKENISERS))
def test_no_shipped_seed_is_like_a_reference_seed(tokeniser: str) -> None:
    """Our seeds are our own: none exceeds ROUGE-L 0.5 with a reference seed."""
    novelty = RougeL(0.5, tokenise=TOKENISERS[tokeniser])
    novelty.add_all((text, text) for text in reference_seeds())
    for task in shipped_seeds():
        assert novelty.nearest(task.instruction) is None, task.instruction


def test_the_shipped_seeds_are_balanced() -> None:
    """175 seeds: 25 classification, at least 45 without input, at least 20 categories."""
    tasks = shipped_seeds()
    assert len(tasks) == 175
    assert sum(bool(task.is_classification) for task in tasks) == 25
    assert sum(not task.instances[0].input for task in tasks) >= 45
    assert len({task.category for task in tasks} - {""}) >= 20
