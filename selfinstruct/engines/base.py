"""The waist between the program and language models.

Decides: what a prompt and a completion are, and what every engine promises. Does not know:
any model library, tasks, or files.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Protocol, Self

import msgspec

from selfinstruct.task import clean, digest, to_json


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a completion is drawn.

    `max_tokens` bounds its length in tokens. `choices`, where given, are the only answers
    allowed, and `schema`, where given, is the JSON Schema (as text) of the answer: engines that
    can, constrain decoding to them. `seed` belongs to one prompt. The bounds are those of vLLM and
    of OpenAI's protocol, so that a recipe that is read works with every engine.
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

    `key` names the slot, "0003/propose/0017": round, stage, place.
    """

    key: str
    text: str = ""
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()

    def digest(self) -> str:
        """Return a digest of everything the model is given."""
        return digest(to_json((self.text, self.messages, self.sampling)).decode())


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
    """

    key: str
    text: str
    finish: Finish
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    error: str = ""
    attempts: int = 1

    def __post_init__(self) -> None:
        """Make text storable whatever the model wrote: lone surrogates become U+FFFD."""
        msgspec.structs.force_setattr(self, "text", clean(self.text))
        msgspec.structs.force_setattr(self, "error", clean(self.error))


class EngineInfo(msgspec.Struct, frozen=True):
    """Which model answers: what rows record as their model, revision and licence.

    `chat` says that the model has a chat template; `context` is the longest prompt plus
    completion in tokens (0: unknown); `constrains` that answers can be held to a JSON Schema.
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


class Engine(Protocol):
    """A model that completes prompts; a context manager.

    `complete` takes prompts lazily and yields one completion for each key, once, in any order.
    None among the prompts says that no other is ready before one more completion is taken; it
    comes only while something is in flight. A prompt that fails becomes a completion with finish
    "error"; stop strings are not part of the text; closing the iterator abandons what is in
    flight. An engine that is broken, not only for one prompt, raises EngineError.
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
