"""Instruction-following difficulty: two prompts, and one number from their replies."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.difficulty import (
    difficulty_prompts,
    instruction_following_difficulty,
    perplexity,
)
from selfinstruct.engines import Completion, Engine, Prompt, Sampling, ScriptedEngine
from selfinstruct.prompts.files import load_prompts
from selfinstruct.task import Origin, Task, new_task

likelihoods = st.floats(-5000, 0)
sizes = st.integers(1, 500)


def reply(likelihood: float | None, size: int) -> Completion:
    """Return a reply with a log-likelihood."""
    return Completion("k", "", "stop", completion_tokens=size, log_likelihood=likelihood)


def a_task(instruction: str) -> Task:
    """Return a task without instances."""
    return new_task(instruction, origin=Origin(kind="seed"), language="en")


def difficulty(engine: Engine, instruction: str, answer: str) -> float:
    """Ask an engine how difficult a task is, as a stage would."""
    prompts = load_prompts("en")
    sampling = Sampling(max_tokens=99, temperature=0.7, seed=5)
    asked = prompts.respond("0001/difficulty/0007", a_task(instruction), "", sampling=sampling)
    both = difficulty_prompts(asked, answer)
    found = {completion.key: completion for completion in engine.complete(both)}
    number = instruction_following_difficulty(*(found[prompt.key] for prompt in both))
    assert number is not None
    return number


def test_the_answer_is_asked_after_the_prompt_and_alone() -> None:
    """The first prompt has the messages of a response, the second nothing but the answer."""
    asked = load_prompts("en").respond("k", a_task("Name a colour."), "", sampling=Sampling())
    first, alone = difficulty_prompts(asked, "Réd.")
    assert first.messages == asked.messages
    assert (first.answer, alone.answer) == ("Réd.", "Réd.")
    assert (alone.text, alone.messages) == ("", ())
    assert (first.key, alone.key) == ("k", "k-alone")
    assert first.sampling == alone.sampling == Sampling(max_tokens=5)


@given(likelihoods, likelihoods, sizes)
def test_the_number_is_a_ratio_of_perplexities(given_it: float, alone: float, size: int) -> None:
    """It is above 1 just where the answer is less likely after the instruction than alone."""
    number = instruction_following_difficulty(reply(given_it, size), reply(alone, size))
    assert number is not None
    assert math.isfinite(number)
    assert number > 0
    assert math.log(number) == pytest.approx(min(max((alone - given_it) / size, -700), 700))
    assert number >= 1 or given_it > alone
    assert number <= 1 or given_it < alone


@given(likelihoods, sizes)
def test_a_perplexity_is_at_least_one(likelihood: float, size: int) -> None:
    """A token drawn from k equal ones has perplexity k; none is below 1."""
    found = perplexity(reply(likelihood, size))
    assert found is not None
    assert 1 <= found < math.inf
    assert perplexity(reply(-size * math.log(8), size)) == pytest.approx(8)


@pytest.mark.parametrize("broken", [reply(None, 3), reply(0.0, 0)])
def test_what_has_no_tokens_has_no_difficulty(broken: Completion) -> None:
    """A failed prompt and an empty answer give no number, on either side."""
    assert perplexity(broken) is None
    assert instruction_following_difficulty(broken, reply(-1.0, 1)) is None
    assert instruction_following_difficulty(reply(-1.0, 1), broken) is None


def test_a_script_can_say_how_likely_an_answer_is(tmp_path: Path) -> None:
    """A script file rates answers with its own lines, beside those that reply."""
    script = tmp_path / "script.jsonl"
    script.write_text(
        '{"key": "*/difficulty/*", "log_likelihood": -4.0}\n'
        '{"key": "*/difficulty/*-alone", "log_likelihood": -4.0}\n'
        '{"key": "0001/difficulty/0007-alone", "log_likelihood": -10.0}\n'
        '{"text": "some text"}\n',
        encoding="utf-8",
    )
    engine = ScriptedEngine(script)
    assert difficulty(engine, "Name a colour.", "Red or blue") == pytest.approx(math.exp(-2))
    found = {
        each.key: each for each in engine.complete([Prompt("a", "x"), Prompt("b", answer="y")])
    }
    assert found["a"].text == "some text"
    assert (found["b"].finish, found["b"].log_likelihood) == ("error", None)


@pytest.mark.model
def test_an_instruction_helps_with_its_own_answer(small_model: Engine) -> None:
    """To a real model an answer is easier after its instruction than after another one."""
    answer = "The capital of France is Paris, a city on the river Seine."
    right = difficulty(small_model, "Tell me about the capital of France.", answer)
    wrong = difficulty(small_model, "List three fruits that are red.", answer)
    assert 0 < right < 0.5
    assert right < wrong / 2
