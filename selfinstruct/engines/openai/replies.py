"""Reading what a server of OpenAI's API replied.

Decides: which reply is a completion, which one is an error of its prompt, and which one no reply
at all, so that the request is worth making again. Does not know: how it came here.
"""

import json

import msgspec

from selfinstruct.engines.base import Completion, Finish, Prompt, cut_at_stop, failed
from selfinstruct.engines.openai.retries import TransientError

Unset = msgspec.UnsetType

_FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}

_CUT_OFF = frozenset({"abort", "error"})
"""Why a server that is shut down, or failed, ended a completion: the text is not whole."""


class Details(msgspec.Struct):
    """Where a prompt's tokens came from."""

    cached_tokens: int | None = None


class Usage(msgspec.Struct):
    """What a reply cost."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: Details | None = None


class Spoken(msgspec.Struct):
    """The message of a chat reply."""

    content: str | Unset | None = msgspec.UNSET
    refusal: str | None = None


class Choice(msgspec.Struct):
    """One of the completions of a reply: of a chat, or of a text."""

    finish_reason: str | None = None
    message: Spoken | None = None
    text: str | Unset | None = msgspec.UNSET


class Reply(msgspec.Struct):
    """The body of a reply, as far as it is of use here."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: object = None


def read_reply(prompt: Prompt, body: bytes, *, attempts: int) -> Completion:
    """Return the completion in a reply; raise TransientError when the body is none."""
    try:
        reply = msgspec.convert(json.loads(body), Reply)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        reason = str(error).partition(" - at ")[0]
        raise TransientError(f"the reply is not of this API: {reason}") from None
    if not reply.choices:
        said = f": {shown(reply.error)}" if reply.error else ""
        raise TransientError(f"the reply has no choices{said}")
    choice = reply.choices[0]
    text = choice.message.content if choice.message else choice.text
    why = choice.finish_reason
    if why in _CUT_OFF:
        raise TransientError(f"the server broke off (finish_reason {why!r})")
    if isinstance(text, Unset):
        raise TransientError("the reply has no text")
    finish = _FINISHES.get(why or "")
    if text is None or finish is None:
        refusal = (choice.message.refusal if choice.message else None) or ""
        said = f": {shown(refusal)}" if refusal else ""
        what = "wrote no text" if text is None else "did not end its text"
        return failed(prompt, f"the model {what} (finish_reason {why!r}){said}", attempts=attempts)
    cut = cut_at_stop(text, prompt.sampling.stop)
    usage = reply.usage or Usage()
    return Completion(
        key=prompt.key,
        text=cut,
        finish="stop" if len(cut) < len(text) else finish,
        prompt_tokens=usage.prompt_tokens or 0,
        completion_tokens=usage.completion_tokens or 0,
        cached_tokens=(usage.prompt_tokens_details or Details()).cached_tokens or 0,
        attempts=attempts,
    )


def shown(said: object, *, secret: str = "", most: int = 300) -> str:
    """Return what a server said, on one line that is not too long.

    A secret in it goes before the line is cut, so that no part of it is left.
    """
    if isinstance(said, dict):
        said = said.get("message") or said.get("detail") or said
    line = " ".join(str(said).split())
    line = line.replace(secret, "[key]") if secret else line
    return line if len(line) <= most else f"{line[:most]}…"
