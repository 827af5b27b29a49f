"""Which posting lists a text belongs to, and which ones it must look into.

Decides: how a pair of elements names a list. Does not know: what lists hold.

In a longest common subsequence two elements stand in the same order in both texts, so a pair is
hashed in text order, which halves the chance meetings. The copies of a repeated token may be
matched crosswise, though: a pair with a repeated token is hashed in both orders, by both texts,
and one of them always meets.

Short texts, long texts and single elements are hashed apart (`SHORT_PAIR` and so on), so that a
query looks only among lengths it can match.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.compiled import inlined, kernel
from selfinstruct.novelty.pairs.bounds import GAP, SHORT

SINGLE, SHORT_PAIR, LONG_PAIR = 1, 2, 3
ANY_DISTANCE = 1 << 20


class Keys(NamedTuple):
    """Room for the lists of one text: slots, and the place in the order of a pair's second."""

    slots: NDArray[np.int64]
    places: NDArray[np.int64]
    shares: NDArray[np.int64]  # how many in all, and how many before those of long texts


def room_for_keys(longest: int) -> Keys:
    """Return room for the keys of a text of up to `longest` tokens.

    Pairs with short texts: both orders of all pairs of the first m - t + 2 elements. With t more
    than threshold · (m + n) / 2, n at most SHORT and m under 3 · n, that is at most 2 · SHORT + 1.
    """
    most = longest + (2 * SHORT + 2) ** 2 + 2 * GAP * longest
    return Keys(np.empty(most, np.int64), np.empty(most, np.int64), np.zeros(2, np.int64))


@inlined
def _slot(first, second, shift):
    """Hash two elements, already salted, to a slot: the high bits of a product are well mixed."""
    mixed = first ^ (second * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9FB21C651E98DF25)
    return np.int64(mixed >> shift)


@inlined
def _salted(element, salt):
    """Mix an element that comes first in its pair."""
    return (element + (np.uint64(salt) << np.uint64(48))) * np.uint64(0x9E3779B97F4A7C15)


@kernel
def _pairs(analysis, keys, depth, distance, salt, shift):
    """Add the pairs among the first `depth` elements, no farther apart than `distance`."""
    count = keys.shares[0]
    for b in range(1, depth):
        i = analysis.order[b]
        if not analysis.known[i]:
            continue
        second = analysis.element[i]
        repeated = analysis.copies[analysis.number[i]] > 1
        second_first = _salted(second, salt)
        for a in range(max(0, b - distance), b):
            j = analysis.order[a]
            if not analysis.known[j]:
                continue
            first = analysis.element[j]
            both = repeated or analysis.copies[analysis.number[j]] > 1
            if j < i or both:
                keys.slots[count] = _slot(_salted(first, salt), second, shift)
                keys.places[count] = b
                count += 1
            if j > i or both:
                keys.slots[count] = _slot(second_first, first, shift)
                keys.places[count] = b
                count += 1
    keys.shares[0] = count


@kernel
def _singles(analysis, keys, shift):
    """Add every element by itself."""
    count = keys.shares[0]
    for b in range(analysis.shape[0]):
        i = analysis.order[b]
        if analysis.known[i]:
            element = analysis.element[i]
            keys.slots[count] = _slot(_salted(element, SINGLE), element, shift)
            keys.places[count] = b
            count += 1
    keys.shares[0] = count


@kernel
def own_keys(analysis, bounds, keys, shift):
    """Find the lists that an indexed text is posted in."""
    n = analysis.shape[0]
    keys.shares[0] = 0
    if bounds.index_single[n]:
        _singles(analysis, keys, shift)
    if n <= SHORT:
        _pairs(analysis, keys, bounds.index_depth[n], ANY_DISTANCE, SHORT_PAIR, shift)
    else:
        _pairs(analysis, keys, bounds.index_depth[n], GAP - 1, LONG_PAIR, shift)


@kernel
def probe_keys(analysis, bounds, keys, shift):
    """Find the lists in which any text that exceeds the threshold must be."""
    m = analysis.shape[0]
    keys.shares[0] = 0
    if bounds.probe_single[m]:
        _singles(analysis, keys, shift)
    _pairs(analysis, keys, bounds.probe_short[m], ANY_DISTANCE, SHORT_PAIR, shift)
    keys.shares[1] = keys.shares[0]
    _pairs(analysis, keys, bounds.probe_long[m], GAP - 1, LONG_PAIR, shift)
