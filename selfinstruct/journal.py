"""The journal of a step: every completion, kept as it arrives, and never asked for twice.

A step is a round, "0003", or "augment", as the keys of its prompts say.

Decides: that a completion is written down before anything depends on it, and that it answers the
prompt it is taken for. Does not know: what prompts ask, or what completions mean.
"""

import time
from collections.abc import Collection
from pathlib import Path
from typing import Self

import msgspec

from selfinstruct.engines.base import Completion, Prompt
from selfinstruct.errors import RunError
from selfinstruct.storage import Appender, read_rows

SYNC_EVERY = 0.5
"""Seconds between two waits for the disk. A killed process loses nothing either way; a power
cut can cost the completions of that time, and waiting for each would cost 1 ms and more each."""


class Entry(msgspec.Struct, frozen=True):
    """A line of a journal: a completion and the digest of the prompt that it answers."""

    prompt: str
    completion: Completion


class Journal:
    """The completions of a step, in one file for each stage; a context manager."""

    def __init__(self, folder: Path, step: str) -> None:
        """Read what is there of a step; raise RunError for a damaged file."""
        self._folder = folder
        self._step = step
        self._known: dict[str, tuple[Path, Entry]] = {}
        self._files: dict[str, Appender] = {}
        self._synced = time.monotonic()
        for path in sorted(folder.glob(f"{step}-*.jsonl")):
            for entry in read_rows(path, Entry):
                self._known.setdefault(entry.completion.key, (path, entry))

    def known(self, prompt: Prompt) -> Completion | None:
        """Return the completion of a prompt that was asked before, or None.

        Raises RunError when the journal has an answer to another prompt of that key.
        """
        path, entry = self._known.get(prompt.key, (None, None))
        if entry is None:
            return None
        if entry.prompt != prompt.digest():
            message = f"{path}: the completion {prompt.key} answers another prompt"
            hint = "the run was begun by another version of selfinstruct: use that one"
            raise RunError(message, hint=hint)
        return entry.completion

    def keep(self, prompt: Prompt, completion: Completion) -> None:
        """Write down a completion."""
        stage = stage_of(prompt.key)
        if stage not in self._files:
            self._files[stage] = Appender(self._folder / f"{self._step}-{stage}.jsonl")
        self._files[stage].write(Entry(prompt.digest(), completion), sync=False)
        if time.monotonic() - self._synced >= SYNC_EVERY:
            self._sync()

    def _sync(self) -> None:
        for file in self._files.values():
            file.sync()
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Wait until all is on the disk, and close the files."""
        try:
            self._sync()
        finally:
            for file in self._files.values():
                file.close()


class Recorded(Journal):
    """The journal of a step that was played before, perhaps by other settings.

    It knows completions by their keys alone: a key names a draft, so what a recipe says now
    changes nothing in what was answered then. Completions with an error of `unasked` are not
    written down; `fresh` are those that are.
    """

    def __init__(self, folder: Path, step: str, unasked: Collection[str]) -> None:
        super().__init__(folder, step)
        self._unasked = unasked
        self.fresh: list[Completion] = []

    def known(self, prompt: Prompt) -> Completion | None:
        """Return the completion of a key, whatever was asked for it."""
        _, entry = self._known.get(prompt.key, (None, None))
        return entry.completion if entry else None

    def keep(self, prompt: Prompt, completion: Completion) -> None:
        """Write down a completion, if anybody was asked for it."""
        if completion.error not in self._unasked:
            super().keep(prompt, completion)
            self.fresh.append(completion)


def stage_of(key: str) -> str:
    """Return the stage of a key: "propose" of "0003/propose/0017"."""
    return key.split("/")[1]
