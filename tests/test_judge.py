"""The judge: votes, what it takes to stay, and replies that say nothing."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_grow import fanciful, settings_for

from selfinstruct import parse
from selfinstruct.engines import Completion, Prompt, ScriptedEngine
from selfinstruct.grow import End, grow
from selfinstruct.prompts.files import JUDGED, load_prompts
from selfinstruct.recipe import JudgeSettings, load_recipe
from selfinstruct.run import Marker, Run, finished_rows
from selfinstruct.sift import Rejected
from selfinstruct.stages.judge import counted
from selfinstruct.task import Task


def said(answers: str, score: int) -> str:
    """Return a judge's reply: its three answers as letters, "yyn", and its score."""
    names = ("valid_task", "input_fits", "output_correct")
    found = {name: letter == "y" for name, letter in zip(names, answers, strict=True)}
    return msgspec.json.encode({**found, "score": score}).decode()


GOOD = said("yyy", 5)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        (GOOD, 5),
        (f"Here it is:\n```json\n{GOOD}\n```", 5),
        (GOOD.replace('"score":5', '"score":3, "why": "dull"'), 3),
        (f"{{not this}} {GOOD}", 5),
        ("", None),
        ("yes", None),
        (said("yyy", 6), None),
        (GOOD.replace("true", '"yes"', 1), None),
        ('{"score": 4}', None),
        ("[" * 100_000, None),
    ],
)
def test_a_vote_is_read_wherever_it_stands(reply: str, score: int | None) -> None:
    """A JSON object with the three answers and a score of 1 to 5 is a vote; nothing else is."""
    vote = parse.vote(reply)
    assert (vote.score if vote else None) == score


@given(st.text())
def test_any_reply_can_be_read(reply: str) -> None:
    """Whatever a judge writes, reading it raises nothing."""
    parse.vote(reply)


votes = st.builds(
    parse.Vote, st.booleans(), st.booleans(), st.booleans(), st.integers(min_value=1, max_value=5)
)


@given(st.lists(votes, min_size=1))
def test_votes_are_shares_and_means(cast: list[parse.Vote]) -> None:
    """Shares lie between 0 and 1, scores between 1 and 5, and the order of votes is nothing."""
    found = counted(cast, "m", "")
    assert 0 <= found.valid_task <= 1
    assert 1 <= found.score <= 5
    assert found.votes == len(cast)
    assert found == counted(cast[::-1], "m", "")


def judged(
    folder: Path, how: JudgeSettings, reply: object, judge: object = None
) -> tuple[list[Task], list[Rejected], list[Prompt], Marker]:
    """Grow a round with a judge that replies so; return its rows, its prompts and its marker."""

    def answering(prompt: Prompt) -> str | Completion:
        if prompt.key.split("/")[1] == "judge":
            assert callable(reply)
            found: str | Completion = reply(prompt)
            return found
        return fanciful(prompt)

    engine = ScriptedEngine(answering)
    recipe = msgspec.structs.replace(load_recipe("default"), judge=how)
    settings = settings_for(engine, recipe=recipe, prompts=load_prompts("en", more=JUDGED))
    with Run(folder, settings, version="test") as run:
        other = ScriptedEngine(answering) if judge else None
        (marker,) = grow(run, engine, End(rounds=1), judge=other)
    asked = (other or engine).prompts
    return (
        list(finished_rows(folder, "pool", Task)),
        list(finished_rows(folder, "rejected", Rejected)),
        [prompt for prompt in asked if "/judge/" in prompt.key],
        marker,
    )


def test_what_a_judge_likes_stays_with_what_it_said(tmp_path: Path) -> None:
    """Each instance of a kept task has its judgement, and who gave it."""
    tasks, _, asked, _ = judged(tmp_path / "run", JudgeSettings(), lambda _: GOOD)
    assert len(asked) == len(tasks) > 3
    for task in tasks:
        assert task.judgements is not msgspec.UNSET
        (found,) = task.judgements
        assert (found.score, found.output_correct, found.votes) == (5.0, 1.0, 1)
        assert found.model == "scripted"


