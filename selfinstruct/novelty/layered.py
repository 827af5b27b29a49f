"""Two memories in one: what is there for good, and what is on trial.

Decides: that a candidate is compared with both, and that new texts go to the second. Does not
know: how texts are compared.

A round compares its drafts with the pool and with one another; drafts that fail later are
forgotten with the second memory.
"""

from collections.abc import Iterable, Sequence

from selfinstruct.novelty.base import Match, Novelty


class Layered:
    """A judge over `seen`, which stays as it is, and `fresh`, which learns."""

    def __init__(self, seen: Novelty, fresh: Novelty) -> None:
        self._seen = seen
        self._fresh = fresh

    @property
    def measure(self) -> str:
        """Return the name of the score."""
        return self._seen.measure

    def nearest(self, text: str) -> Match | None:
        """Return the most similar text of both; of equals, one that is there for good."""
        found = [match for one in (self._seen, self._fresh) if (match := one.nearest(text))]
        return max(found, key=lambda match: match.score, default=None)

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text on trial."""
        self._fresh.add(id, text)

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs on trial, in order."""
        self._fresh.add_all(texts)

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them."""
        found = []
        for name, text in texts:
            found.append(self.nearest(text))
            if found[-1] is None:
                self.add(name, text)
        return found
