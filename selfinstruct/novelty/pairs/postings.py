"""Posting lists: for each pair of elements, the texts that have it near their rare end.

Decides: where postings lie, and what one says. Does not know: what the hash that names a list
was made of; postings of several pairs may share a list, and then are refused like all that do
not fit.

A list is a slot of `heads`. Most lists have one posting, and it is the slot itself (odd). A
longer list is one block of `blocks`, named by the slot (even): its address and how many postings
it has. Blocks have room for 2, 3, 4, 6, 8, 12 … postings; a full one is copied into one of the
next size, and its room is used again. So a list is always contiguous, a fifth of the room is
empty at most times, and appending takes constant time, amortised.

The slot of a block is: address 35 bits, postings 28 (a text is in a list twice at most), and a 0.
A posting is 64 bits: text 27, length code 5, place of the pair's second element 5, small bitmap
26, and a 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.compiled import inlined, kernel
from selfinstruct.novelty.pairs.bounds import SATURATED

MAX_TEXTS = 1 << 27
_TAIL, _POSTINGS, _FREE = 0, 1, 2
_SIZES = 48


class Lists(NamedTuple):
    """All posting lists."""

    heads: NDArray[np.uint64]
    blocks: NDArray[np.uint64]
    state: NDArray[np.int64]  # end of the used part of blocks, postings, free blocks by size


def new_lists(slots: int, room: int) -> Lists:
    """Return empty lists; `slots` is a power of two, `room` the words of blocks."""
    state = np.zeros(_FREE + _SIZES, np.int64)
    state[_TAIL] = 2  # no block is at 0: 0 is the empty slot
    return Lists(np.zeros(slots, np.uint64), np.empty(room, np.uint64), state)


def words_used(lists: Lists) -> int:
    """Return how many words of blocks have ever been used."""
    return int(lists.state[_TAIL])


def postings_held(lists: Lists) -> int:
    """Return how many postings there are."""
    return int(lists.state[_POSTINGS])


@inlined
def posting(text, length, place, bitmap):
    """Pack a posting. Codes saturate: a length or place of 31 means 31 or more."""
    return (
        (np.uint64(text) << np.uint64(37))
        | (np.uint64(min(length, SATURATED)) << np.uint64(32))
        | (np.uint64(min(place, SATURATED)) << np.uint64(27))
        | (bitmap << np.uint64(1))
        | np.uint64(1)
    )


@inlined
def used_of(slot):
    """Return how many postings the block of an even slot has."""
    return np.int64((slot >> np.uint64(1)) & np.uint64(0xFFFFFFF))


@inlined
def block_of(slot):
    """Return where the block of an even slot begins."""
    return np.int64(slot >> np.uint64(29))


@inlined
def _words(size):
    """Return how many postings a block of a size (0, 1, 2 …) has room for."""
    return (2 + (size & 1)) << (size >> 1)


@kernel
def _size(used):
    """Return the size of the block that so many postings are in."""
    size = 0
    while _words(size) < used:
        size += 1
    return size


@kernel
def _take(lists, size):
    """Return a block of a size; the caller has seen to it that there is room."""
    free = lists.state[_FREE + size]
    if free:
        lists.state[_FREE + size] = np.int64(lists.blocks[free])
        return free
    start = lists.state[_TAIL]
    if size >= 4:  # eight words and more: from the beginning of a cache line
        start = (start + 7) & ~7
    lists.state[_TAIL] = start + _words(size)
    return start


@kernel
def append(lists, index, value):
    """Append a posting to the list of a slot."""
    heads, blocks = lists.heads, lists.blocks
    lists.state[_POSTINGS] += 1
    slot = heads[index]
    if slot == np.uint64(0):
        heads[index] = value
        return
    if slot & np.uint64(1):
        block, used = _take(lists, 0), 1
        blocks[block] = slot
    else:
        block, used = block_of(slot), used_of(slot)
        size = _size(used)
        if used == _words(size):
            larger = _take(lists, size + 1)
            blocks[larger : larger + used] = blocks[block : block + used]
            blocks[block] = np.uint64(lists.state[_FREE + size])
            lists.state[_FREE + size] = block
            block = larger
    blocks[block + used] = value
    heads[index] = (np.uint64(block) << np.uint64(29)) | (np.uint64(used + 1) << np.uint64(1))


@kernel
def room_left(lists, indices, count):
    """Say whether a posting can be appended to each of `count` lists, come what may.

    A list that grows from nothing to c postings takes blocks of less than 5.25·c words in all,
    and up to 7 more where one begins a cache line. A block of room w that `count` more would
    overfill takes one of at most 2·w, or, where c > w / 2 of them come to this one list, several
    of less than 5.25·(w + c): that many keys are counted for it.
    """
    words = np.int64(8 * count + 64)
    for i in range(count):
        slot = lists.heads[indices[i]]
        if slot != np.uint64(0) and not slot & np.uint64(1):
            used = used_of(slot)
            room = _words(_size(used))
            if used + count > room:
                words += 2 * room + 8
    return lists.state[_TAIL] + words <= len(lists.blocks)
