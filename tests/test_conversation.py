"""Conversations: scripts go on as soon as their replies are there, each asked for once."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.conversation import OVER_BUDGET, STAGES, Conversation, Script
from selfinstruct.engines import Completion, Prompt, Sampling, ScriptedEngine
from selfinstruct.errors import EngineError, RunError
from selfinstruct.journal import Journal

LIMIT = 10


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.fresh: list[bool] = []

    def asked(self, prompt: Prompt) -> None:
        """Keep the key."""
        self.prompts.append(prompt.key)

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Keep whether it was fresh."""
        assert completion.key in self.prompts
        self.fresh.append(fresh)


class Fickle(ScriptedEngine):
    """Holds prompts back and answers them in an order of its own."""

    def __init__(self, seed: int, most: int = 5) -> None:
        super().__init__(reply)
        self.order = Random(seed)
        self.most = most
        self.idle = 0

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Answer one of those that wait, by chance."""
        waiting: list[Prompt] = []
        source = iter(prompts)
        while True:
            while len(waiting) < self.most and (prompt := next(source, None)) is not None:
                waiting.append(prompt)
            if not waiting:
                return
            self.idle += len(waiting) < self.most
            chosen = waiting.pop(self.order.randrange(len(waiting)))
            yield from super().complete([chosen])


def reply(prompt: Prompt) -> Completion:
    """Answer by the key alone, at a cost that depends on it."""
    cost = 1 + Random(prompt.key).randrange(LIMIT)
    return Completion(prompt.key, f"re {prompt.key}", "stop", 3, cost)


def script(place: int, stages: Iterable[str]) -> Script[list[str]]:
    """Ask once for each stage; return the replies."""
    heard: list[str] = []
    for stage in stages:
        key = f"0001/{stage}/{place:04d}"
        sampling = Sampling(max_tokens=LIMIT)
        answer = yield Prompt(key, f"after {heard}", sampling=sampling)
        heard.append(answer.text or answer.error)
    return heard


def play(
    folder: Path,
    engine: ScriptedEngine,
    plans: list[list[str]],
    *,
    budget: int = 0,
    heard: Heard | None = None,
) -> list[list[str]]:
    """Play a script for each plan; return what each came to."""
    with (
        Journal(folder, "0001") as journal,
        Conversation(engine, journal, heard or Heard(), budget=budget) as talk,
    ):
        talks = [talk.begin(script(place, plan)) for place, plan in enumerate(plans)]
        return [talk.result(one) for one in talks]


plans_of_stages = st.lists(
    st.lists(st.sampled_from(STAGES), unique=True).map(lambda s: sorted(s, key=STAGES.index)),
    max_size=8,
)


@given(plans_of_stages, st.integers(0, 99), st.sampled_from([0, 15, 40, 1000]))
def test_results_do_not_depend_on_the_order_of_completions(
    tmp_path_factory: pytest.TempPathFactory, plans: list[list[str]], seed: int, budget: int
) -> None:
    """Whatever order an engine answers in, scripts return the same, with a budget or without."""
    one, other = (tmp_path_factory.mktemp("journal") for _ in range(2))
    expected = play(one, ScriptedEngine(reply), plans, budget=budget)
    assert play(other, Fickle(seed), plans, budget=budget) == expected
    if not budget:
        assert [len(answers) for answers in expected] == [len(plan) for plan in plans]


@given(plans_of_stages, st.integers(0, 99), st.integers(0, 12), st.sampled_from([0, 40]))
def test_a_conversation_broken_off_is_taken_up_without_asking_twice(
    tmp_path_factory: pytest.TempPathFactory,
    plans: list[list[str]],
    seed: int,
    after: int,
    budget: int,
) -> None:
    """After a stop at any completion, only what the journal does not hold is asked for."""
    whole, broken = (tmp_path_factory.mktemp("journal") for _ in range(2))
    expected = play(whole, ScriptedEngine(reply), plans, budget=budget)

    class Stopping(Fickle):
        def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
            for number, completion in enumerate(super().complete(prompts)):
                if number == after:
                    raise KeyboardInterrupt
                yield completion

    first, second = Stopping(seed), Fickle(seed + 1)
    try:
        play(broken, first, plans, budget=budget)
    except KeyboardInterrupt:
        heard = Heard()
        assert play(broken, second, plans, budget=budget, heard=heard) == expected
        assert heard.fresh.count(False) == after
        assert len(second.prompts) == len(heard.fresh) - after


def test_a_stage_does_not_wait_for_the_one_before_it(tmp_path: Path) -> None:
    """With one slow proposal, all other scripts come to their ends before it is answered."""

    class OneSlow(ScriptedEngine):
        def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
            slow: Prompt | None = None
            for prompt in prompts:
                if prompt is None:
                    assert slow is not None
                    yield from super().complete([slow])
                    slow = None
                elif prompt.key == "0001/propose/0000":
                    slow = prompt
                else:
                    yield from super().complete([prompt])

    engine = OneSlow(reply)
    play(tmp_path, engine, [["propose", "respond"]] * 4)
    keys = [prompt.key for prompt in engine.prompts]
    assert keys[-2:] == ["0001/propose/0000", "0001/respond/0000"]


def test_an_engine_is_kept_busy_between_stages(tmp_path: Path) -> None:
    """With work for many, an engine lacks prompts only while the last few are answered."""
    engine = Fickle(3, most=8)
    play(tmp_path, engine, [["propose", "classify", "respond"]] * 40)
    assert engine.idle <= 8


def test_earlier_stages_are_asked_first(tmp_path: Path) -> None:
    """Prompts of a stage follow one another, where none has to wait."""
    engine = ScriptedEngine(reply)
    play(tmp_path, engine, [["propose", "respond"]] * 3)
    assert [prompt.key[5:9] for prompt in engine.prompts] == ["prop"] * 3 + ["resp"] * 3


def test_a_stage_over_budget_is_answered_by_that(tmp_path: Path) -> None:
    """A budget lets in what fits by each prompt's limit; the rest is not asked for."""
    engine = ScriptedEngine(reply)
    found = play(tmp_path, engine, [["propose"]] * 5, budget=3 * LIMIT + 9)
    assert [answers[0] for answers in found[3:]] == [OVER_BUDGET] * 2
    assert len(engine.prompts) == 3


