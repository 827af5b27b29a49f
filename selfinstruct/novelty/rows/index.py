"""The fast tier of near-duplicate rows: batches of text in, nearest earlier rows out.

Decides: how the arrays grow. Does not know: ids, or where rows come from.
"""

import re
from collections.abc import Sequence

import numpy as np

from selfinstruct.novelty.arrays import grown, starts_of
from selfinstruct.novelty.rows.buckets import ADMIT, INSERT, LOOK_UP, Nearest, Store, relink
from selfinstruct.novelty.rows.buckets import judge as judge_sketches
from selfinstruct.novelty.rows.scanner import END
from selfinstruct.novelty.rows.sketch import Functions, Rows, Sketches, sign, sketch
from selfinstruct.novelty.shingles import SHINGLE, Bands, Words, choose_bands, functions
from selfinstruct.novelty.threads import cores_for, share_out
from selfinstruct.text import tokens

ROWS_PER_BUCKET = 2
"""At most, on average; then there are twice as many buckets."""

_END = bytes([END])
_TOKEN = re.compile(r"[A-Za-z0-9_+*/=<>^%$#@&~|\\]")
"""What makes a token in ASCII text. Text that has none is compared by its punctuation."""


class RowIndex:
    """The rows so far, for one threshold."""

    def __init__(self, min_jaccard: float) -> None:
        self._threshold = min_jaccard
        self._bands: Bands = choose_bands(min_jaccard)
        self._functions = Functions(*functions(self._bands))
        self._store = Store(
            shingles=np.empty(1 << 16, np.uint64),
            starts=np.zeros(1 << 10, np.int64),
            heads=np.zeros((self._bands.bands, 1 << 10), np.uint32),
            following=np.empty(self._bands.bands << 10, np.uint32),
            keys=np.empty(self._bands.bands << 10, np.uint32),
            seen=np.zeros(1 << 10, np.int64),
            size=np.zeros(2, np.int64),
        )

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(self._store.size[0])

    def sketch(self, texts: Sequence[str]) -> Sketches:
        """Return what is compared of some texts; this changes nothing."""
        rows = _rows(texts)
        count = len(texts)
        sketches = Sketches(
            np.empty(len(rows.data) + SHINGLE * count, np.uint64),
            rows.starts + SHINGLE * np.arange(count + 1),
            np.zeros(count, np.int64),
            np.empty((count, self._bands.bands), np.uint64),
        )

        def part(_: int, first: int, last: int) -> None:
            sketch(rows, first, last, self._functions, sketches)

        share_out(count, cores_for(count), part)
        return sketches

    def nearest(self, sketches: Sketches) -> list[tuple[int, float]]:
        """Look rows up: the nearest row of each, or -1, and its similarity."""
        return self._judge(sketches, LOOK_UP)

    def admit(self, sketches: Sketches) -> list[tuple[int, float]]:
        """Look rows up in order, and insert each that has no match."""
        return self._judge(sketches, ADMIT)

    def insert(self, sketches: Sketches) -> None:
        """Insert rows without looking them up."""
        self._judge(sketches, INSERT)

    def insert_rows(self, rows: Sequence[Words]) -> None:
        """Insert rows that are shingles already."""
        count = len(rows)
        starts = starts_of(map(len, rows))
        shingles = np.concatenate([*rows, np.empty(0, np.uint64)])
        sketches = Sketches(
            shingles, starts, np.diff(starts), np.empty((count, self._bands.bands), np.uint64)
        )
        values = np.empty(len(self._functions.factors), np.uint32)
        for row, keys in zip(rows, sketches.keys, strict=True):
            if len(row):
                sign(row, self._functions, values, keys)
        self._judge(sketches, INSERT)

    def _judge(self, sketches: Sketches, mode: int) -> list[tuple[int, float]]:
        """Judge what was sketched."""
        count = len(sketches.counts)
        nearest = Nearest(np.empty(count, np.int64), np.empty(count))
        if mode != LOOK_UP:
            self._make_way(count, int(sketches.counts.sum()))
        judge_sketches(sketches, self._store, self._threshold, mode, nearest)
        return list(zip(nearest.rows.tolist(), nearest.scores.tolist(), strict=True))

    def _make_way(self, rows: int, shingles: int) -> None:
        """See to it that so many rows and shingles can be inserted."""
        store, count = self._store, len(self)
        rows += count
        self._store = store = store._replace(
            shingles=grown(store.shingles, int(store.starts[count]) + shingles),
            starts=grown(store.starts, rows + 1),
            following=grown(store.following, rows * self._bands.bands),
            keys=grown(store.keys, rows * self._bands.bands),
            seen=grown(store.seen, rows),
        )
        slots = store.heads.shape[1]
        if rows > ROWS_PER_BUCKET * slots:
            while rows > slots:
                slots *= 2
            heads = np.zeros((self._bands.bands, slots), np.uint32)
            self._store = store._replace(heads=heads)
            relink(self._store, self._functions, self._bands.bands)


def _rows(texts: Sequence[str]) -> Rows:
    """Lay out texts: ASCII as it is, others as tokens."""
    parts = []
    ready = np.zeros(len(texts), np.bool_)
    for place, text in enumerate(texts):
        if text.isascii() and _TOKEN.search(text):
            parts.append(text.encode())
        else:
            found = [token.encode("utf-8", "surrogatepass") for token in tokens(text)]
            parts.append(b"".join(token + _END for token in found))
            ready[place] = True
    return Rows(np.frombuffer(b"".join(parts), np.uint8), starts_of(map(len, parts)), ready)
