"""Shingles: what a whole row is compared by; and how signatures of them are made.

Decides: that a shingle is three tokens in a row, what a row shorter than that has, the hash
functions, and how many bands it takes to miss no more than one pair in a thousand. Does not
know: where signatures are kept. All is plain and repeatable, so that the compiled tier (rows/)
finds the same.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

SHINGLE = 3
"""Tokens: common for near-duplicates of rows; one changed word changes three shingles."""

RECALL = 0.999
"""Of pairs that are exactly as similar as the threshold asks; more similar ones are surer."""

MOST_FUNCTIONS = 144
"""Hash functions of a signature."""

MOST_ROWS = 16
"""Values of a band: more would not leave out more candidates."""

LEAST_JACCARD = 0.1
"""Below it a signature would need too many hash functions, and nothing is a duplicate."""

FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
"""64-bit FNV-1a (its published parameters): a loop that compiled code can repeat."""

_FIRST, _SECOND, _LAST = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
MULTIPLIERS = _FIRST, _SECOND, _LAST
"""Odd 64-bit numbers that keep the places of a shingle apart."""


class Bands(NamedTuple):
    """A signature has bands · rows values; rows that agree in all of a band are candidates."""

    bands: int
    rows: int


def choose_bands(min_jaccard: float) -> Bands:
    """Return the longest bands that still find a pair at the threshold with probability RECALL.

    A pair with Jaccard s agrees in a band of r with probability s^r, and is found unless all b
    bands fail: 1 - (1 - s^r)^b. Longer bands mean fewer candidates that are none.
    """
    rows = 1
    while rows < MOST_ROWS and _bands(min_jaccard, rows + 1) * (rows + 1) <= MOST_FUNCTIONS:
        rows += 1
    return Bands(_bands(min_jaccard, rows), rows)


def _bands(min_jaccard: float, rows: int) -> int:
    """Return how many bands of some rows reach RECALL; two at least, as datasketch wants."""
    miss = 1 - min_jaccard**rows
    return 2 if miss <= 0 else max(2, math.ceil(math.log(1 - RECALL) / math.log(miss)))


@lru_cache(maxsize=1 << 18)
def token_hash(token: str) -> int:
    """Return the 64-bit FNV-1a hash of a token's UTF-8 bytes."""
    value = FNV_START
    for byte in token.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return value


def shingles(tokens: Sequence[str]) -> Words:
    """Return the distinct shingles of a row as sorted 64-bit hashes.

    A row of one or two tokens has one shingle, itself: it is equal to the same row and to no
    other. A row without tokens has none. Among ten million different shingles two have the same
    hash with probability 3e-6.
    """
    hashes = np.array([token_hash(token) for token in tokens], np.uint64)
    if not len(hashes):
        return hashes
    if len(hashes) < SHINGLE:
        hashes = np.concatenate([hashes, np.zeros(SHINGLE - len(hashes), np.uint64)])
    mixed = np.zeros(len(hashes) - SHINGLE + 1, np.uint64)
    for place, multiplier in enumerate(MULTIPLIERS):
        part = hashes[place : place + len(mixed)] * np.uint64(multiplier)
        mixed = (mixed ^ (part ^ (part >> np.uint64(29)))) * np.uint64(_LAST)
    mixed ^= mixed >> np.uint64(32)
    return np.unique(mixed)


def functions(bands: Bands) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the factors (odd) and terms of a signature's hash functions, always the same."""
    count = bands.bands * bands.rows
    random = np.random.default_rng(2023)  # any fixed number: the year of the method
    factors = random.integers(0, 1 << 32, count, np.uint32) | np.uint32(1)
    return factors, random.integers(0, 1 << 32, count, np.uint32)


def signature(
    row: Words, factors: NDArray[np.uint32], terms: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Return the least value of each hash function over the shingles of a row (not none)."""
    low = (row & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    values: NDArray[np.uint32] = (factors[:, None] * low[None, :] + terms[:, None]).min(axis=1)
    return values


def jaccard(left: Words, right: Words) -> float:
    """Return the share of common shingles: those in both among those in either."""
    common = len(np.intersect1d(left, right, assume_unique=True))
    return common / (len(left) + len(right) - common)
