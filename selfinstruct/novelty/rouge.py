"""Exact ROUGE-L novelty: every earlier text of a possible length is compared.

Decides: how similar two instructions are (the F-measure of rouge-score 0.1.2, to the last bit)
and which earlier one is nearest. Does not know: what a task is, or what happens to a text that
is too similar.

The cost of a query grows with the number of earlier texts: some 240 µs per thousand.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from selfinstruct.novelty.base import Match
from selfinstruct.text import Tokeniser, tokens

Scores = NDArray[np.float64]


class RougeL:
    """The texts so far, and the threshold above which a new one is not new."""

    def __init__(self, max_similarity: float, *, tokenise: Tokeniser = tokens) -> None:
        self.max_similarity = max_similarity
        self._tokenise = tokenise
        self._vocabulary: dict[str, int] = {}
        self._ids: list[str] = []
        self._texts: list[list[int]] = []
        self._lengths = np.zeros(1024, dtype=np.int64)

    def __len__(self) -> int:
        """Return how many texts there are."""
        return len(self._ids)

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text."""
        row = len(self._ids)
        if row == len(self._lengths):
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        encoded = self._encode(text)
        self._ids.append(id)
        self._texts.append(encoded)
        self._lengths[row] = len(encoded)

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs, in order."""
        for name, text in texts:
            self.add(name, text)

    def nearest(self, text: str) -> Match | None:
        """Return the most similar earlier text with a score above the threshold.

        Of several with the same score, the earliest. None when there is none.
        """
        query = self._encode(text)
        rows = self._possible(len(query))
        if not len(rows):
            return None
        scores = self._scores(query, rows)
        best = int(np.argmax(scores))
        if not scores[best] > self.max_similarity:
            return None
        return Match(self._ids[rows[best]], float(scores[best]))

    def scores(self, text: str) -> Scores:
        """Return the ROUGE-L F-measure with every earlier text, in order of arrival."""
        return self._scores(self._encode(text), np.arange(len(self)))

    def ranked(self, text: str, count: int) -> list[Match]:
        """Return the `count` most similar earlier texts, best first; of equals the earlier."""
        scores = self.scores(text)
        order = np.argsort(-scores, kind="stable")[:count]
        return [Match(self._ids[row], float(scores[row])) for row in order]

    def _possible(self, length: int) -> NDArray[np.intp]:
        """Return the rows whose length lets a score exceed the threshold.

        The longest common subsequence has at most min(m, n) tokens, so a score is at most
        2·min(m, n) / (m + n). The bound is taken a little low, so that rounding cannot cut a row.
        """
        lengths = self._lengths[: len(self)]
        shorter = np.minimum(lengths, length)
        bound = 2.0 * shorter > (self.max_similarity - 1e-9) * (lengths + length)
        return np.nonzero(bound & (shorter > 0))[0]

    def _scores(self, query: list[int], rows: NDArray[np.intp]) -> Scores:
        """Score a query against some rows with the very operations of rouge-score."""
        if not query or not len(rows):
            return np.zeros(len(rows))
        texts = [self._texts[row] for row in rows]
        common = cdist([query], texts, scorer=LCSseq.similarity, dtype=np.int64)[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = common / len(query)
            recall = common / self._lengths[rows]
            f_measure = 2 * precision * recall / (precision + recall)
        return np.where(common > 0, f_measure, 0.0)

    def _encode(self, text: str) -> list[int]:
        """Give each distinct token a number: equal numbers are equal tokens, with no collisions."""
        numbers = self._vocabulary
        return [numbers.setdefault(token, len(numbers)) for token in self._tokenise(text)]
