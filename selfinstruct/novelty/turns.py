"""A memory that was interrupted while it changed must not answer.

Decides: that it says so, whatever it is asked. Does not know: what changes.

Ctrl-C can fall between a text and its id; what was there before would then answer under wrong
names. Several threads may ask one memory: they take turns.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from selfinstruct.errors import SelfInstructError


class Turns:
    """One caller at a time, and none after an interrupted change."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._whole = True

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Wait for others; raise SelfInstructError after an interrupted change."""
        with self._lock:
            if not self._whole:
                message = "a change to this memory of texts was interrupted, so it is not whole"
                raise SelfInstructError(message, hint="build a new one, and add the texts again")
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Wait for others; whatever ends this early makes the memory useless."""
        with self.asking():
            self._whole = False
            yield
            self._whole = True
