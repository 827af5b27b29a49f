"""From the bytes of a row to its shingles, its signature and the keys of its bands.

Decides: nothing of its own; it repeats `shingles.py`. Does not know: other rows; threads may share
them out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.compiled import kernel
from selfinstruct.novelty.rows.scanner import scan, split
from selfinstruct.novelty.shingles import FNV_PRIME, FNV_START, MULTIPLIERS, SHINGLE

_A, _B, _C = MULTIPLIERS


class Rows(NamedTuple):
    """The bytes of a batch; row i is data[starts[i]:starts[i + 1]]."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ready: NDArray[np.bool_]  # whether the row is tokens already


class Sketches(NamedTuple):
    """What is made of a batch: row i has counts[i] shingles from shingles[starts[i]] on.

    Each row has room for as many as it has bytes, and SHINGLE more: rows do not share any.
    """

    shingles: NDArray[np.uint64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    keys: NDArray[np.uint64]  # [row, band]


class Functions(NamedTuple):
    """The hash functions of a signature: factor · x + term, modulo 2**32."""

    factors: NDArray[np.uint32]
    terms: NDArray[np.uint32]


@kernel
def sketch(rows, first, last, functions, sketches):
    """Sketch a span of a batch."""
    values = np.empty(len(functions.factors), np.uint32)
    for i in range(first, last):
        start, end = rows.starts[i], rows.starts[i + 1]
        place = sketches.shingles[sketches.starts[i] : sketches.starts[i] + end - start + SHINGLE]
        if rows.ready[i]:
            count = split(rows.data, start, end, place)
        else:
            count = scan(rows.data, start, end, place)
        sketches.counts[i] = shingle(place, count)
        if sketches.counts[i]:
            sign(place[: sketches.counts[i]], functions, values, sketches.keys[i])


@kernel
def shingle(place, count):
    """Turn token hashes into sorted distinct shingles, in place; return how many."""
    if count == 0:
        return 0
    for missing in range(count, SHINGLE):
        place[missing] = np.uint64(0)
    count = max(1, count - SHINGLE + 1)
    for i in range(count):
        mixed = np.uint64(0)
        part = place[i] * np.uint64(_A)
        mixed = (mixed ^ (part ^ (part >> np.uint64(29)))) * np.uint64(_C)
        part = place[i + 1] * np.uint64(_B)
        mixed = (mixed ^ (part ^ (part >> np.uint64(29)))) * np.uint64(_C)
        part = place[i + 2] * np.uint64(_C)
        mixed = (mixed ^ (part ^ (part >> np.uint64(29)))) * np.uint64(_C)
        place[i] = mixed ^ (mixed >> np.uint64(32))
    place[:count].sort()
    distinct = 1
    for i in range(1, count):
        if place[i] != place[distinct - 1]:
            place[distinct] = place[i]
            distinct += 1
    return distinct


@kernel
def sign(shingles, functions, values, keys):
    """Compute a signature and hash each band of it to a key."""
    values[:] = np.uint32(0xFFFFFFFF)
    for one in shingles:
        low = np.uint32(one & np.uint64(0xFFFFFFFF))
        for i in range(len(values)):
            values[i] = min(values[i], np.uint32(functions.factors[i] * low + functions.terms[i]))
    rows = len(values) // len(keys)
    for band in range(len(keys)):
        key = np.uint64(FNV_START) + np.uint64(band)
        for i in range(band * rows, (band + 1) * rows):
            key = (key ^ np.uint64(values[i])) * np.uint64(FNV_PRIME)
            key ^= key >> np.uint64(31)
        keys[band] = key * np.uint64(_A)
