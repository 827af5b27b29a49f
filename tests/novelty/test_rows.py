"""The compiled tier of rows: tokens, shingles and bands are those of the plain code."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest
import strategies
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import shingles as token_triples

from selfinstruct.novelty.rows import index as rows_index
from selfinstruct.novelty.rows import scanner
from selfinstruct.novelty.rows import sketch as sketches
from selfinstruct.novelty.rows.index import ROWS_PER_BUCKET, RowIndex
from selfinstruct.novelty.shingles import (
    Words,
    choose_bands,
    functions,
    shingles,
    signature,
    token_hash,
)
from selfinstruct.text import tokens

BANDS = choose_bands(0.8)
FUNCTIONS = sketches.Functions(*functions(BANDS))

# Compiled functions, whose types numba infers.
Sign = Callable[[Words, sketches.Functions, NDArray[np.uint32], Words], None]
scan: Callable[[NDArray[np.uint8], int, int, Words], int] = scanner.scan
sign: Sign = sketches.sign

PIECES = (
    *("a", "Z", "x9", "9x", "_", "__a", "7", "00", ".", ",", "'", "''", "-", "- ", "+", "++", "#"),
    *(" ", "\n", "\t", "\r", "\x00", "\x0b", "\x1b", "\x1c", "\x1f", "\x7f", "%", "\\", "|", "?"),
    *("C++", "C#", "1,000.5", "3.5", "1.", ".5", "don't", "o'_", "x'9", "-4", "-\x01 4", "a-b"),
)
"""All that the grammar of ASCII tokens tells apart, and all kinds of white space."""

ascii_texts = strategies.ascii_text | st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def sketched(texts: Sequence[str]) -> list[list[int]]:
    """Return the shingles of each text as the compiled code makes and keeps them, in one batch."""
    index = RowIndex(0.8)
    index.insert(index.sketch(texts))
    starts = index._store.starts[: len(texts) + 1].tolist()
    return [index._store.shingles[first:last].tolist() for first, last in pairwise(starts)]


@settings(max_examples=1000)
@given(ascii_texts)
@example("don't 1,000.5 C++ C# -4 - \x0b 4 a_b __ 1.a 3.5x x'y'z c+++ c## 1,2,3. .5 '")
@example("-\x1f\x00 7")
@example("A" * 300)
def test_ascii_is_scanned_as_it_is_tokenised(text: str) -> None:
    """Any ASCII text with a token in it gives the hashes of our tokens, in order.

    One with none is compared by its punctuation, and goes another way.
    """
    if not rows_index._TOKEN.search(text):
        assert rows_index._rows([text]).ready.all()
        return
    data = np.frombuffer(text.encode(), np.uint8)
    hashes = np.zeros(len(data) + 1, np.uint64)
    count = scan(data, 0, len(data), hashes)
    assert hashes[:count].tolist() == [token_hash(token) for token in tokens(text)]


@settings(max_examples=300)
@given(st.lists(ascii_texts | strategies.texts | strategies.sentences, max_size=8))
@example(["", "a", "", "a b", "?", "写", "a b c d a b c d", "\x00", "\ud800 a", ""])
def test_a_batch_has_the_shingles_of_the_plain_code(texts: list[str]) -> None:
    """Rows of every script, blank and short ones among them, do not disturb one another."""
    assert sketched(texts) == [shingles(tokens(text)).tolist() for text in texts]


@given(strategies.texts | strategies.sentences)
def test_a_shingle_is_three_tokens_in_a_row(text: str) -> None:
    """There are as many shingles as different triples of tokens; a shorter row is one."""
    assert len(shingles(tokens(text))) == len(token_triples(text))


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40, unique=True),
    st.integers(1, 40),
)
def test_bands_have_equal_keys_where_signatures_agree(items: list[int], part: int) -> None:
    """Compiled keys say of two rows, band by band, what the plain signatures say."""
    both = [np.array(sorted(some), np.uint64) for some in (items, items[:part])]
    keys = [np.empty(BANDS.bands, np.uint64) for _ in both]
    for row, found in zip(both, keys, strict=True):
        sign(row, FUNCTIONS, np.empty(len(FUNCTIONS.factors), np.uint32), found)
    one, other = (signature(row, *FUNCTIONS).reshape(BANDS) for row in both)
    assert (keys[0] == keys[1]).tolist() == (one == other).all(axis=1).tolist()


@pytest.mark.parametrize("batch", [1, 999, 100_000])
def test_nothing_is_lost_when_the_index_grows(batch: int) -> None:
    """Past many doublings of its buckets every row is found again, under its first number."""
    random = Random(3)
    rows = [" ".join(f"w{random.randrange(900)}" for _ in range(9)) for _ in range(6000)]
    rows[::50] = [""] * 120
    index = RowIndex(0.9)
    for start in range(0, len(rows), batch):
        index.insert(index.sketch(rows[start : start + batch]))
    assert len(index) == len(rows)
    assert index._store.heads.shape[1] * ROWS_PER_BUCKET >= len(rows)
    first = {row: place for place, row in reversed(list(enumerate(rows)))}
    expected = [(first[row], 1.0) if row else (-1, 0.0) for row in rows]
    assert index.nearest(index.sketch(rows)) == expected
    assert index.admit(index.sketch([*rows[:9], "new row here"]))[-1] == (-1, 0.0)


def test_rows_that_are_shingles_already_are_inserted_alike() -> None:
    """What the plain tier hands over is found as if it had come as text."""
    texts = ["", "a", "a b", "a b c d e f g h", "写一首关于大海的诗"]
    handed, read = RowIndex(0.5), RowIndex(0.5)
    handed.insert_rows([shingles(tokens(text)) for text in texts])
    handed.insert_rows([])
    read.insert(read.sketch(texts))
    queries = [*texts, "a b c d e f g", "写一首关于大海的"]
    assert handed.nearest(handed.sketch(queries)) == read.nearest(read.sketch(queries))
    assert [row for row, _ in read.nearest(read.sketch(queries))] == [-1, 1, 2, 3, 4, 3, 4]
    assert (len(handed), handed.nearest(handed.sketch([]))) == (5, [])
