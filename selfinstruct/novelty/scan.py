"""The plain tier of ROUGE-L novelty: every earlier text is looked at, few are compared.

Decides: which texts can be left out by their length and by a bitmap of their tokens. Does not
know: tokens as text, or ids. Needs no compiled code of ours; the cost of a query grows with the
number of texts, some 10 µs for a thousand.
"""

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from selfinstruct.novelty.arrays import grown
from selfinstruct.novelty.f_measure import NEVER, Scores, f_measure, least_common


class Scan:
    """The texts so far as lists of token numbers, for any threshold from 0 to 1."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.texts: list[list[int]] = []
        self._lengths = np.zeros(1024, np.int64)
        self._bitmaps = np.zeros(1024, np.uint64)
        self._least: dict[int, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        """Return how many texts there are."""
        return len(self.texts)

    @property
    def memory(self) -> dict[str, int]:
        """Return the bytes in use: 56 for a list, 8 for a token, 16 for length and bitmap."""
        tokens = int(self._lengths[: len(self.texts)].sum())
        return {"texts": 56 * len(self.texts) + 8 * tokens, "bitmaps": 16 * len(self.texts)}

    def add(self, text: list[int]) -> None:
        """Remember a text."""
        row = len(self.texts)
        self._lengths = grown(self._lengths, row + 1)
        self._bitmaps = grown(self._bitmaps, row + 1)
        self.texts.append(text)
        self._lengths[row] = len(text)
        self._bitmaps[row] = _bitmap(text)

    def nearest(self, query: list[int]) -> tuple[int, float] | None:
        """Return the most similar text above the threshold and its score, the first of equals."""
        if not query or not self.texts:
            return None
        rows = self._possible(query)
        if not len(rows):
            return None
        scores = self._scores(query, rows)
        best = int(np.argmax(scores))
        if not scores[best] > self.threshold:
            return None
        return int(rows[best]), float(scores[best])

    def scores(self, query: list[int]) -> Scores:
        """Return the score with every text."""
        return self._scores(query, np.arange(len(self.texts)))

    def _possible(self, query: list[int]) -> NDArray[np.intp]:
        """Return the rows that may exceed the threshold.

        Each bit of one text's bitmap that the other's lacks is at least one token that is not
        common; what is left of either text must reach the fewest common tokens that will do.
        """
        count, m = len(self.texts), len(query)
        lengths, bitmaps = self._lengths[:count], self._bitmaps[:count]
        row = self._row(m, int(lengths.max()))
        least = row[np.minimum(lengths, len(row) - 1)]
        rows = np.nonzero(least < NEVER)[0]
        lengths, bitmaps, least = lengths[rows], bitmaps[rows], least[rows]
        own = np.uint64(_bitmap(query))
        fits = m - np.bitwise_count(own & ~bitmaps).astype(np.int64) >= least
        fits &= lengths - np.bitwise_count(bitmaps & ~own).astype(np.int64) >= least
        possible: NDArray[np.intp] = rows[fits]
        return possible

    def _row(self, m: int, longest: int) -> NDArray[np.int64]:
        """Return the fewest common tokens by the other text's length, for a query of m tokens.

        Beyond m · (2 - threshold) / threshold no length will do; the row ends there with NEVER.
        """
        row = self._least.get(m)
        if row is None:
            reach = m * (2 - self.threshold) / self.threshold if self.threshold else np.inf
            n = np.arange(int(min(reach, 2 * longest)) + 3)
            row = np.append(least_common(np.full_like(n, m), n, self.threshold), NEVER)
            if reach < 2 * longest:
                self._least[m] = row
        return row

    def _scores(self, query: list[int], rows: NDArray[np.intp]) -> Scores:
        """Score a query against some rows."""
        if not query or not len(rows):
            return np.zeros(len(rows))
        return score(query, [self.texts[row] for row in rows.tolist()])


def score(query: list[int], texts: list[list[int]]) -> Scores:
    """Return the score of a text that is not empty with each of some texts."""
    common = cdist([query], texts, scorer=LCSseq.similarity, dtype=np.int64)[0]
    lengths = np.array([len(text) for text in texts], np.int64)
    return f_measure(common, np.full_like(common, len(query)), lengths)


def _bitmap(text: list[int]) -> int:
    """Return 64 bits in which each distinct token sets one; -1 (no text has it) counts too."""
    bits = 0
    for token in text:
        bits |= 1 << ((token * 0x9E3779B1 >> 12) & 63)
    return bits
