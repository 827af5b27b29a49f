"""Language models behind one protocol, opened by a spec such as `llamacpp:smollm2-135m`."""

from pathlib import Path

from selfinstruct.engines.base import (
    Completion,
    Engine,
    EngineInfo,
    Message,
    Prompt,
    Sampling,
)
from selfinstruct.engines.scripted import ScriptedEngine
from selfinstruct.errors import InputError, unknown_name

DEFAULT_ENGINE = "llamacpp:smollm2-135m"
ENGINE_KINDS = ("llamacpp", "scripted")

__all__ = [
    "DEFAULT_ENGINE",
    "ENGINE_KINDS",
    "Completion",
    "Engine",
    "EngineInfo",
    "Message",
    "Prompt",
    "Sampling",
    "ScriptedEngine",
    "open_engine",
]


def open_engine(spec: str, *, quiet: bool = False) -> Engine:
    """Open the engine that a spec names: `kind:model`.

    `quiet` keeps the first-use download of the small model silent. Raises InputError for an
    unknown kind or a model that is not there, EngineError where the library fails.
    """
    kind, separator, model = spec.partition(":")
    if kind not in ENGINE_KINDS:
        kinds = ", ".join(ENGINE_KINDS)
        hint = f"an engine is KIND:MODEL, for example {DEFAULT_ENGINE}; kinds: {kinds}"
        raise unknown_name("engine", kind, ENGINE_KINDS, hint=hint)
    if not separator or not model:
        hint = f"for example {DEFAULT_ENGINE}, llamacpp:model.gguf or scripted:replies.jsonl"
        raise InputError(f"the engine {spec!r} names no model", hint=hint)
    if kind == "scripted":
        return ScriptedEngine(Path(model))
    from selfinstruct.engines.llamacpp import LlamaCppEngine  # noqa: PLC0415 (heavy)

    return LlamaCppEngine(model, quiet=quiet)
