"""Numbers for tokens: equal numbers are equal tokens, with no collisions.

Decides: the number of a token, in order of first appearance. Does not know: what a token is, or
what numbers are used for.
"""

from collections.abc import Callable, Iterable

UNKNOWN = -1
"""The number of a token that has none: it is equal to nothing."""


class Vocabulary(dict[str, int]):
    """The tokens so far; asking for a new one gives it the next number."""

    def __missing__(self, token: str) -> int:
        """Give a new token its number."""
        self[token] = number = len(self)
        return number

    def learn(self, tokens: Iterable[str]) -> list[int]:
        """Return the numbers of tokens; new ones get theirs."""
        return [self[token] for token in tokens]

    def read(self, tokens: Iterable[str]) -> list[int]:
        """Return the numbers of tokens; UNKNOWN for new ones, which stay unknown."""
        number: Callable[[str, int], int] = self.get
        return [number(token, UNKNOWN) for token in tokens]
