"""Exact ROUGE-L verdicts from rapidfuzz, the fastest that can be had without an index.

Each token becomes one character of a string. ROUGE-L's F-measure is then rapidfuzz's
`Indel.normalized_similarity` but for rounding; what is within rounding of the threshold is
decided with the operations of rouge-score.
"""

from collections.abc import Iterable

import numpy as np
from measure import THRESHOLD
from rapidfuzz.distance import Indel, LCSseq
from rapidfuzz.process import cdist, extractOne

from selfinstruct.text import rouge_tokens

Sample = tuple[int, int] | None
"""On how many queries and earlier texts a peer is measured; None: on all."""


class Characters:
    """The base of both ways to use rapidfuzz: the earlier texts as strings."""

    sample: Sample = (128, 1_000_000)

    def __init__(self) -> None:
        self._characters: dict[str, str] = {}
        self._strings: list[str] = []

    def load(self, texts: list[str]) -> None:
        """Turn the earlier texts into strings."""
        self._strings = self._encoded(texts)

    def _encoded(self, texts: Iterable[str]) -> list[str]:
        known = self._characters
        result: list[str] = []
        for text in texts:
            found = rouge_tokens(text)
            for token in found:
                if token not in known:
                    point = 0x4E00 + len(known)
                    known[token] = chr(point if point < 0xD800 else point + 0x800)
            result.append("".join([known[token] for token in found]))
        return result


def exceeds(one: str, other: str) -> bool:
    """Decide on one pair of strings as rouge-score does, to the last bit."""
    common = LCSseq.similarity(one, other)
    if not common:
        return False
    precision, recall = common / len(one), common / len(other)
    return 2 * precision * recall / (precision + recall) > THRESHOLD


class Cdist(Characters):
    """rapidfuzz `cdist`, sixteen texts at a time."""

    _batch = 16

    def query(self, texts: list[str]) -> list[bool]:
        """Compare sixteen texts with all at once."""
        encoded = self._encoded(texts)
        result: list[bool] = []
        for first in range(0, len(encoded), self._batch):
            result += self._verdicts(encoded[first : first + self._batch], self._strings)
        return result

    def admit(self, texts: list[str]) -> list[bool]:
        """Judge texts in order and keep what is new; within a batch, pair by pair."""
        encoded = self._encoded(texts)
        result: list[bool] = []
        for first in range(0, len(encoded), self._batch):
            batch = encoded[first : first + self._batch]
            fresh: list[str] = []
            for string, known in zip(batch, self._verdicts(batch, self._strings), strict=True):
                similar = known or any(exceeds(string, other) for other in fresh)
                fresh += [] if similar else [string]
                result.append(similar)
            self._strings += fresh
        return result

    @staticmethod
    def _verdicts(batch: list[str], strings: list[str]) -> list[bool]:
        verdicts = [False] * len(batch)
        if not strings:
            return verdicts
        low = THRESHOLD - 1e-9
        similarity = Indel.normalized_similarity
        scores = cdist(batch, strings, scorer=similarity, score_cutoff=low, dtype=np.float32)
        for row, column in np.argwhere(scores > 0).tolist():
            verdicts[row] = verdicts[row] or exceeds(batch[row], strings[column])
        return verdicts


class ExtractOne(Characters):
    """rapidfuzz `extractOne`, one text at a time."""

    sample: Sample = (48, 1_000_000)

    def query(self, texts: list[str]) -> list[bool]:
        """Find the most similar text of all."""
        return [bool(string) and self._similar(string) for string in self._encoded(texts)]

    def _similar(self, string: str) -> bool:
        similarity = Indel.normalized_similarity
        low = THRESHOLD - 1e-9
        best = extractOne(string, self._strings, scorer=similarity, score_cutoff=low)
        if best is None or best[1] > THRESHOLD + 1e-9:
            return best is not None
        return any(exceeds(string, other) for other in self._strings)
