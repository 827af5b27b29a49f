"""The F-measure: rouge-score's to the last bit, and the least count that exceeds a threshold."""

import math
from fractions import Fraction

import numpy as np
import strategies  # noqa: F401 (properties have no deadline)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score import scoring

from selfinstruct.novelty.f_measure import NEVER, f_measure, least_common

SEVEN_TENTHS = [
    (m, n, 7 * (m + n) // 20)
    for n in range(1, 200)
    for m in range(1, n + 1)
    if (m + n) % 20 == 0 and 7 * (m + n) // 20 <= m
]
"""All lengths under 200 and common tokens for which the F-measure is 7/10 in exact arithmetic."""

lengths = st.one_of(st.integers(0, 80), st.integers(0, 3000))
thresholds = st.one_of(
    st.floats(0, 1),
    st.builds(lambda top, more: top / (top + more), st.integers(1, 20), st.integers(0, 20)),
)
"""Any threshold, and often one that is a small fraction, which short texts reach exactly."""


def of_one(common: int, left: int, right: int) -> float:
    """Return our F-measure of one pair."""
    counts = [np.array([count]) for count in (common, left, right)]
    return float(f_measure(*counts)[0])


def published(common: int, left: int, right: int) -> float:
    """Return rouge-score's own F-measure."""
    score: float = scoring.fmeasure(common / left, common / right)
    return score


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0, 1))
def test_the_f_measure_is_that_of_rouge_score(left: int, right: int, share: float) -> None:
    """Any counts give the number that rouge-score gives, to the last bit."""
    common = int(share * min(left, right))
    assert of_one(common, left, right) == published(common, left, right)


@given(lengths, lengths, st.data())
def test_the_f_measure_is_symmetric(left: int, right: int, data: st.DataObject) -> None:
    """Which length comes first does not change a bit."""
    common = data.draw(st.integers(0, min(left, right)))
    assert of_one(common, left, right) == of_one(common, right, left)


def test_nothing_in_common_is_no_similarity() -> None:
    """Without common tokens the F-measure is 0, also for texts without tokens."""
    assert [of_one(0, *pair) for pair in ((0, 0), (0, 3), (3, 0), (3, 4))] == [0.0] * 4


def test_seven_tenths_comes_out_on_both_sides_of_its_double() -> None:
    """Of the 475 pairs at exactly 7/10, 216 come out above 0.7, 239 equal to it and 20 below."""
    scores = [of_one(common, m, n) for m, n, common in SEVEN_TENTHS]
    assert all(Fraction(2 * common, m + n) == Fraction(7, 10) for m, n, common in SEVEN_TENTHS)
    sides = [sum(side(score, 0.7) for score in scores) for side in (float.__gt__, float.__eq__)]
    assert (len(scores), *sides) == (475, 216, 239)
    assert scores == [published(common, m, n) for m, n, common in SEVEN_TENTHS]


@settings(max_examples=500)
@given(lengths, lengths, thresholds)
@example(14, 6, 0.7)
@example(1, 1, 1.0)
@example(1, 1, 0.0)
@example(1, 3000, 0.0)
def test_the_least_count_is_what_a_linear_search_finds(m: int, n: int, threshold: float) -> None:
    """The fewest common tokens above a threshold are those of the formula, tried one by one."""
    found = int(least_common(np.array([m]), np.array([n]), threshold)[0])
    counts = range(1, min(m, n) + 1)
    assert found == next((c for c in counts if published(c, m, n) > threshold), NEVER)


@given(st.integers(1, 400), st.integers(1, 400), thresholds)
def test_more_in_common_is_never_less_similar(m: int, n: int, threshold: float) -> None:
    """From the least count on every count exceeds the threshold, so one number decides."""
    least = int(least_common(np.array([m]), np.array([n]), threshold)[0])
    for common in range(1, min(m, n) + 1):
        assert (published(common, m, n) > threshold) == (common >= least)


def test_a_table_of_lengths_is_filled_at_once() -> None:
    """Rows and columns of lengths give a table; a text without tokens exceeds nothing."""
    table = least_common(np.arange(40)[:, None], np.arange(60)[None, :], 2 / 3)
    assert table.shape == (40, 60)
    assert (table[0] == NEVER).all()
    assert (table[:, 0] == NEVER).all()
    assert np.array_equal(table, least_common(np.arange(60)[:, None], np.arange(40), 2 / 3).T)
    assert table[1, 1] == 1
    assert table[1, 2] == NEVER  # 2 / 3 is not above 2 / 3
    assert table[10, 10] == 7


def test_no_text_exceeds_the_greatest_threshold() -> None:
    """At 1.0 nothing is above; just below it only a text that is equal throughout."""
    lengths = np.arange(1, 300)
    assert (least_common(lengths, lengths, 1.0) == NEVER).all()
    assert np.array_equal(least_common(lengths, lengths, math.nextafter(1.0, 0.0)), lengths)
