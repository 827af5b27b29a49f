"""Exact ROUGE-L novelty: which earlier text is most similar, whatever index finds it.

Decides: how similar two instructions are (the F-measure of rouge-score 0.1.2, to the last bit),
which earlier one is nearest, and which tier looks for it. Does not know: what a task is, or what
happens to a text that is too similar.

The plain tier (scan.py) looks at every text. The fast tier (pairs/) looks at few, needs numba,
and takes over by itself where the pool is large. Decisions, ids and scores are the same.
"""

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import chain, count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from selfinstruct.errors import InputError
from selfinstruct.novelty.arrays import starts_of
from selfinstruct.novelty.base import NO_NUMBA, Match, Tier, check_tier, plain_instead
from selfinstruct.novelty.f_measure import Scores
from selfinstruct.novelty.pairs.bounds import LEAST_THRESHOLD, LONGEST
from selfinstruct.novelty.saved import Saved, read_saved, write_saved
from selfinstruct.novelty.scan import Scan
from selfinstruct.novelty.turns import Turns
from selfinstruct.novelty.vocabulary import Vocabulary
from selfinstruct.text import Tokeniser, tokens

if TYPE_CHECKING:
    from selfinstruct.novelty.pairs.index import Batch, PairIndex

Numbers = list[int]

FAST_FROM = 8_000
"""Texts from which the fast tier pays for its start (8 s once to compile, then 0.6 s): a pool that
has grown to them has spent as much on scanning."""

CHUNK = 4096
"""Texts that are encoded at a time: enough to share a call, few enough to hold."""


