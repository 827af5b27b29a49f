"""The stage of difficulty: what is measured, what it takes to stay, and what is left unsaid."""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from test_grow import fanciful, settings_for

from selfinstruct.cli.opened import check_scores
from selfinstruct.engines import Completion, EngineInfo, Prompt, ScriptedEngine
from selfinstruct.errors import InputError
from selfinstruct.export.base import rows
from selfinstruct.grow import End, grow
from selfinstruct.recipe import DifficultySettings, load_recipe
from selfinstruct.run import Run, finished_rows
from selfinstruct.sift import Rejected
from selfinstruct.task import Task

Answer = Callable[[Prompt], str | Completion]


def likely(after: float, alone: float) -> Answer:
    """Return a way to answer by which every answer has these losses, in nats a token."""

    def answering(prompt: Prompt) -> str | Completion:
        if prompt.answer is None:
            return fanciful(prompt)
        loss = alone if prompt.key.endswith("-alone") else after
        words = len(prompt.answer.split())
        return Completion(
            prompt.key, "", "stop", completion_tokens=words, log_likelihood=-loss * words
        )

    return answering


def broken(prompt: Prompt) -> str | Completion:
    """Write tasks, and fail every question how likely an answer is."""
    if prompt.answer is None:
        return fanciful(prompt)
    return Completion(prompt.key, "", "error", error="too long")


def measured(
    folder: Path, how: DifficultySettings, answering: Answer
) -> tuple[list[Task], list[Rejected], list[Prompt]]:
    """Grow a round by a recipe that measures; return its rows, and what was asked for it."""
    engine = ScriptedEngine(answering)
    recipe = msgspec.structs.replace(load_recipe("default"), difficulty=how)
    with Run(folder, settings_for(engine, recipe=recipe), version="test") as run:
        for _ in grow(run, engine, End(rounds=1)):
            pass
    return (
        list(finished_rows(folder, "pool", Task)),
        list(finished_rows(folder, "rejected", Rejected)),
        [prompt for prompt in engine.prompts if "/difficulty/" in prompt.key],
    )


def test_a_difficulty_is_stored_with_its_row(tmp_path: Path) -> None:
    """A kept task has the number of each instance, and so has its row of an export."""
    tasks, _, asked = measured(tmp_path / "run", DifficultySettings(), likely(1.0, 1.5))
    assert len(tasks) > 3
    assert len(asked) == 2 * len(tasks)
    found = [value for task in tasks for value in task.difficulties or ()]
    assert found == pytest.approx([math.exp(-0.5)] * len(tasks))
    exported = {row.source.difficulty for row in rows(tmp_path / "run")}
    assert exported == set(found)


def test_an_answer_is_measured_after_its_own_question(tmp_path: Path) -> None:
    """The model is given what it was asked for the answer, and then the answer alone."""
    tasks, _, asked = measured(tmp_path / "run", DifficultySettings(), likely(1.0, 1.5))
    first, second = asked[:2]
    (instance,) = tasks[0].instances
    assert first.messages
    assert tasks[0].instruction in first.messages[-1].content
    assert (first.answer, second.answer) == (instance.output, instance.output)
    assert (second.text, second.messages) == ("", ())


@pytest.mark.parametrize(
    ("how", "losses", "detail"),
    [
        (DifficultySettings(), (1.7, 1.5), "difficulty 1.22, above 1"),
        (DifficultySettings(min=0.4), (0.5, 1.5), "difficulty 0.37, below 0.4"),
    ],
)
def test_what_is_out_of_bounds_goes_by_its_number(
    tmp_path: Path, how: DifficultySettings, losses: tuple[float, float], detail: str
) -> None:
    """A refusal says which bound was broken, and holds the number."""
    tasks, refused, _ = measured(tmp_path / "run", how, likely(*losses))
    assert not tasks
    out = [row for row in refused if row.stage == "difficulty"]
    assert {(row.rule, row.detail) for row in out} == {("difficulty", detail)}
    assert all(row.task.difficulties is not msgspec.UNSET for row in out)


def test_scores_alone_refuse_nothing(tmp_path: Path) -> None:
    """With only_score a task stays whatever its number, and without one where there is none."""
    how = DifficultySettings(only_score=True)
    high, _, _ = measured(tmp_path / "high", how, likely(3.0, 1.0))
    none, _, _ = measured(tmp_path / "none", how, broken)
    assert len(high) == len(none) > 3
    assert {task.difficulties for task in none} == {(None,)}
    assert {row.source.difficulty for row in rows(tmp_path / "none")} == {0.0}


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    """Where the number decides, an answer that the engine cannot read is an engine's error."""
    tasks, refused, _ = measured(tmp_path / "run", DifficultySettings(), broken)
    assert not tasks
    found = {(row.stage, row.rule, row.detail) for row in refused if row.stage == "difficulty"}
    assert found == {("difficulty", "engine_error", "too long")}


def test_an_engine_that_cannot_tell_is_refused_at_the_start() -> None:
    """An engine without likelihoods is named before anything is asked of it."""
    engine = ScriptedEngine(fanciful, info=EngineInfo(model="far-away"))
    recipe = msgspec.structs.replace(load_recipe("default"), difficulty=DifficultySettings())
    with pytest.raises(InputError, match="far-away cannot say how likely"):
        check_scores(recipe, engine)
    check_scores(load_recipe("default"), engine)


def test_bounds_hold_something() -> None:
    """A lower bound above the upper one is refused."""
    with pytest.raises(ValueError, match="is not below max"):
        DifficultySettings(min=1.0, max=0.5)
