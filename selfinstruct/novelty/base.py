"""The protocol of novelty: is a text too much like one that came before?"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Match(msgspec.Struct, frozen=True):
    """An earlier text that a candidate is like: its id and the score, 0 to 1."""

    id: str
    score: float


class Novelty(Protocol):
    """The texts so far. The only judge with a memory."""

    def nearest(self, text: str) -> Match | None:
        """Return the most similar earlier text beyond the threshold, the first of equals."""
        ...

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text."""
        ...

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them.

        The same as `nearest` then `add` for each; a batch costs less.
        """
        ...
