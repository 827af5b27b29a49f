"""Language models behind one protocol, opened by a spec such as `llamacpp:smollm2-135m`.

An engine's module is imported when it is opened: its library may be large, or not installed.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from selfinstruct.engines.base import (
    Completion,
    Engine,
    EngineInfo,
    Message,
    Prompt,
    Sampling,
)
from selfinstruct.engines.options import Given, NoOptions, read_options
from selfinstruct.engines.scripted import ScriptedEngine
from selfinstruct.errors import InputError, unknown_name

DEFAULT_ENGINE = "llamacpp:smollm2-135m"

EXAMPLES = {
    "llamacpp": DEFAULT_ENGINE,
    "vllm": "vllm:Qwen/Qwen3-8B",
    "transformers": "transformers:Qwen/Qwen3-0.6B",
    "openai": "openai:MODEL@http://127.0.0.1:8000/v1",
    "scripted": "scripted:replies.jsonl",
}
"""The kinds of engine, each with a spec."""

ENGINE_KINDS = tuple(EXAMPLES)

__all__ = [
    "DEFAULT_ENGINE",
    "ENGINE_KINDS",
    "Completion",
    "Engine",
    "EngineInfo",
    "Given",
    "Message",
    "Prompt",
    "Sampling",
    "ScriptedEngine",
    "open_engine",
]


def open_engine(spec: str, given: Given = Given()) -> Engine:  # noqa: B008 (frozen)
    """Open the engine that a spec names: `kind:model`.

    Raises InputError for an unknown kind or argument or a model that is not there, EngineError
    where the library is missing or fails.
    """
    kind, separator, model = spec.partition(":")
    if kind not in ENGINE_KINDS:
        kinds = ", ".join(ENGINE_KINDS)
        hint = f"an engine is KIND:MODEL, for example {DEFAULT_ENGINE}; kinds: {kinds}"
        raise unknown_name("engine", kind, ENGINE_KINDS, hint=hint)
    if not separator or not model:
        raise InputError(f"the engine {spec!r} names no model", hint=f"e.g. {EXAMPLES[kind]}")
    if kind == "scripted":
        read_options(kind, given.arguments, NoOptions)
        return ScriptedEngine(Path(model).expanduser())
    opener: Callable[[str, Given], Engine] = import_module(f"{__name__}.{kind}").open_model
    return opener(model, given)
