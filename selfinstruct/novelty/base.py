"""The protocol of novelty: is a text too much like one that came before?"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, get_args

import msgspec

from selfinstruct.errors import InputError, unknown_name

Tier = Literal["auto", "plain", "fast"]
"""Which code finds the nearest text: the fast needs numba; decisions are the same."""

NO_NUMBA = "without numba", "pip install 'selfinstruct[fast]'"
"""Why there is no fast tier, and what to do about it."""


def check_tier(tier: str) -> None:
    """Raise InputError for a tier that there is not."""
    if tier not in get_args(Tier):
        raise unknown_name("tier", tier, get_args(Tier))


def plain_instead(tier: Tier, why: str, cure: str) -> Tier:
    """Return the plain tier, as there is no fast one; raise InputError if that was asked for."""
    if tier == "fast":
        hint = f"{cure}; or leave the tier to us: it changes no decision"
        raise InputError(f"no fast tier {why}", hint=hint)
    return "plain"


class Match(msgspec.Struct, frozen=True):
    """An earlier text that a candidate is like: its id and the score, 0 to 1."""

    id: str
    score: float


class Novelty(Protocol):
    """The texts so far. The only judge with a memory."""

    @property
    def measure(self) -> str:
        """Return the name of the score, as people know it."""
        ...

    def nearest(self, text: str) -> Match | None:
        """Return the most similar earlier text beyond the threshold, the first of equals."""
        ...

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text."""
        ...

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs, in order."""
        ...

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them.

        The same as `nearest` then `add` for each; a batch costs less.
        """
        ...
