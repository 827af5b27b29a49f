"""What the stages of a round share: keys, seeds, exemplars, and failed replies.

Decides: the seed and key of each prompt, which seed tasks serve as exemplars, and what a failed
reply counts for. Does not know: what any stage asks, or when.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from selfinstruct.conversation import OVER_BUDGET, UNASKED, Listener, Script
from selfinstruct.engines.base import Completion, Engine, Prompt, Sampling, seeded
from selfinstruct.pool import Pool, slot_random
from selfinstruct.run import Marker, Outcome
from selfinstruct.settings import Settings
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.task import Task, joined, singles
from selfinstruct.topics import Topic

NEVER_ASKED = {OVER_BUDGET: "budget", UNASKED: "unanswered"}
"""What a task is refused by whose question was never asked, by the error that says so."""


class Watch(Listener, Protocol):
    """Someone who looks on: a progress bar, a log, nobody."""

    def refused(self, count: int) -> None:
        """See drafts or tasks refused."""

    def finished(self, marker: Marker) -> None:
        """See a round finished."""

    def close(self) -> None:
        """Be told that nothing more comes."""


class Unwatched:
    """Nobody looks on."""

    def asked(self, prompt: Prompt) -> None:
        """Nothing."""

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Nothing."""

    def refused(self, count: int) -> None:
        """Nothing."""

    def finished(self, marker: Marker) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Exemplars(msgspec.Struct, frozen=True):
    """The seed tasks that few-shot prompts show: the run's, not the slot's.

    All prompts of a stage share their head, so that an engine computes it once.
    """

    labelled: tuple[Task, ...]
    classes: tuple[Task, ...]
    others: tuple[Task, ...]


def draw_exemplars(settings: Settings, pool: Pool) -> Exemplars:
    """Draw the exemplars of a run: to classify, and to write instances of both kinds."""
    classify, instances = settings.recipe.classify, settings.recipe.instances
    random = slot_random(settings.seed, "classify")
    labelled = pool.exemplars(random, classify.yes, classification=True)
    labelled += pool.exemplars(random, classify.no, classification=False)
    random.shuffle(labelled)
    random = slot_random(settings.seed, "instances")
    classes = pool.exemplars(random, instances.class_exemplars, classification=True)
    others = pool.exemplars(random, instances.exemplars, classification=False)
    return Exemplars(tuple(labelled), tuple(classes), tuple(others))


class Round(msgspec.Struct, kw_only=True):
    """One round in progress: what it draws from, whom it asks, and what it came to so far.

    `judge` is the engine that judges complete tasks, where that is another one.
    """

    settings: Settings
    engine: Engine
    pool: Pool
    watch: Watch
    exemplars: Exemplars
    outcome: Outcome
    topics: tuple[Topic, ...] = ()
    judge: Engine | None = None

    def key(self, stage: str, place: str) -> str:
        """Return the key of a question: "0001/respond/0017-2" for place "0017-2"."""
        return f"{self.outcome.round:04d}/{stage}/{place}"

    def seeded(self, sampling: Sampling, key: str) -> Sampling:
        """Give a prompt its own seed, from the run's seed and its key."""
        return seeded(sampling, self.settings.seed, key)


def place_of(draft: Task) -> str:
    """Return the place of a draft among its round's questions: "0017-2", slot and item."""
    return draft.origin.prompt.rpartition("/")[2].replace("#", "-")


def failed(reply: Completion, stage: str, task: Task, *, whole: bool = False) -> Rejected | None:
    """Refuse a task whose question failed, or (`whole`) whose reply broke off."""
    if reply.finish == "error":
        rule = NEVER_ASKED.get(reply.error, "engine_error")
        return Rejected(stage, rule, reply.error, task)
    if whole and reply.finish == "length":
        return Rejected(stage, "truncated", "the reply breaks off", task)
    return None


def each_instance(
    task: Task, stage: Callable[[Task, str], Script[Verdict]]
) -> Script[list[Verdict]]:
    """Put a task through a stage with each instance alone, which has a place of its own.

    Returns the refused instances, and the task with what is left of it.
    """
    verdicts: list[Verdict] = []
    kept: list[Task] = []
    for number, single in enumerate(singles(task)):
        verdict = yield from stage(single, f"{place_of(task)}-{number}")
        if isinstance(verdict, Kept):
            kept.append(verdict.task)
        else:
            verdicts.append(verdict)
    return [*verdicts, Kept(joined(kept))] if kept else verdicts
