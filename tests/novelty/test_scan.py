"""The plain tier: lengths and bitmaps leave out only what cannot match."""

from random import Random

import numpy as np
import pytest
import strategies  # noqa: F401 (properties have no deadline)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import common_length, edited, f_measure

from selfinstruct.novelty.arrays import grown
from selfinstruct.novelty.scan import Scan
from selfinstruct.novelty.vocabulary import UNKNOWN

tokens = st.one_of(st.integers(0, 5), st.integers(0, 500), st.integers(0, 1 << 40))
"""From few tokens, which texts share, to so many that bits of their bitmaps coincide."""

several = st.lists(st.lists(tokens, max_size=14), max_size=12)
queries = st.lists(tokens | st.just(UNKNOWN), max_size=14)
thresholds = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 0.25, 0.5, 2 / 3, 0.7, 1.0)))


def scan_of(texts: list[list[int]], threshold: float) -> Scan:
    """Return a scan that has some texts."""
    scan = Scan(threshold)
    for text in texts:
        scan.add(text)
    return scan


def score(left: list[int], right: list[int]) -> float:
    """Return a score from its definition; no earlier text has an unknown token."""
    return f_measure(common_length(left, right), len(left), len(right))


@settings(max_examples=300)
@given(several, queries, thresholds)
@example([[1, 2], [2, 1]], [UNKNOWN, 1, UNKNOWN, 2], 0.4)
def test_bitmaps_lose_no_match(texts: list[list[int]], query: list[int], threshold: float) -> None:
    """The answer is the first of the most similar of all texts, whatever bits coincide."""
    scores = [score(query, text) for text in texts]
    best = max(scores, default=0.0)
    expected = (scores.index(best), best) if best > threshold else None
    scan = scan_of(texts, threshold)
    assert scan.nearest(query) == expected
    assert scan.scores(query).tolist() == scores


@given(st.lists(tokens, min_size=1, max_size=30), st.integers(0, 2**32 - 1), thresholds)
def test_a_changed_copy_is_found(text: list[int], seed: int, threshold: float) -> None:
    """Texts made of one another are found exactly if their score is above the threshold."""
    random = Random(seed)
    query = edited(random, text, [UNKNOWN, 1, 2, 3, 1 << 41])
    expected = score(query, text)
    found = scan_of([text], threshold).nearest(query)
    assert found == ((0, expected) if expected > threshold else None)


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 5000])
def test_the_last_text_is_found_however_many_there_are(count: int) -> None:
    """Nothing is lost where the arrays grow."""
    scan = scan_of([[place, place + 1, place + 2] for place in range(0, 3 * count, 3)], 0.6)
    assert len(scan) == count
    for place in {0, count // 2, count - 1}:
        assert scan.nearest([3 * place, 3 * place + 1, 3 * place + 2, UNKNOWN]) == (place, 6 / 7)


def test_a_longer_text_than_any_before_is_found() -> None:
    """What is known of lengths is worked out anew when a longer text comes."""
    scan = scan_of([[1]], 0.7)
    assert scan.nearest([1, 2, 3]) is None
    for length in (3, 200, 5000):
        scan.add(list(range(length)))
        assert scan.nearest(list(range(length))) == (len(scan) - 1, 1.0)


def test_texts_without_tokens_are_like_none() -> None:
    """A text without tokens is counted and never found."""
    scan = scan_of([[], [1], []], 0.0)
    assert scan.nearest([]) is None
    assert scan.nearest([1]) == (1, 1.0)
    assert scan.scores([]).tolist() == [0.0, 0.0, 0.0]


@given(st.lists(st.integers(-9, 9), max_size=9), st.integers(0, 40))
def test_an_array_grows_with_what_it_held(items: list[int], size: int) -> None:
    """A grown array begins with the old items, then has zeros; a large one is left alone."""
    array = np.array(items, np.int64)
    larger = grown(array, size)
    assert len(larger) >= size
    assert larger[: len(items)].tolist() == items
    assert not larger[len(items) :].any()
    assert (larger is array) == (size <= len(items))
