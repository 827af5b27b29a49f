"""Buckets: rows whose signatures agree in a band; candidates are verified by exact Jaccard.

Decides: which earlier row is nearest among the candidates. Does not know: what a shingle is.

A bucket is a chain through `following`, from `heads`; each band has its own. A row that is in a
bucket by chance is told by its key, so that what is found does not depend on how many buckets
there are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.compiled import kernel
from selfinstruct.novelty.pairs.machine import fetch
from selfinstruct.novelty.rows.sketch import sign

LOOK_UP, ADMIT, INSERT = range(3)
"""Insert none of a batch, those without a match, or all without a look."""


class Store(NamedTuple):
    """The rows so far."""

    shingles: NDArray[np.uint64]
    starts: NDArray[np.int64]  # row i has shingles[starts[i]:starts[i + 1]]
    heads: NDArray[np.uint32]  # [band, slot] newest row of a bucket, plus one; 0: empty
    following: NDArray[np.uint32]  # [row, band] the next older row of the bucket, plus one
    keys: NDArray[np.uint32]  # [row, band] the low half of the key; the high half is the slot's
    seen: NDArray[np.int64]  # the last question that compared the row
    size: NDArray[np.int64]  # rows, questions


class Nearest(NamedTuple):
    """For each row of a batch the nearest earlier row, or -1, and the Jaccard similarity."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]


@kernel
def judge(sketches, store, threshold, mode, nearest):
    """Judge a batch in order: `mode` is one of LOOK_UP, ADMIT, INSERT."""
    for i in range(len(sketches.counts)):
        count, keys = sketches.counts[i], sketches.keys[i]
        start = sketches.starts[i]
        row = sketches.shingles[start : start + count]
        nearest.rows[i], nearest.scores[i] = -1, 0.0
        if count and mode != INSERT:
            nearest.rows[i], nearest.scores[i] = _nearest(row, keys, store, threshold)
        if mode == INSERT or (mode == ADMIT and nearest.rows[i] < 0):
            _insert(row, keys, store)


@kernel
def _nearest(row, keys, store, threshold):
    """Find the most similar row at or above the threshold, the earliest of equals."""
    store.size[1] += 1
    question = store.size[1]
    shift = np.uint64(64 - _bits(store.heads.shape[1]))
    for band in range(len(keys)):
        fetch(store.heads, np.int64(band * store.heads.shape[1]) + np.int64(keys[band] >> shift))
    best, score = np.int64(-1), 0.0
    for band in range(len(keys)):
        link = store.heads[band, keys[band] >> shift]
        while link:
            other = np.int64(link) - 1
            entry = other * len(keys) + band
            link = store.following[entry]
            if store.keys[entry] != np.uint32(keys[band]) or store.seen[other] == question:
                continue
            store.seen[other] = question
            shingles = store.shingles[store.starts[other] : store.starts[other + 1]]
            found = _jaccard(row, shingles, max(score, threshold))
            if found > score or (found and found == score and other < best):
                best, score = other, found
    return best, score


@kernel
def _jaccard(left, right, threshold):
    """Return the Jaccard similarity of two sorted sets, or 0 where it is below a threshold.

    It is at most the smaller size divided by the larger: a division like the one below, so that
    rounding is the same.
    """
    m, n = len(left), len(right)
    if min(m, n) / max(m, n) < threshold:
        return 0.0
    i, j, common = 0, 0, 0
    while i < m and j < n:
        a, b = left[i], right[j]
        common += a == b
        i += a <= b
        j += b <= a
    score = common / (m + n - common)
    return score if score >= threshold else 0.0


@kernel
def _insert(row, keys, store):
    """Keep a row and put it into its buckets; one without shingles is in none."""
    number = store.size[0]
    start = store.starts[number]
    store.shingles[start : start + len(row)] = row
    store.starts[number + 1] = start + len(row)
    store.size[0] += 1
    if len(row):
        _link(number, keys, store)


@kernel
def _link(number, keys, store):
    """Put a row at the front of its buckets."""
    shift = np.uint64(64 - _bits(store.heads.shape[1]))
    for band in range(len(keys)):
        slot = keys[band] >> shift
        store.following[number * len(keys) + band] = store.heads[band, slot]
        store.keys[number * len(keys) + band] = np.uint32(keys[band])
        store.heads[band, slot] = number + 1


@kernel
def relink(store, functions, bands):
    """Put all rows into buckets that were emptied."""
    values = np.empty(len(functions.factors), np.uint32)
    keys = np.empty(bands, np.uint64)
    for number in range(store.size[0]):
        row = store.shingles[store.starts[number] : store.starts[number + 1]]
        if len(row):
            sign(row, functions, values, keys)
            _link(number, keys, store)


@kernel
def _bits(slots):
    """Return the bits of a slot number, for a power of two."""
    bits = 0
    while (1 << bits) < slots:
        bits += 1
    return bits
