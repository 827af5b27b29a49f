"""What servers of OpenAI's API take and say, each in its dialect.

Decides: how a prompt is put as a request, and what a list of models tells about a server. What a
dialect has no word for is left out. Does not know: how requests are sent.

vLLM and llama.cpp take their own fields beside the standard ones; theirs are always sent, since
a server's defaults come from the model's files or its own taste. Ollama puts a text prompt into
the model's chat template, so that it is better asked to continue it.
"""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from selfinstruct.engines.base import TEMPLATE_ARGUMENTS, Prompt, Sampling
from selfinstruct.engines.llamacpp_fields import one_of, repeat_fields
from selfinstruct.errors import InputError

Dialect = Literal["vllm", "llamacpp", "ollama", "openai"]

OPENAI_STOPS = 4
"""Stop strings that OpenAI takes: the text is cut at the others when it is here."""

CONTINUE = (
    "Continue the following text exactly where it stops. "
    "Write only the continuation: do not repeat any of it and do not comment on it.\n\n"
)
"""Asks a chat model for what a completion would be."""

_OWNERS: dict[str, Dialect] = {"vllm": "vllm", "llamacpp": "llamacpp", "library": "ollama"}
_SHOWN = 12

Listed = Mapping[str, Any]
"""A model as a server lists it."""


def read_list(body: bytes) -> list[Listed]:
    """Read the answer to GET /models; raise ValueError when it is none."""
    document = json.loads(body)
    entries = document.get("data") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise ValueError("no list of models")  # noqa: TRY004 (bad content, not a bad call)
    return [entry for entry in entries if isinstance(entry, dict) and "id" in entry]


def find(model: str, listed: Sequence[Listed], dialect: Dialect, url: str) -> Listed | None:
    """Return the entry of a model, None where nothing is listed.

    Raises InputError for a model that the server does not have. llama.cpp's server has one, and
    takes any name for it.
    """
    entry = _named(model, listed)
    if entry is None and listed and dialect == "llamacpp":
        return listed[0]
    if entry is None and listed:
        raise _not_served(model, listed, url)
    return entry


def dialect_of(model: str, listed: Sequence[Listed]) -> Dialect:
    """Tell a server by who owns the model, or any of its models."""
    entry = _named(model, listed)
    entries = [entry, *listed] if entry else listed
    owners = (_OWNERS.get(str(each.get("owned_by"))) for each in entries)
    return next((owner for owner in owners if owner), "openai")


def _named(model: str, listed: Sequence[Listed]) -> Listed | None:
    """Return the entry with a name: Ollama's may lack ":latest", a router's adds a provider."""
    by_name = {str(entry["id"]): entry for entry in listed}
    names = (model, f"{model}:latest", model.rpartition(":")[0])
    return next((by_name[name] for name in names if name in by_name), None)


def context_of(entry: Listed | None) -> int:
    """Return how many tokens prompt and completion may have together; 0 where it is not said.

    llama.cpp says how long a slot is, and older ones only what the model was trained for.
    """
    meta = entry.get("meta") if entry else None
    known = meta if isinstance(meta, dict) else {}
    said = [(entry or {}).get("max_model_len"), known.get("n_ctx"), known.get("n_ctx_train")]
    return next((number for number in said if isinstance(number, int) and number > 0), 0)


def _not_served(model: str, listed: Sequence[Listed], url: str) -> InputError:
    """Return the error for a model that a server does not have."""
    names = sorted(str(entry["id"]) for entry in listed)
    close = get_close_matches(model, names, n=1, cutoff=0.5)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    hint = f"it serves: {', '.join(names[:_SHOWN])}{more}"
    return InputError(f"the server at {url} does not serve {model!r}{suggestion}", hint=hint)


def request(prompt: Prompt, model: str, dialect: Dialect, *, chat: bool) -> dict[str, Any]:
    """Put a prompt as the body of a request to /chat/completions, or else to /completions."""
    fields: dict[str, Any] = {"model": model}
    if not chat:
        fields["prompt"] = prompt.text
    elif prompt.messages:
        fields["messages"] = [
            {"role": message.role, "content": message.content} for message in prompt.messages
        ]
    else:
        fields["messages"] = [{"role": "user", "content": CONTINUE + prompt.text}]
    sampling = prompt.sampling
    if dialect == "openai":
        return fields | _openai(sampling, chat=chat)
    fields |= _standard(sampling)
    if chat and dialect in ("vllm", "llamacpp"):
        fields["chat_template_kwargs"] = TEMPLATE_ARGUMENTS
    if dialect == "vllm":
        fields |= _vllm(sampling)
    elif dialect == "llamacpp":
        fields |= _llamacpp(sampling)
    elif chat and sampling.schema:
        fields["response_format"] = _response_format(sampling)
    return fields


def _standard(sampling: Sampling) -> dict[str, Any]:
    """Return the fields that every server takes."""
    fields: dict[str, Any] = {
        "max_tokens": sampling.max_tokens,
        "temperature": 0.0 if sampling.greedy else sampling.temperature,
        "top_p": 1.0 if sampling.greedy else sampling.top_p,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": sampling.seed,
    }
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    return fields


def _openai(sampling: Sampling, *, chat: bool) -> dict[str, Any]:
    """Return OpenAI's fields; what is at its default is left out, as some models refuse it.

    A schema is asked for where it can be: in a chat, with an object at the top.
    """
    fields = _standard(sampling)
    for name, default in (("top_p", 1), ("presence_penalty", 0), ("frequency_penalty", 0)):
        if fields[name] == default:
            del fields[name]
    if sampling.stop:
        fields["stop"] = fields["stop"][:OPENAI_STOPS]
    if chat:
        fields["max_completion_tokens"] = fields.pop("max_tokens")
        if sampling.schema and json.loads(sampling.schema).get("type") == "object":
            fields["response_format"] = _response_format(sampling)
    return fields


def _response_format(sampling: Sampling) -> dict[str, Any]:
    schema = json.loads(sampling.schema)
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _vllm(sampling: Sampling) -> dict[str, Any]:
    """Return vLLM's own fields."""
    fields: dict[str, Any] = {
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": sampling.repeat_penalty,
    }
    if sampling.choices:
        fields["structured_outputs"] = {"choice": list(sampling.choices)}
    elif sampling.schema:
        fields["structured_outputs"] = {"json": json.loads(sampling.schema)}
    return fields


def _llamacpp(sampling: Sampling) -> dict[str, Any]:
    """Return llama.cpp's own fields."""
    fields: dict[str, Any] = {
        "top_k": 0,
        "min_p": 0.0,
        **repeat_fields(sampling),
        "cache_prompt": True,
    }
    if sampling.choices:
        fields["grammar"] = one_of(sampling.choices)
    elif sampling.schema:
        fields["json_schema"] = json.loads(sampling.schema)
    return fields
