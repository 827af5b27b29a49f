"""The waist between the program and language models.

Decides: what a prompt and a completion are, and what every engine promises. Does not know:
any model library, tasks, or files.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Literal, Protocol, Self

import msgspec

from selfinstruct.task import clean, digest, to_json


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a completion is drawn.

    `max_tokens` bounds its length in tokens. `choices`, where given, are the only answers
    allowed, and `schema`, where given, is the JSON Schema (as text) of the answer: engines that
    can, constrain decoding to them. `repeat_penalty` makes each token less likely that stands in
    the prompt or in the text so far, however long ago. `seed` belongs to one prompt. The bounds
    are those of vLLM and of OpenAI's protocol, so that a recipe that is read works with every
    engine.
    """

    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 256
    temperature: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    presence_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] = 0.0
    frequency_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] = 0.0
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    stop: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    schema: str = ""
    seed: int = 0

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken: for engines that refuse a `top_p` of 0."""
        return self.temperature == 0 or self.top_p == 0


class Message(msgspec.Struct, frozen=True):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(msgspec.Struct, frozen=True):
    """One question to a model: plain `text` to go on, or `messages` for its chat template.

    `key` names the slot, "0003/propose/0017": round, stage, place. With an `answer` nothing is
    written: the model says how likely it is that this answer follows, and `sampling` plays no
    part. An empty `text` is then what a text begins with: the answer stands alone.
    """

    key: str
    text: str = ""
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()
    answer: str | None = None

    def digest(self) -> str:
        """Return a digest of everything the model is given."""
        given: tuple[object, ...] = (self.text, self.messages, self.sampling)
        if self.answer is not None:  # else as it was before there were answers: journals have it
            given = (*given, self.answer)
        return digest(to_json(given).decode())


TEMPLATE_ARGUMENTS = {"enable_thinking": False}
"""What chat templates are given: hybrid models (Qwen3 and others) shall answer, not think aloud.

Templates without that variable pass it over.
"""

Finish = Literal["stop", "length", "error"]


class Completion(msgspec.Struct, frozen=True):
    """What came back for one prompt: text, why it ended, and what it cost in tokens.

    `cached_tokens` of the prompt were served from the engine's prefix cache. A completion with
    finish "error" has no text and says in `error` what happened. `attempts` counts the requests
    that were made for it: each may have been paid for.

    Of a prompt with an answer, `text` is empty, `completion_tokens` counts the answer's tokens,
    and `log_likelihood` is the sum of the natural logarithms of their probabilities (nats, at
    most 0), each given the prompt and the answer before it; what a chat template puts after the
    answer does not count. The answer's tokens are those of a text that goes on. Measured on
    SmolLM2-135M: engines with the weights in float32, and one with itself in other company,
    agree to 0.00005 nats a token; the weights in four bits (llama.cpp's Q4_1) differ from those
    by up to 0.15. So compare numbers of one engine and one checkpoint.
    """

    key: str
    text: str
    finish: Finish
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    error: str = ""
    attempts: int = 1
    log_likelihood: float | None = None

    def __post_init__(self) -> None:
        """Make text storable whatever the model wrote: lone surrogates become U+FFFD."""
        msgspec.structs.force_setattr(self, "text", clean(self.text))
        msgspec.structs.force_setattr(self, "error", clean(self.error))


class EngineInfo(msgspec.Struct, frozen=True):
    """Which model answers: what rows record as their model, revision and licence.

    `chat` says that the model has a chat template; `context` is the longest prompt plus
    completion in tokens (0: unknown); `constrains` that answers can be held to a JSON Schema;
    `scores` that the engine can say how likely a given answer is.
    `arguments` are the engine arguments given ("key=value"): written down in the run, and free
    to differ when it is resumed.
    """

    model: str
    revision: str = ""
    licence: str = ""
    chat: bool = False
    context: int = 0
    constrains: bool = True
    arguments: tuple[str, ...] = ()
    scores: bool = False


class Engine(Protocol):
    """A model that completes prompts; a context manager.

    `complete` takes prompts lazily and yields one completion for each key, once, in any order.
    None among the prompts says that no other is ready before one more completion is taken; it
    comes only while something is in flight. A prompt that fails becomes a completion with finish
    "error"; stop strings are not part of the text; closing the iterator abandons what is in
    flight. An engine that is broken, not only for one prompt, raises EngineError. One that cannot
    score gives a prompt with an answer finish "error".
    """

    @property
    def info(self) -> EngineInfo:
        """Which model this is."""
        ...

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Complete every prompt."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def cut_at_stop(text: str, stop: Iterable[str]) -> str:
    """Return the text before the first stop string in it."""
    ends = [place for mark in stop if mark and (place := text.find(mark)) >= 0]
    return text[: min(ends)] if ends else text


def failed(prompt: Prompt, reason: str, *, attempts: int = 1) -> Completion:
    """Return the completion of a prompt that got none; it names the prompt."""
    return Completion(prompt.key, "", "error", error=f"{prompt.key}: {reason}", attempts=attempts)


NO_SCORES = "this engine gives no log-likelihood of an answer"
"""Why a prompt with an answer fails where `scores` is False."""


def scored(prompt: Prompt, logarithms: Sequence[float], *, prompt_tokens: int) -> Completion:
    """Return the completion of a prompt with an answer; one logarithm for each of its tokens."""
    total = math.fsum(logarithms)
    if not math.isfinite(total):
        return failed(prompt, "the model gives no finite probability for this answer")
    return Completion(
        key=prompt.key,
        text="",
        finish="stop",
        prompt_tokens=prompt_tokens,
        completion_tokens=len(logarithms),
        log_likelihood=min(total, 0.0),  # a probability of 1 may be rounded above it
    )


def seeded(sampling: Sampling, seed: int, key: str) -> Sampling:
    """Give a prompt its own seed, which follows from the run's seed and its key: 31 bits."""
    own = int(digest(f"{seed}/{key}", 8), 16) & 0x7FFFFFFF
    return msgspec.structs.replace(sampling, seed=own)


def going_on(encode: Callable[[str], Sequence[int]], text: str) -> list[int]:
    """Return the tokens with which a text goes on, rather than begins.

    Some tokenizers put a space before the first word of a text: it stands on a line here, whose
    own tokens are left out. `encode` adds no special tokens.
    """
    line = list(encode("\n"))
    found = list(encode(f"\n{text}"))
    return found[len(line) :] if found[: len(line)] == line else list(encode(text))