def test_an_engine_that_drops_a_prompt_is_found_out(tmp_path: Path) -> None:
    """An engine that ends before all are answered is an error, not a shorter result."""

    class Dropping(ScriptedEngine):
        def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
            next(iter(prompts))
            yield from ()

    with pytest.raises(EngineError, match="left 1 prompts unanswered"):
        play(tmp_path, Dropping(reply), [["propose"]])


@pytest.mark.parametrize("key", ["0001/propose/0009", "0001/propose/0000"])
def test_an_answer_that_was_not_asked_for_is_refused(tmp_path: Path, key: str) -> None:
    """An unknown key, and a key a second time, are the engine's fault."""

    class Inventing(ScriptedEngine):
        def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
            first = next(iter(prompts))
            assert first is not None
            yield Completion(first.key, "", "stop")
            yield Completion(key, "", "stop")

    with pytest.raises(EngineError, match="was not asked"):
        play(tmp_path, Inventing(reply), [["propose"]] * 2)


def test_a_journal_that_answers_another_prompt_is_refused(tmp_path: Path) -> None:
    """A completion is never taken for the answer to other words."""
    with Journal(tmp_path, "0001") as journal:
        journal.keep(Prompt("0001/propose/0000", "old words"), Completion("x", "", "stop"))
        prompt = Prompt("0001/propose/0000", "old words")
        journal.keep(prompt, Completion(prompt.key, "", "stop"))
    with pytest.raises(RunError, match="answers another prompt"):
        play(tmp_path, ScriptedEngine(reply), [["propose"]])
