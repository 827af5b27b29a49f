"""What the stages of a round share: asking within a budget, keys, and failed replies.

Decides: which prompts of a stage are asked at all, the seed and key of each, and what a failed
reply counts for. Does not know: what any stage asks.
"""

import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from selfinstruct.engines.base import Completion, Engine, Prompt, Sampling
from selfinstruct.journal import ask
from selfinstruct.pool import Pool
from selfinstruct.run import Marker, Outcome, Run
from selfinstruct.sift import Rejected
from selfinstruct.task import Task, digest


class Watch(Protocol):
    """Someone who looks on: a progress bar, a log, nobody."""

    def stage(self, number: int, name: str, total: int) -> None:
        """See a stage begin, with how many prompts it has."""

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """See a completion arrive (fresh) or be found in the journal."""

    def judged(self, kept: int, rejected: int) -> None:
        """See verdicts of the current stage."""

    def finished(self, marker: Marker) -> None:
        """See a round finished."""

    def close(self) -> None:
        """Be told that nothing more comes."""


class Unwatched:
    """Nobody looks on."""

    def stage(self, number: int, name: str, total: int) -> None:
        """Nothing."""

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Nothing."""

    def judged(self, kept: int, rejected: int) -> None:
        """Nothing."""

    def finished(self, marker: Marker) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Round(msgspec.Struct):
    """One round in progress: what it draws from, whom it asks, and what it came to so far."""

    run: Run
    engine: Engine
    pool: Pool
    watch: Watch
    outcome: Outcome

    def key(self, stage: str, place: str) -> str:
        """Return the key of a question: "0001/respond/0017-2" for place "0017-2"."""
        return f"{self.outcome.round:04d}/{stage}/{place}"

    def seeded(self, sampling: Sampling, key: str) -> Sampling:
        """Give a prompt its own seed, from the run's seed and its key."""
        seed = int(digest(f"{self.run.settings.seed}/{key}", 8), 16) & 0x7FFFFFFF
        return msgspec.structs.replace(sampling, seed=seed)

    def ask(self, stage: str, prompts: Sequence[Prompt]) -> list[Completion]:
        """Get the completions of a stage, in order, within the round's budget of tokens.

        The budget is planned with each prompt's limit, so which prompts fit in depends on
        earlier stages alone, never on the order in which completions arrive.
        """
        if not prompts:
            return []
        budget = self.run.settings.max_tokens_per_round
        room = len(prompts)
        if budget:
            left = budget - self.outcome.completion_tokens
            room = max(0, left // max(prompt.sampling.max_tokens for prompt in prompts))
        self.watch.stage(self.outcome.round, stage, min(room, len(prompts)))
        path = self.run.journal_path(self.outcome.round, stage)
        began = time.monotonic()
        try:
            replies = ask(path, self.engine, prompts[:room], self.watch.completed)
        finally:
            self.run.record_time(self.outcome.round, stage, time.monotonic() - began)
        self.outcome.prompt_tokens += sum(reply.prompt_tokens for reply in replies)
        self.outcome.completion_tokens += sum(reply.completion_tokens for reply in replies)
        return replies + [Completion(p.key, "", "error", error=OVER_BUDGET) for p in prompts[room:]]


OVER_BUDGET = "the round's budget of tokens is spent"
"""The error of a completion that was not asked for."""


def place_of(draft: Task) -> str:
    """Return the place of a draft among its round's questions: "0017-2", slot and item."""
    return draft.origin.prompt.rpartition("/")[2].replace("#", "-")


def failed(reply: Completion, stage: str, task: Task, *, whole: bool = False) -> Rejected | None:
    """Refuse a task whose question failed, or (`whole`) whose reply broke off."""
    if reply.finish == "error":
        rule = "budget" if reply.error == OVER_BUDGET else "engine_error"
        return Rejected(stage, rule, reply.error, task)
    if whole and reply.finish == "length":
        return Rejected(stage, "truncated", "the reply breaks off", task)
    return None
