"""Many scripts that ask one model: each goes on as soon as its reply is there.

Decides: which prompt the engine gets next, and that the journal is asked before the engine and
told before a script. So the engine is not drained between two stages of a round: while the last
proposals are being written, the first tasks are already answered. Does not know: what a script
wants, or how an engine works.

A script is a generator: it yields a prompt, is sent the completion, and in the end returns what
it came to. Nothing a script returns depends on when replies came, so nothing of a run does.
"""

import heapq
from collections.abc import Generator, Iterator
from itertools import count
from typing import Any, Generic, Protocol, Self, TypeVar

from selfinstruct.engines.base import Completion, Engine, Prompt
from selfinstruct.errors import EngineError
from selfinstruct.journal import Journal, stage_of

STAGES = (
    "topics",
    "propose",
    "classify",
    "input",
    "respond",
    "instances",
    "difficulty",
    "judge",
    "paraphrase",
    "translate",
    "back",
    "same",
)
"""In the order in which they are asked when there is a choice: prompts of one stage share their
head, and what comes late in a round is then what nothing else waits for."""

OVER_BUDGET = "the round's budget of tokens is spent"
UNASKED = "the model was never asked this"
"""The errors of completions that were not asked for: for lack of tokens, or of a model."""

T = TypeVar("T")
Script = Generator[Prompt, Completion, T]


class Listener(Protocol):
    """Someone to tell of prompts and completions."""

    def asked(self, prompt: Prompt) -> None:
        """Hear that a script wants an answer."""

    def completed(self, completion: Completion, /, *, fresh: bool) -> None:
        """Hear of a completion: `fresh` when it was asked for just now, not in the journal."""


class Talk(Generic[T]):
    """A script on its way: the prompt it waits for, or what it returned."""

    def __init__(self, script: Script[T], place: int) -> None:
        self._script = script
        self._place = place
        self.order = (0, place)
        self.prompt: Prompt | None = None
        self.returned: list[T] = []

    def send(self, reply: Completion | None) -> Prompt | None:
        """Let the script go on; return its next prompt, or None when it has returned."""
        try:
            # None starts a generator: its type does not say so
            self.prompt = self._script.send(reply)  # type: ignore[arg-type]
        except StopIteration as end:
            self.prompt = None
            self.returned.append(end.value)
            return None
        self.order = (STAGES.index(stage_of(self.prompt.key)), self._place)
        return self.prompt

    def __lt__(self, other: "Talk[Any]") -> bool:
        """Come before another: by stage, then in the order of beginning."""
        return self.order < other.order


class Conversation:
    """Plays scripts against an engine; a context manager, which ends what is in flight.

    Without a budget a prompt goes to the engine as soon as it is known. With a `budget` of
    completion tokens a stage begins when the one before it has ended: which prompts fit in is
    planned with each prompt's limit, and must depend on earlier stages alone, never on the order
    in which completions arrive.
    """

    def __init__(
        self, engine: Engine, journal: Journal, listener: Listener, *, budget: int = 0
    ) -> None:
        self._journal = journal
        self._listener = listener
        self._budget = budget
        self._places = count()
        self._held: list[Talk[Any]] = []
        self._ready: list[Talk[Any]] = []
        self._in_flight: dict[str, Talk[Any]] = {}
        self._completions = engine.complete(self._prompts())
        self.prompt_tokens = 0
        self.completion_tokens = 0

    def begin(self, script: Script[T]) -> Talk[T]:
        """Start a script: run it to its first prompt."""
        talk = Talk(script, next(self._places))
        self._advance(talk, None)
        return talk

    def result(self, talk: Talk[T]) -> T:
        """Wait for what a script returns; all others go on meanwhile.

        Raises EngineError when the engine is broken or does not keep its promises.
        """
        while not talk.returned:
            if self._held and not self._ready and not self._in_flight:
                self._release()
            else:
                self._take(next(self._completions, None))
        return talk.returned[0]

    def _advance(self, talk: Talk[Any], reply: Completion | None) -> None:
        """Send a script its reply, and whatever the journal knows after that."""
        prompt = talk.send(reply)
        while prompt and not self._budget and (known := self._recall(prompt)):
            prompt = talk.send(known)
        if prompt and self._budget:
            heapq.heappush(self._held, talk)
        elif prompt:
            self._listener.asked(prompt)
            heapq.heappush(self._ready, talk)

    def _recall(self, prompt: Prompt) -> Completion | None:
        """Return the completion that the journal has of a prompt, and count it."""
        known = self._journal.known(prompt)
        if known is not None:
            self._listener.asked(prompt)
            self._count(known, fresh=False)
        return known

    def _prompts(self) -> Iterator[Prompt | None]:
        """Give the engine what is ready; None while all that is left depends on it."""
        while self._ready or self._in_flight:
            talk = heapq.heappop(self._ready) if self._ready else None
            if talk is not None and talk.prompt is not None:
                self._in_flight[talk.prompt.key] = talk
            yield talk.prompt if talk else None

    def _take(self, completion: Completion | None) -> None:
        """Write down a completion and let its script go on."""
        if completion is None:
            raise EngineError(f"the engine left {len(self._in_flight)} prompts unanswered")
        talk = self._in_flight.pop(completion.key, None)
        if talk is None or talk.prompt is None:
            raise EngineError(f"the engine answered {completion.key!r}, which was not asked")
        self._journal.keep(talk.prompt, completion)
        self._count(completion, fresh=True)
        self._advance(talk, completion)

    def _count(self, completion: Completion, *, fresh: bool) -> None:
        self.prompt_tokens += completion.prompt_tokens
        self.completion_tokens += completion.completion_tokens
        self._listener.completed(completion, fresh=fresh)

    def _release(self) -> None:
        """Begin the next stage: let in what fits in the budget, and answer the rest by that."""
        batch = [heapq.heappop(self._held)]
        stage = batch[0].order[0]
        while self._held and self._held[0].order[0] == stage:
            batch.append(heapq.heappop(self._held))
        prompts = [talk.prompt for talk in batch if talk.prompt]
        left = self._budget - self.completion_tokens
        room = max(0, left // max(prompt.sampling.max_tokens for prompt in prompts))
        for place, (talk, prompt) in enumerate(zip(batch, prompts, strict=True)):
            if place >= room:
                self._advance(talk, Completion(prompt.key, "", "error", error=OVER_BUDGET))
            elif known := self._recall(prompt):
                self._advance(talk, known)
            else:
                self._listener.asked(prompt)
                heapq.heappush(self._ready, talk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Abandon what is in flight, so that an interrupted run ends at once."""
        close = getattr(self._completions, "close", None)
        if close:
            close()
