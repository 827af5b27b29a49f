"""Overlap by words: which of many known texts shares a long run of words with another.

Decides: that `n` tokens in a row are an overlap, what counts of a known text that is shorter,
which of several known texts is named, and how far the shared words reach. Does not know: what the
texts are, or what happens to one that overlaps.

Runs of tokens are found by 64-bit hashes, kept sorted in arrays, and every hit is verified on
token numbers: what is said to be shared is shared.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.arrays import grown, starts_of
from selfinstruct.novelty.vocabulary import Vocabulary
from selfinstruct.text import Tokeniser, is_unspaced, tokens

SHORTEST = 8
"""Tokens that a known text must have to count as a whole where it is shorter than `n`.

GPT-3 (appendix C) looks for 8 to 13 words in a row, 13 for most sets: shorter runs are shared by
accident ("what is the capital of"), and then say nothing about where a text comes from.
"""

_BASE, _MIX = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
"""Odd 64-bit numbers: hashes are polynomials in the first; the second spreads token numbers."""

Places = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Overlap(msgspec.Struct, frozen=True):
    """What a text shares: the id of the known text, the words, and how many tokens they are."""

    id: str
    words: str
    count: int


class _Table(NamedTuple):
    """The runs of one length in known texts: hashes in order, and where each run begins.

    Among equal hashes the places are in order, so the first is in the earliest text.
    """

    hashes: Hashes
    places: Places


class _Hit(NamedTuple):
    """A run of a query that may stand in a known text; the earliest text and run come first."""

    text: int
    at: int
    length: int
    rank: int


class NgramOverlap:
    """Known texts, and the runs of `n` tokens in them.

    A known text of fewer than `n` tokens, but at least SHORTEST, counts as a whole: another text
    overlaps if it holds all of it in a row. Still shorter ones never overlap.

    Adding a text makes the next question sort all runs again: add them all, then ask.
    """

    def __init__(self, n: int, *, tokenise: Tokeniser = tokens) -> None:
        self.n = n
        self._tokenise = tokenise
        self._vocabulary = Vocabulary()
        self._ids: list[str] = []
        self._numbers = np.zeros(1024, np.int32)  # of all known texts, one after the other
        self._starts = np.zeros(1024, np.int64)  # where each begins, and where the last ends
        self._tables: dict[int, _Table] | None = None

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text under an id; several texts may have the same."""
        found = self._tokenise(text)
        if len(found) < min(self.n, SHORTEST):
            return
        start = int(self._starts[len(self._ids)])
        self._ids.append(id)
        self._numbers = grown(self._numbers, start + len(found))
        self._starts = grown(self._starts, len(self._ids) + 1)
        self._numbers[start : start + len(found)] = self._vocabulary.learn(found)
        self._starts[len(self._ids)] = start + len(found)
        self._tables = None

    def shared(self, text: str) -> Overlap | None:
        """Return the first known text that shares a run with this one, and the words of it.

        The run is the first of this text that stands in the known one, as far as it goes; where
        it stands there more than once, the longest.
        """
        return self.shared_all([text])[0]

    def shared_all(self, texts: Sequence[str]) -> list[Overlap | None]:
        """Return what each text shares, as `shared` does; a batch costs less."""
        found: list[Overlap | None] = [None] * len(texts)
        several = [self._tokenise(text) for text in texts]
        starts = starts_of(map(len, several))
        flat = [number for one in several for number in self._vocabulary.read(one)]
        numbers = np.array(flat, np.int32)
        for owner, hits in self._hits(numbers, starts).items():
            first, end = int(starts[owner]), int(starts[owner + 1])
            if verified := self._first(numbers[first:end], hits):
                text, at, count = verified
                words = _joined(several[owner][at : at + count])
                found[owner] = Overlap(self._ids[text], words, count)
        return found

    def _hits(self, numbers: NDArray[np.int32], starts: Places) -> dict[int, list[_Hit]]:
        """Return by query the runs whose hashes are those of known runs, at the first of each."""
        hits: dict[int, list[_Hit]] = {}
        unknown = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(numbers < 0, out=unknown[1:])
        for length, table in self._indexed().items():
            places = _windows(starts, length)
            places = places[unknown[places + length] == unknown[places]]
            hashes = _hashes(numbers, places, length)
            ranks = np.searchsorted(table.hashes, hashes)
            ranks[ranks == len(table.hashes)] = 0
            same = table.hashes[ranks] == hashes
            places, ranks = places[same], ranks[same]
            owners = np.searchsorted(starts, places, side="right") - 1
            at = places - starts[owners]
            columns = (owners, self._text_of(table.places[ranks]), at, ranks)
            for owner, text, place, rank in zip(*(one.tolist() for one in columns), strict=True):
                hits.setdefault(owner, []).append(_Hit(text, place, length, rank))
        return hits

    def _first(self, query: NDArray[np.int32], hits: list[_Hit]) -> tuple[int, int, int] | None:
        """Return the first text that truly shares a run, where in the query, and how long it is."""
        heapify(hits)
        while hits:
            text, at, length, rank = heappop(hits)
            table = self._indexed()[length]
            wanted, end, longest = table.hashes[rank], self._starts[text + 1], 0
            while rank < len(table.hashes) and table.hashes[rank] == wanted:
                place = int(table.places[rank])
                if place >= end:
                    # The hash misled in this text: another that has it is still to be looked at.
                    heappush(hits, _Hit(int(self._text_of(table.places[rank])), at, length, rank))
                    break
                longest = max(longest, _equal(query[at:], self._numbers[place:end]))
                rank += 1
            if longest >= length:
                return text, at, longest
        return None

    def _text_of(self, places: Any) -> Any:  # noqa: ANN401 (a place or an array of them)
        """Return which known text a place is in."""
        return np.searchsorted(self._starts[1 : len(self._ids) + 1], places, side="right")

    def _indexed(self) -> dict[int, _Table]:
        """Return the runs of all known texts by their length, sorted once."""
        if self._tables is None:
            starts = self._starts[: len(self._ids) + 1]
            sizes = np.diff(starts)
            self._tables = {}
            for length in sorted({min(self.n, size) for size in sizes.tolist()}):
                places = _windows(starts, length)
                if length < self.n:  # whole texts, not runs of longer ones
                    places = starts[:-1][sizes == length]
                hashes = _hashes(self._numbers[: starts[-1]], places, length)
                order = np.argsort(hashes, kind="stable")
                self._tables[length] = _Table(hashes[order], places[order])
        return self._tables


