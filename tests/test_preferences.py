"""Preferences: which responses become a pair, and that a killed step loses nothing."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_augment import grown_run
from test_grow import fanciful
from test_judge import said

from selfinstruct.engines import Completion, Prompt, ScriptedEngine
from selfinstruct.engines.base import Sampling
from selfinstruct.errors import EngineError
from selfinstruct.preferences.pairs import FILE, Preference, Side, pair
from selfinstruct.preferences.step import Engines, Preferred, PreferSettings, prefer
from selfinstruct.prompts.files import JUDGED, load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.run import Run
from selfinstruct.stages.base import Unwatched
from selfinstruct.storage import read_rows
from selfinstruct.task import Task, digest

PROMPTS = load_prompts("en", more=JUDGED)
HOW = PreferSettings(responses=3, sampling=Sampling(temperature=1.0), votes=1, min_gap=1.0)

Reply = Callable[[Prompt], str | Completion]


def stage(prompt: Prompt) -> str:
    """Return the stage of a prompt of this step, "" for those of rounds."""
    parts = prompt.key.split("/")
    return parts[1] if parts[0].startswith("prefer-") else ""


def answering(reply: Reply) -> ScriptedEngine:
    """Return an engine that grows as ever, and answers this step's prompts by a function."""
    return ScriptedEngine(lambda prompt: reply(prompt) if stage(prompt) else fanciful(prompt))


def varied(prompt: Prompt) -> str | Completion:
    """Answer well, badly or cut short, and judge by the length of a key's digest."""
    draw = int(digest(prompt.key, 4), 16)
    if stage(prompt) == "judge":
        return said("yyy", 1 + draw % 5)
    if draw % 4 == 0:
        return "I'm sorry, but as an AI language model I cannot do that."
    if draw % 4 == 1:
        return Completion(prompt.key, "It begins well and then", "length")
    return f"A plain answer, the {draw}th of its kind, which says what was asked for."


def preferred(run: Run, engine: ScriptedEngine, how: PreferSettings = HOW) -> Preferred:
    """Take the step."""
    return prefer(run, Engines(engine, engine), how, PROMPTS, Unwatched())


def made(run: Run) -> list[Preference]:
    """Return the pairs of a run."""
    return list(read_rows(run.folder / FILE, Preference))


def test_pairs_are_a_better_and_a_worse_response(tmp_path: Path) -> None:
    """What rules refuse is worse than what they keep; else scores decide, with a gap."""
    engine = answering(varied)
    with grown_run(tmp_path / "run", engine, load_recipe("default")) as run:
        found = preferred(run, engine)
        pairs = made(run)
        assert found.pairs == len(pairs) > 5
        assert found.responses == 3 * found.tasks
    reasons = {one.rejected.refused for one in pairs}
    assert {"refusal", "truncated"} <= reasons
    for one in pairs:
        assert not one.chosen.refused
        assert one.chosen.text != one.rejected.text
        assert one.rejected.refused or one.chosen.score - one.rejected.score >= 1
    assert any(not one.rejected.refused for one in pairs)


def test_without_a_judge_rules_alone_rank(tmp_path: Path) -> None:
    """With no votes no judge is asked, and two responses that rules keep make no pair."""

    def unjudged(prompt: Prompt) -> str | Completion:
        assert stage(prompt) != "judge"
        return varied(prompt)

    engine = answering(unjudged)
    how = PreferSettings(3, Sampling(temperature=1.0), votes=0, min_gap=1.0)
    with grown_run(tmp_path / "run", engine, load_recipe("default")) as run:
        assert preferred(run, engine, how).pairs
        assert all(one.rejected.refused for one in made(run))


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    """A second time every reply comes from the journal, and the same bytes are written."""
    asked: list[str] = []

    def noted(prompt: Prompt) -> str | Completion:
        asked.append(prompt.key)
        return varied(prompt)

    with grown_run(tmp_path / "run", answering(noted), load_recipe("default")) as run:
        preferred(run, answering(noted))
        first, many = (run.folder / FILE).read_bytes(), len(asked)
        (run.folder / FILE).unlink()
        preferred(run, answering(noted))
        assert (run.folder / FILE).read_bytes() == first
        assert len(asked) == many == len(set(asked))


def test_classification_is_left_out(tmp_path: Path) -> None:
    """A label is right or wrong: such tasks are not answered again."""
    engine = answering(varied)
    recipe = load_recipe("default")
    leads = ("Write a poem about", "Classify the sentence below as")
    how = msgspec.structs.replace(recipe.propose, leads=leads)
    recipe = msgspec.structs.replace(recipe, propose=how)
    with grown_run(tmp_path / "run", engine, recipe) as run:
        preferred(run, engine)
        tasks = {task.id: task for task in read_rows(run.folder / "pool.jsonl", Task)}
        assert any(task.is_classification for task in tasks.values())
        assert not any(tasks[one.task].is_classification for one in made(run))


def test_a_broken_engine_is_an_error(tmp_path: Path) -> None:
    """Where every response fails, nothing is written."""

    def broken(prompt: Prompt) -> Completion:
        return Completion(prompt.key, "", "error", error="out of memory")

    with (
        grown_run(tmp_path / "run", answering(varied), load_recipe("default")) as run,
        pytest.raises(EngineError, match="responses failed"),
    ):
        preferred(run, answering(broken))
    assert not (tmp_path / "run" / FILE).exists()


sides = st.lists(
    st.builds(
        Side,
        text=st.text(),
        prompt=st.just(""),
        refused=st.sampled_from(["", "", "refusal"]),
        score=st.sampled_from([0.0, 1.0, 2.5, 5.0]),
    )
)


@given(sides, st.sampled_from([0.0, 1.0, 4.0]))
def test_a_pair_is_the_best_and_a_worse_one(those: list[Side], gap: float) -> None:
    """The chosen response has the best score of those kept; the other is refused or far below."""
    found = pair(those, gap)
    if found is None:
        return
    chosen, rejected = found
    kept = [side for side in those if not side.refused]
    assert chosen.score == max(side.score for side in kept)
    assert rejected.refused or chosen.score - rejected.score >= gap
    assert rejected.refused or chosen.score > rejected.score
