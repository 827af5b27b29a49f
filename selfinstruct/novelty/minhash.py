"""Near-duplicates of whole rows: candidates by MinHash, verified by exact Jaccard.

Decides: which earlier row is nearest, and which tier looks for it. Does not know: files, columns
or what happens to a duplicate.

What is reported is a duplicate: the Jaccard similarity of the two rows' shingles is computed
from all of them. What is missed is at most one pair in a thousand at the threshold, and fewer
above it (`choose_bands`). Short rows and rows in scripts without spaces have shingles like all
others (shingles.py); a row without tokens is like none.

The plain tier keeps its bands in datasketch's MinHashLSH, with the same signatures.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from selfinstruct.errors import InputError
from selfinstruct.novelty.base import NO_NUMBA, Match, Tier, check_tier, plain_instead
from selfinstruct.novelty.shingles import (
    LEAST_JACCARD,
    Words,
    choose_bands,
    functions,
    jaccard,
    shingles,
    signature,
)
from selfinstruct.novelty.turns import Turns
from selfinstruct.text import tokens

if TYPE_CHECKING:
    from datasketch import MinHashLSH

    from selfinstruct.novelty.rows.index import RowIndex

FAST_FROM = 1_000
"""Rows from which the fast tier pays for its start: 8 s once to compile, then half a second."""

CHUNK = 4096
"""Rows that are judged at a time."""


class MinHash:
    """The rows so far, and the Jaccard similarity from which on a row is a duplicate.

    Raises InputError for a threshold outside LEAST_JACCARD to 1.
    """

    measure = "Jaccard"

    def __init__(self, min_jaccard: float = 0.8, *, tier: Tier = "auto") -> None:
        if not LEAST_JACCARD <= min_jaccard <= 1:
            message = f"a Jaccard similarity of {min_jaccard}; expected {LEAST_JACCARD} to 1"
            raise InputError(message, hint="0.8 is usual for near-duplicates")
        check_tier(tier)
        self.min_jaccard = min_jaccard
        self._tier = tier
        self._ids: list[str] = []
        self._plain = PlainRows(min_jaccard)
        self._fast: RowIndex | None = None
        self._turns = Turns()
        if tier == "fast":
            self._switch()

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._ids)

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a row."""
        self.add_all([(id, text)])

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs, in order."""
        several = iter(texts)
        while chunk := list(islice(several, CHUNK)):
            self._prepare(len(chunk))
            if self._fast is None:
                rows = [shingles(tokens(text)) for _, text in chunk]
                self._remember([name for name, _ in chunk], rows)
                continue
            sketches = self._fast.sketch([text for _, text in chunk])
            with self._turns.changing():
                self._fast.insert(sketches)
                self._ids += [name for name, _ in chunk]

    def nearest(self, text: str) -> Match | None:
        """Return the most similar earlier row at or above the threshold, the first of equals."""
        return self.nearest_all([text])[0]

    def nearest_all(self, texts: Sequence[str]) -> list[Match | None]:
        """Return the nearest earlier row of each, as `nearest` does."""
        with self._turns.asking():
            if self._fast is not None:
                return [self._match(hit) for hit in self._fast.nearest(self._fast.sketch(texts))]
            return [self._match(self._plain.nearest(shingles(tokens(text)))) for text in texts]

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them."""
        matches: list[Match | None] = []
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            self._prepare(len(chunk))
            if self._fast is None:
                matches += [self._admit_plain(name, text) for name, text in chunk]
                continue
            sketches = self._fast.sketch([text for _, text in chunk])
            with self._turns.changing():
                hits = self._fast.admit(sketches)
                new = [name for (name, _), hit in zip(chunk, hits, strict=True) if hit[0] < 0]
                self._ids += new
            matches += [self._match(hit) for hit in hits]
        return matches

    def _admit_plain(self, name: str, text: str) -> Match | None:
        """Judge one row with the plain tier."""
        row = shingles(tokens(text))
        with self._turns.asking():
            match = self._match(self._plain.nearest(row))
            if match is None:
                self._remember([name], [row])
        return match

    def _remember(self, ids: list[str], rows: list[Words]) -> None:
        """Give rows to the plain tier."""
        with self._turns.changing():
            for row in rows:
                self._plain.add(row)
            self._ids += ids

    def _prepare(self, more: int) -> None:
        """Bring the fast tier if there will be enough rows for it."""
        if self._tier == "auto" and self._fast is None and len(self._ids) + more >= FAST_FROM:
            with self._turns.changing():
                self._switch()

    def _match(self, hit: tuple[int, float] | None) -> Match | None:
        """Put a name to what a tier found."""
        return None if hit is None or hit[0] < 0 else Match(self._ids[hit[0]], hit[1])

    def _switch(self) -> None:
        """Give all rows to the fast tier, if numba is there."""
        if find_spec("numba") is None:
            self._tier = plain_instead(self._tier, *NO_NUMBA)
            return
        from selfinstruct.novelty.rows.index import RowIndex  # noqa: PLC0415 (slow to load)

        self._fast = RowIndex(self.min_jaccard)
        self._fast.insert_rows(self._plain.rows)
        self._plain = PlainRows(self.min_jaccard)


class PlainRows:
    """The plain tier: datasketch keeps the bands, numpy computes signatures and verifies."""

    def __init__(self, min_jaccard: float) -> None:
        self._threshold = min_jaccard
        self._bands = choose_bands(min_jaccard)
        self._factors, self._terms = functions(self._bands)
        self._functions = np.stack([self._factors, self._terms])
        self.rows: list[Words] = []

    @cached_property
    def _buckets(self) -> "MinHashLSH":
        """Return the bands; datasketch takes half a second to load, and large files need none."""
        from datasketch import MinHashLSH  # noqa: PLC0415

        return MinHashLSH(num_perm=len(self._factors), params=tuple(self._bands))

    def add(self, row: Words) -> None:
        """Remember a row by its shingles; one without any is in no bucket."""
        if len(row):
            self._buckets.insert(len(self.rows), self._signed(row))
        self.rows.append(row)

    def nearest(self, row: Words) -> tuple[int, float] | None:
        """Return the most similar row at or above the threshold, the first of equals."""
        if not len(row):
            return None
        best: tuple[int, float] | None = None
        for other in sorted(self._buckets.query(self._signed(row))):
            score = jaccard(row, self.rows[other])
            if score >= self._threshold and (best is None or score > best[1]):
                best = other, score
        return best

    def _signed(self, row: Words) -> object:
        """Return a row's signature in the form that datasketch keeps."""
        from datasketch import MinHash as Signature  # noqa: PLC0415

        values = signature(row, self._factors, self._terms)
        # "affine32" is the kind of hash functions that ours are.
        return Signature(scheme="affine32", hashvalues=values, permutations=self._functions)