def _windows(starts: Places, length: int) -> Places:
    """Return where runs of a length begin: all that lie within one text."""
    counts = np.maximum(np.diff(starts) - length + 1, 0)
    before = np.cumsum(counts) - counts
    places: Places = np.arange(int(counts.sum())) + np.repeat(starts[:-1] - before, counts)
    return places


def _equal(left: NDArray[np.int32], right: NDArray[np.int32]) -> int:
    """Return how many tokens two texts begin with that are the same."""
    most = min(len(left), len(right))
    unequal = np.flatnonzero(left[:most] != right[:most])
    return int(unequal[0]) if len(unequal) else most


def _hashes(numbers: NDArray[np.int32], places: Places, length: int) -> Hashes:
    """Return a hash of each run of tokens: equal for equal runs, and hardly ever for others."""
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(_MIX)
    mixed ^= mixed >> np.uint64(31)
    hashes = np.zeros(len(places), np.uint64)
    for place in range(length):
        hashes = hashes * np.uint64(_BASE) + mixed[places + place]
    return hashes


def _joined(words: Sequence[str]) -> str:
    """Write tokens as text: no space between characters of scripts that have none."""
    text = ""
    for word in words:
        spaced = not (text and is_unspaced(text[-1]) and is_unspaced(word[0]))
        text += f" {word}" if text and spaced else word
    return text
