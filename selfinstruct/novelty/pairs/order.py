"""The elements of a text, and the one order in which all texts list theirs: rarest first.

Decides: what an element is, the order, and the bitmaps of a text. Does not know: thresholds,
postings, or other texts.

Any fixed order is right (bounds.py asks for no more); one that begins with rare elements makes
short posting lists. It stays fixed between rebuilds of the index: a token's weight is how often it
stood in texts at the last rebuild, 0 for one that came since.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.compiled import inlined, kernel

Array = NDArray[np.int64]
Words = NDArray[np.uint64]

WORD = 64
BITMAP = 26
"""Bits of the small bitmap that a posting holds."""

MAX_WEIGHT = (1 << 22) - 1
"""Tokens that stand in texts more often than that (four million) are all equally common."""


class Analysis(NamedTuple):
    """Room for what is worked out about one text; `room_for` makes it.

    The first four arrays are an open-addressing table of the distinct tokens, each with its
    number, its count, and the positions it stands at (as bits, `words` words for a token).
    """

    slot_token: NDArray[np.int32]
    slot_number: NDArray[np.int32]
    copies: NDArray[np.int32]
    positions: Words
    number: NDArray[np.int32]  # by position: the distinct token
    element: Words  # by position: token and copy
    rank: Words  # sorted: what the order compares
    order: NDArray[np.int32]  # sorted: the position in the text
    known: NDArray[np.bool_]  # by position: whether any indexed text may have the token
    bitmaps: Words  # the text's 64-bit and 26-bit bitmap
    shape: Array  # length, bits of a slot number, words of positions


def room_for(longest: int) -> Analysis:
    """Return room for texts of up to `longest` tokens."""
    slots = 8
    while slots < 4 * longest:
        slots *= 2
    words = longest // WORD + 1
    return Analysis(
        slot_token=np.empty(slots, np.int32),
        slot_number=np.empty(slots, np.int32),
        copies=np.empty(longest + 1, np.int32),
        positions=np.empty((longest + 1) * words, np.uint64),
        number=np.empty(longest + 1, np.int32),
        element=np.empty(longest + 1, np.uint64),
        rank=np.empty(longest + 1, np.uint64),
        order=np.empty(longest + 1, np.int32),
        known=np.empty(longest + 1, np.bool_),
        bitmaps=np.zeros(2, np.uint64),
        shape=np.zeros(3, np.int64),
    )


@inlined
def home(token, bits):
    """Return the slot where the search for a token begins."""
    return ((np.uint64(token) * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)) >> np.uint64(
        32 - bits
    )


@kernel
def find(token, analysis):
    """Return the number of a token among the distinct ones of the analysed text, or -1."""
    mask = np.uint64((1 << analysis.shape[1]) - 1)
    slot = home(token, analysis.shape[1])
    while analysis.slot_token[slot] != token:
        if analysis.slot_token[slot] < 0:
            return -1
        slot = (slot + np.uint64(1)) & mask
    return analysis.slot_number[slot]


@kernel
def count_tokens(text, analysis):
    """Fill the table: distinct tokens, how often and where; tokens below 0 match nothing."""
    m = len(text)
    bits = 3
    while (1 << bits) < 4 * m:
        bits += 1
    words = (m + WORD - 1) // WORD
    analysis.shape[0], analysis.shape[1], analysis.shape[2] = m, bits, words
    mask = np.uint64((1 << bits) - 1)
    analysis.slot_token[: 1 << bits] = -1
    distinct = 0
    for i in range(m):
        token = text[i]
        if token < 0:
            analysis.number[i] = -1
            continue
        slot = home(token, bits)
        while analysis.slot_token[slot] != token and analysis.slot_token[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        if analysis.slot_token[slot] < 0:
            analysis.slot_token[slot] = token
            analysis.slot_number[slot] = distinct
            analysis.copies[distinct] = 0
            for word in range(words):
                analysis.positions[distinct * words + word] = 0
            distinct += 1
        number = analysis.slot_number[slot]
        analysis.number[i] = number
        analysis.positions[number * words + i // WORD] |= np.uint64(1) << np.uint64(i % WORD)
        copy = analysis.copies[number]
        analysis.copies[number] += 1
        analysis.element[i] = (np.uint64(copy) << np.uint64(32)) | np.uint64(token)
    return distinct


@kernel
def arrange(text, weights, analysis):
    """Analyse a text: its table of tokens, its elements in order, its bitmaps.

    A second copy counts as an eighth as common as the first, and so on: copies are rarer.
    """
    count_tokens(text, analysis)
    rank, order = analysis.rank, analysis.order
    large, small = np.uint64(0), np.uint64(0)
    for i in range(len(text)):
        key = np.uint64(0)
        if analysis.number[i] >= 0:
            element = analysis.element[i]
            copy = element >> np.uint64(32)
            weight = np.uint64(min(weights[text[i]], MAX_WEIGHT))
            weight >>= min(np.uint64(3) * copy, np.uint64(31))
            key = (weight << np.uint64(42)) | (np.uint64(text[i]) << np.uint64(10)) | copy
            mixed = (element + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
            large |= np.uint64(1) << (mixed >> np.uint64(58))
            low = (mixed >> np.uint64(20)) & np.uint64(0xFFFFFFFF)
            small |= np.uint64(1) << ((low * np.uint64(BITMAP)) >> np.uint64(32))
        j = i
        while j > 0 and rank[j - 1] > key:
            rank[j], order[j] = rank[j - 1], order[j - 1]
            j -= 1
        rank[j], order[j] = key, i
    analysis.bitmaps[0], analysis.bitmaps[1] = large, small