class RougeL:
    """The texts so far, and the threshold above which a new one is not new.

    With `tier="auto"` the fast tier is used from FAST_FROM texts on, if numba is installed and
    the threshold is LEAST_THRESHOLD or more. Raises InputError for a threshold that is no share,
    or a tier that there is not or cannot be.
    """

    measure = "ROUGE-L"

    def __init__(
        self, max_similarity: float, *, tokenise: Tokeniser = tokens, tier: Tier = "auto"
    ) -> None:
        if not 0 <= max_similarity <= 1:
            raise InputError(f"a ROUGE-L of {max_similarity}; expected 0 to 1", hint="0.7 is usual")
        check_tier(tier)
        self.max_similarity = max_similarity
        self._tokenise = tokenise
        self._tier = tier
        self._vocabulary = Vocabulary()
        self._ids: list[str] = []
        self._plain = Scan(max_similarity)
        self._plain_rows: list[int] = []  # of the long texts, where there is a fast tier
        self._fast: PairIndex | None = None
        self._turns = Turns()
        # A text longer than this may be similar to one that only the plain tier has.
        self._long = LONGEST * max_similarity / (2 - max_similarity) - 1
        if tier == "fast":
            self._switch()

    def __len__(self) -> int:
        """Return how many texts there are."""
        return len(self._ids)

    @property
    def ids(self) -> Sequence[str]:
        """Return the ids of the texts, in order of arrival."""
        return self._ids

    @property
    def memory(self) -> dict[str, int]:
        """Return the bytes that the tier in use has of texts, by what they hold."""
        return self._plain.memory if self._fast is None else self._fast.memory

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text."""
        self.add_all([(id, text)])

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs, in order."""
        several = iter(texts)
        while chunk := list(islice(several, CHUNK)):
            self._insert([name for name, _ in chunk], [self._learn(text) for _, text in chunk])

    def nearest(self, text: str) -> Match | None:
        """Return the most similar earlier text with a score above the threshold.

        Of several with the same score, the earliest. None when there is none.
        """
        return self.nearest_all([text])[0]

    def nearest_all(self, texts: Sequence[str], *, cores: int | None = None) -> list[Match | None]:
        """Return the nearest earlier text of each, as `nearest` does.

        A batch costs less than one call a text; the fast tier shares a large one out to the
        cores there are, or to `cores`.
        """
        with self._turns.asking():
            queries = [self._read(text) for text in texts]
            if self._fast is None:
                return [self._match(self._plain.nearest(query)) for query in queries]
            answers = self._fast.nearest(_batch(queries), cores=cores)
            hits = zip(answers.texts.tolist(), answers.scores.tolist(), strict=True)
            found = zip(queries, hits, strict=True)
            return [self._match(self._better(query, hit)) for query, hit in found]

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them."""
        matches: list[Match | None] = []
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            queries = [self._learn(text) for _, text in chunk]
            long = [place for place, query in enumerate(queries) if len(query) > self._long]
            edges = sorted({0, *long, *(place + 1 for place in long), len(chunk)})
            for first, last in pairwise(edges):
                ids = [name for name, _ in chunk[first:last]]
                matches += self._admit(ids, queries[first:last])
        return matches

    def save(self, path: Path) -> None:
        """Write all texts to a file, as token numbers."""
        with self._turns.asking():
            batch = _batch(self._plain.texts) if self._fast is None else self._fast.texts()
            saved = Saved(self._ids, list(self._vocabulary), batch.tokens, batch.starts)
            write_saved(path, saved, self._tokenise)

    def restore(self, path: Path, ids: Sequence[str]) -> int:
        """Take from a file what it has of the texts that `ids` begins with; return how many.

        0 where there is no such file, or it is damaged, or of another tokeniser, or of texts with
        other ids, or where this memory is not empty. An id must name its text, as a task's does:
        that a text has changed under its id is not seen.
        """
        saved = None if self._ids else read_saved(path, ids, self._tokenise)
        if saved is None:
            return 0
        self._vocabulary = Vocabulary(zip(saved.vocabulary, count(), strict=False))
        numbers = saved.tokens.tolist()
        queries = [numbers[first:last] for first, last in pairwise(saved.starts.tolist())]
        for start in range(0, len(queries), CHUNK):
            chunk = slice(start, start + CHUNK)
            self._insert(saved.ids[chunk], queries[chunk])
        return len(saved.ids)

    def scores(self, text: str) -> Scores:
        """Return the ROUGE-L F-measure with every earlier text, in order of arrival."""
        query = self._read(text)
        with self._turns.asking():
            if self._fast is None:
                return self._plain.scores(query)
            return self._fast.scores(query)

    def ranked(self, text: str, most: int) -> list[Match]:
        """Return the `most` most similar earlier texts, best first; of equals the earlier."""
        scores = self.scores(text)
        order = np.argsort(-scores, kind="stable")[: max(most, 0)]
        return [Match(self._ids[row], float(scores[row])) for row in order]

    def _read(self, text: str) -> Numbers:
        """Return the token numbers of a text that is only asked about."""
        return self._vocabulary.read(self._tokenise(text))

    def _learn(self, text: str) -> Numbers:
        """Return the token numbers of a text that may be remembered."""
        return self._vocabulary.learn(self._tokenise(text))

    def _insert(self, ids: list[str], queries: list[Numbers]) -> None:
        """Remember texts, in the tier that has them."""
        with self._turns.changing():
            if self._fast is not None:
                self._fast.insert(_batch(queries))
            for row, query in enumerate(queries, len(self._ids)):
                if self._fast is None:
                    self._plain.add(query)
                elif len(query) > LONGEST:
                    self._plain.add(query)
                    self._plain_rows.append(row)
            self._ids += ids
            if self._tier == "auto" and self._fast is None and len(self._ids) >= FAST_FROM:
                self._switch()

    def _admit(self, ids: list[str], queries: list[Numbers]) -> list[Match | None]:
        """Judge a run of texts: one text of any length, or several that are not long."""
        if self._fast is None or (len(queries) == 1 and len(queries[0]) > self._long):
            return [self._admit_one(*pair) for pair in zip(ids, queries, strict=True)]
        with self._turns.changing():
            answers = self._fast.admit(_batch(queries))
            rows = answers.texts.tolist()
            self._ids += [name for name, row in zip(ids, rows, strict=True) if row < 0]
        return [self._match(hit) for hit in zip(rows, answers.scores.tolist(), strict=True)]

    def _admit_one(self, name: str, query: Numbers) -> Match | None:
        """Judge one text, whatever tier it belongs to."""
        if self._fast is None:
            match = self._match(self._plain.nearest(query))
        else:
            found = self._fast.nearest(_batch([query]))
            hit = (int(found.texts[0]), float(found.scores[0]))
            match = self._match(self._better(query, hit))
        if match is None:
            self._insert([name], [query])
        return match

    def _better(self, query: Numbers, hit: tuple[int, float]) -> tuple[int, float]:
        """Return a hit of the fast tier, or one among long texts that is more similar."""
        if len(query) <= self._long or not (other := self._plain.nearest(query)):
            return hit
        row, score = self._plain_rows[other[0]], other[1]
        if hit[0] < 0 or (-score, row) < (-hit[1], hit[0]):
            return row, score
        return hit

    def _match(self, hit: tuple[int, float] | None) -> Match | None:
        """Put a name to what a tier found."""
        return None if hit is None or hit[0] < 0 else Match(self._ids[hit[0]], hit[1])

    def _switch(self) -> None:
        """Give all texts to the fast tier, if there can be one; the plain one keeps long texts."""
        if missing := _missing(self.max_similarity):
            self._tier = plain_instead(self._tier, *missing)
            return
        from selfinstruct.novelty.pairs.index import PairIndex  # noqa: PLC0415 (numba is slow to load)

        queries, self._plain = self._plain.texts, Scan(self.max_similarity)
        self._plain_rows = [row for row, query in enumerate(queries) if len(query) > LONGEST]
        for row in self._plain_rows:
            self._plain.add(queries[row])
        self._fast = PairIndex(self.max_similarity)
        self._fast.insert(_batch(queries))


def _missing(threshold: float) -> tuple[str, str] | None:
    """Say why there can be no fast tier, and what to do about it."""
    if find_spec("numba") is None:
        return NO_NUMBA
    if threshold < LEAST_THRESHOLD:
        return f"for a threshold of {threshold}", f"use {LEAST_THRESHOLD} or more"
    return None


def _batch(queries: Sequence[Numbers]) -> "Batch":
    """Lay texts out for the fast tier."""
    from selfinstruct.novelty.pairs.index import Batch  # noqa: PLC0415

    tokens = np.array([*chain.from_iterable(queries)], np.int32)
    return Batch(tokens, starts_of(map(len, queries)))
