"""Asking an engine and never asking twice: completions are kept as they arrive.

Decides: which prompts of a stage still have to be asked, and that a completion is on the disk
before anything depends on it. Does not know: what prompts ask or what completions mean.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from selfinstruct.engines.base import Completion, Engine, Prompt
from selfinstruct.errors import EngineError, RunError
from selfinstruct.storage import Appender, read_rows


class Arrived(Protocol):
    """Someone to tell of a completion: `fresh` when it was asked for just now."""

    def __call__(self, completion: Completion, /, *, fresh: bool) -> None:
        """Hear of it."""


class Entry(msgspec.Struct, frozen=True):
    """A line of a journal: a completion and the digest of the prompt that it answers."""

    prompt: str
    completion: Completion


def ask(
    path: Path,
    engine: Engine,
    prompts: Sequence[Prompt],
    arrived: Arrived,
) -> list[Completion]:
    """Return one completion for each prompt, in the order of the prompts.

    Those that the journal at `path` holds are taken from it; the others are asked for and
    appended as they arrive. `arrived` is told of each.
    Raises RunError when the journal answers other prompts, EngineError when the engine leaves a
    prompt unanswered.
    """
    asked = {prompt.key: prompt for prompt in prompts}
    known: dict[str, Completion] = {}
    for entry in read_rows(path, Entry):
        key = entry.completion.key
        if key in asked and key not in known:
            if entry.prompt != asked[key].digest():
                message = f"{path}: the completion {key} answers another prompt"
                hint = "the run was begun by another version of selfinstruct: use that one"
                raise RunError(message, hint=hint)
            known[key] = entry.completion
            arrived(entry.completion, fresh=False)
    missing = [prompt for prompt in prompts if prompt.key not in known]
    if missing:
        with Appender(path) as journal:
            for completion in _exactly_once(engine, missing):
                journal.write(Entry(asked[completion.key].digest(), completion))
                known[completion.key] = completion
                arrived(completion, fresh=True)
    return [known[prompt.key] for prompt in prompts]


def _exactly_once(engine: Engine, prompts: Sequence[Prompt]) -> Iterator[Completion]:
    """Hold an engine to its promise: each key once, and no other."""
    waiting = {prompt.key for prompt in prompts}
    completions = engine.complete(prompts)
    try:
        for completion in completions:
            if completion.key not in waiting:
                raise EngineError(f"the engine answered {completion.key!r}, which was not asked")
            waiting.remove(completion.key)
            yield completion
    finally:
        # Closing abandons what is in flight, so that an interrupted run ends at once.
        close = getattr(completions, "close", None)
        if close:
            close()
    if waiting:
        raise EngineError(f"the engine left {len(waiting)} prompts unanswered")
