"""Posting lists: what was appended is there, in order; and the index with other constants."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import strategies  # noqa: F401 (properties have no deadline)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from selfinstruct.novelty.pairs import postings
from selfinstruct.novelty.pairs.postings import Lists, new_lists, postings_held, words_used

# Compiled functions, whose types numba infers.
append: Callable[[Lists, np.int64, np.uint64], None] = postings.append
block_of: Callable[[np.uint64], int] = postings.block_of
used_of: Callable[[np.uint64], int] = postings.used_of
room_left: Callable[[Lists, NDArray[np.int64], int], bool] = postings.room_left

HERE = Path(__file__).parent

SLOTS = 8

values = st.integers(0, 2**63 - 1).map(lambda number: 2 * number + 1)
"""A posting is an odd number of 64 bits."""

additions = st.one_of(
    st.lists(st.lists(st.integers(0, SLOTS - 1), max_size=40), max_size=25),
    st.integers(0, 700).map(lambda count: [[0]] * count),
    st.integers(0, 300).map(lambda count: [[0, 5]] * count),
)
"""For each text the slots that it is posted in, one as often as it likes."""


def held(lists: Lists, index: int) -> list[int]:
    """Return the postings of a slot."""
    slot = lists.heads[index]
    if not slot or slot & np.uint64(1):
        return [int(slot)] if slot else []
    start = block_of(slot)
    found: list[int] = lists.blocks[start : start + used_of(slot)].tolist()
    return found


def fill(lists: Lists, texts: list[list[int]]) -> list[list[int]]:
    """Append numbers text by text while there is room; return what each slot should have."""
    expected: list[list[int]] = [[] for _ in range(SLOTS)]
    number = 1
    for slots in texts:
        if not room_left(lists, np.array([*slots, 0], np.int64), len(slots)):
            break
        for index in slots:
            append(lists, np.int64(index), np.uint64(number))
            expected[index].append(number)
            number += 2
        assert words_used(lists) <= len(lists.blocks)
    return expected


@given(additions)
def test_lists_hold_what_was_appended(texts: list[list[int]]) -> None:
    """Each list has its postings in the order of appending, through blocks of any size."""
    lists = new_lists(SLOTS, 1 << 16)
    expected = fill(lists, texts)
    assert [held(lists, index) for index in range(SLOTS)] == expected
    assert postings_held(lists) == sum(map(len, texts))


@given(additions, st.integers(0, 900))
def test_room_that_was_promised_is_there(texts: list[list[int]], room: int) -> None:
    """However little room there is, a text that is told it fits does, with all its postings."""
    lists = new_lists(SLOTS, room)
    expected = fill(lists, texts)
    assert [held(lists, index) for index in range(SLOTS)] == expected


@settings(max_examples=20)
@given(st.lists(values, min_size=1, max_size=300))
def test_a_posting_of_any_bits_is_kept(several: list[int]) -> None:
    """All 64 bits come back, from a slot as from a block."""
    lists = new_lists(SLOTS, 1 << 12)
    for value in several:
        append(lists, np.int64(3), np.uint64(value))
    assert held(lists, 3) == several


def test_blocks_that_were_outgrown_are_used_again() -> None:
    """A second list that grows takes the blocks that the first has left."""
    lists = new_lists(SLOTS, 1 << 16)
    fill(lists, [[0]] * 513)
    one = words_used(lists)
    fill(lists, [[1]] * 512)
    assert words_used(lists) <= one + 512 + 8
    assert (len(held(lists, 0)), len(held(lists, 1))) == (513, 512)


VARIANTS = {
    "near": "bounds.GAP=3 bounds.SHORT=8 search.STRIP=4 index.FIRST_REBUILD=64",
    "far": "bounds.GAP=5 bounds.SHORT=24 bounds.LONGEST=60 index.FIRST_REBUILD=64",
}
"""Other constants; those of bounds.py first, because other modules import them from there."""


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_no_decision_depends_on_a_constant(variant: str, cache: pytest.Cache) -> None:
    """With other steps, other lengths and earlier rebuilds the decisions are the definition's.

    It takes 15 s to compile them, so the result is kept until the sources change.
    """
    compiled = cache.mkdir(f"numba-{variant}")
    command = [sys.executable, str(HERE / "other_constants.py"), *VARIANTS[variant].split()]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(compiled), "NUMBA_OPT": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 500
