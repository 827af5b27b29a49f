"""What the novelty tests compare with: definitions computed once more, and texts to judge.

Nothing here is shared with the product but its tokenisers. Scores are the F-measure of the
table of longest common subsequences, with every earlier text, so no answer depends on a bound.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty import Match
from selfinstruct.text import Tokeniser, tokens

EDGES = (1, 1, 2, 2, 3, 4, 5, 7, 10, 14, 19, 20, 21, 22, 25)
"""Lengths of most texts: very short ones, and those around 20, where the index changes its ways."""

LONG_EDGES = (*EDGES, *(29, 30, 31, 32, 33, 40, 62, 63, 64, 65, 66, 100), 127, 128, 129, 136, 140)
"""Also around 31, where a length no longer fits its 5 bits, and around words of 64 tokens."""

ALL_EDGES = (*LONG_EDGES, 191, 193, 230, 253, 254, 255, 256, 257, 258, 300, 330, 400)
"""Also around 255, the longest text that the fast index holds."""

Token = TypeVar("Token")
Shingles = set[tuple[str, ...]]


def common_length(left: Sequence[object], right: Sequence[object]) -> int:
    """Return the length of a longest common subsequence, cell by cell of the table."""
    row = [0] * (len(right) + 1)
    for token in left:
        above = row.copy()
        for place, other in enumerate(right, 1):
            best = max(above[place], row[place - 1])
            row[place] = above[place - 1] + 1 if token == other else best
    return row[-1]


def f_measure(common: int, left: int, right: int) -> float:
    """Return the F-measure of a number of common tokens, with the operations of rouge-score."""
    if not common:
        return 0.0
    precision, recall = common / left, common / right
    return 2 * precision * recall / (precision + recall)


class Definition:
    """ROUGE-L novelty from its definition: every score is computed, none is left out."""

    def __init__(self, threshold: float, tokenise: Tokeniser = tokens) -> None:
        self.threshold = threshold
        self.ids: list[str] = []
        self._tokenise = tokenise
        self._numbers: dict[str, int] = {}
        self._table: NDArray[np.int32] = np.full((8, 8), -1, np.int32)
        self._lengths: list[int] = []

    def add_all(self, texts: Sequence[tuple[str, str]]) -> None:
        """Remember (id, text) pairs."""
        for name, text in texts:
            numbers = self._read(text)
            count, most = len(self.ids) + 1, max(len(numbers), self._table.shape[1])
            if count > len(self._table) or most > self._table.shape[1]:
                larger = np.full((2 * count, most), -1, np.int32)
                larger[: count - 1, : self._table.shape[1]] = self._table[: count - 1]
                self._table = larger
            self._table[count - 1, : len(numbers)] = numbers
            self._lengths.append(len(numbers))
            self.ids.append(name)

    def scores(self, text: str) -> list[float]:
        """Return the score with every text so far: the table of all of them, row by row."""
        query, table = self._read(text), self._table[: len(self.ids)]
        row = np.zeros((len(table), table.shape[1] + 1), np.int16)
        for token in query:
            row[:, 1:] = np.where(table == token, row[:, :-1] + 1, row[:, 1:])
            np.maximum.accumulate(row, axis=1, out=row)
        counts = zip(row[:, -1].tolist(), self._lengths, strict=True)
        return [f_measure(common, len(query), length) for common, length in counts]

    def nearest(self, text: str) -> Match | None:
        """Return the most similar text above the threshold, the first of equals."""
        scores = self.scores(text)
        best = max(scores, default=0.0)
        return Match(self.ids[scores.index(best)], best) if best > self.threshold else None

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge texts one by one, and remember those that match nothing."""
        matches = []
        for pair in texts:
            matches.append(self.nearest(pair[1]))
            if matches[-1] is None:
                self.add_all([pair])
        return matches

    def _read(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens."""
        return [self._numbers.setdefault(one, len(self._numbers)) for one in self._tokenise(text)]


def edited(random: Random, text: list[Token], words: Sequence[Token]) -> list[Token]:
    """Return a text with a few changes: words replaced, dropped, added, moved; parts swapped."""
    text = text.copy()
    for _ in range(random.choice((0, 1, 1, 2, 3, 1 + len(text) // 6))):
        place = random.randrange(len(text) + 1)
        kind = random.randrange(5)
        if kind == 0:
            text[place : place + 1] = [random.choice(words)]
        elif kind == 1:
            del text[place : place + 1]
        elif kind == 2:
            text.insert(place, random.choice(words))
        elif kind == 3 and text:
            text.insert(place, text.pop(random.randrange(len(text))))
        else:
            text = text[place:] + text[:place]
    return text


def stream(seed: int, count: int, lengths: Sequence[int] = EDGES) -> list[tuple[str, str]]:
    """Return (id, text) pairs that are often near-duplicates, and often repeat words."""
    random = Random(seed)
    size = random.choice((1, 2, 3, 8, 20, 60, 400))
    words = [f"w{number}" for number in range(size)]
    texts: list[list[str]] = []
    for _ in range(count):
        if texts and random.random() < 0.6:
            texts.append(edited(random, random.choice(texts), words))
        else:
            length = random.choice(lengths) if random.random() < 0.97 else 0
            skew = random.choice((1, 2, 4))
            texts.append([words[int(size * random.random() ** skew)] for _ in range(length)])
    return [(f"id{place}", " ".join(text)) for place, text in enumerate(texts)]


def shingles(text: str) -> Shingles:
    """Return every three tokens in a row; one or two tokens are one shingle, none are none."""
    found = tokens(text)
    if len(found) < 3:
        return {tuple(found)} if found else set()
    return set(zip(found, found[1:], found[2:], strict=False))


def jaccard(left: str, right: str) -> float:
    """Return the share of the shingles of either text that both have."""
    one, other = shingles(left), shingles(right)
    return len(one & other) / max(1, len(one | other))