@pytest.mark.parametrize(
    ("how", "reply", "detail"),
    [
        (JudgeSettings(), said("nyy", 5), "valid_task: 0% of 1 votes"),
        (JudgeSettings(), said("yyn", 5), "output_correct: 0% of 1 votes"),
        (JudgeSettings(), said("yyy", 2), "score 2 of 5"),
        (JudgeSettings(require=()), said("nnn", 2), "score 2 of 5"),
    ],
)
def test_what_a_judge_dislikes_goes_by_its_reason(
    tmp_path: Path, how: JudgeSettings, reply: str, detail: str
) -> None:
    """A refusal names the question or the score, and holds the judgement."""
    tasks, refused, _, marker = judged(tmp_path / "run", how, lambda _: reply)
    assert not tasks
    by_judge = [row for row in refused if row.stage == "judge"]
    assert {(row.rule, row.detail) for row in by_judge} == {("judge", detail)}
    assert all(row.task.judgements is not msgspec.UNSET for row in by_judge)
    assert marker.rejected["judge"] == len(by_judge)


def test_several_votes_are_counted(tmp_path: Path) -> None:
    """Each vote is a prompt with a seed of its own; more than half must say yes."""

    def split(prompt: Prompt) -> str:
        yes = int(prompt.key.rpartition("-")[2]) < 2
        return said("yyy", 5) if yes else said("nyy", 2)

    tasks, refused, asked, _ = judged(tmp_path / "run", JudgeSettings(votes=3), split)
    assert len(asked) == 3 * len(tasks)
    assert len({prompt.sampling.seed for prompt in asked}) == len(asked)
    assert tasks[0].judgements is not msgspec.UNSET
    assert tasks[0].judgements[0].valid_task == pytest.approx(2 / 3)
    assert tasks[0].judgements[0].score == 4.0
    assert not [row for row in refused if row.stage == "judge"]


def test_a_judge_that_only_scores_refuses_nothing(tmp_path: Path) -> None:
    """With `only_score` the worst judgement is stored like any other."""
    bad = said("nnn", 1)
    tasks, refused, _, _ = judged(tmp_path / "run", JudgeSettings(only_score=True), lambda _: bad)
    assert tasks
    assert not [row for row in refused if row.stage == "judge"]


def test_a_judge_that_cannot_be_read_refuses(tmp_path: Path) -> None:
    """A task without a vote is no judged task; with an error it says which."""
    tasks, refused, _, _ = judged(tmp_path / "a", JudgeSettings(), lambda _: "fine, I think")
    assert not tasks
    assert {row.rule for row in refused if row.stage == "judge"} == {"no_vote"}

    def fails(prompt: Prompt) -> Completion:
        return Completion(prompt.key, "", "error", error="overloaded")

    tasks, refused, _, _ = judged(tmp_path / "b", JudgeSettings(), fails)
    assert not tasks
    by_judge = [row for row in refused if row.stage == "judge"]
    assert {(row.rule, row.detail) for row in by_judge} == {("engine_error", "overloaded")}


def test_another_engine_can_judge(tmp_path: Path) -> None:
    """It is asked once all tasks of a round are there, and comes to the same."""
    alone = judged(tmp_path / "a", JudgeSettings(), lambda _: GOOD)
    other = judged(tmp_path / "b", JudgeSettings(), lambda _: GOOD, judge=True)
    assert alone[:2] == other[:2]
    assert len(alone[2]) == len(other[2])


def test_the_judge_is_held_to_its_form() -> None:
    """The prompt shows instruction, input and output, and constrains the reply to the four keys."""
    recipe = load_recipe("default")
    prompts = load_prompts("en", more=JUDGED)
    engine = ScriptedEngine(fanciful)
    task = settings_for(engine).seeds[0]
    prompt = prompts.judge("0001/judge/0000-1-0-0", task, sampling=JudgeSettings().sampling)
    text = "\n".join(message.content for message in prompt.messages)
    assert task.instruction in text
    assert task.instances[0].output in text
    schema = msgspec.json.decode(prompt.sampling.schema)
    assert list(schema["properties"]) == ["valid_task", "input_fits", "output_correct", "score"]
    assert recipe.judge is None
