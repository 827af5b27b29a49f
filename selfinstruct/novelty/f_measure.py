"""The ROUGE-L F-measure, and how many common tokens it takes to exceed a threshold.

Decides: the arithmetic, operation by operation that of rouge-score 0.1.2, so that scores are
equal to the last bit. Does not know: how common tokens are counted, or who asks.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Scores = NDArray[np.float64]

NEVER = 1 << 40
"""More common tokens than any two texts have: the threshold cannot be exceeded."""


def f_measure(common: Counts, left: Counts, right: Counts) -> Scores:
    """Return 2pr / (p + r) with p = common / left and r = common / right; 0 where common is 0.

    The order of operations is rouge-score's: it decides the last bit. Of the length pairs under
    200 tokens for which 2·common / (left + right) is exactly 7/10, 216 come out above the double
    0.7 and 20 below it, so no exact arithmetic on integers can take the place of this.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = common / left
        recall = common / right
        scores = 2 * precision * recall / (precision + recall)
    return np.where(common > 0, scores, 0.0)


def least_common(left: Counts, right: Counts, threshold: float) -> Counts:
    """Return the fewest common tokens whose F-measure exceeds the threshold, or NEVER.

    A count that exceeds it is followed by none that does not: neighbouring F-measures differ by
    2 / (left + right), far more than rounding can move them. So the least count is within two
    of threshold · (left + right) / 2, and the F-measure itself says which one it is.
    """
    left, right = np.broadcast_arrays(left, right)
    guess = np.floor(threshold * (left + right) / 2).astype(np.int64)
    least = np.full(left.shape, NEVER, dtype=np.int64)
    for step in (2, 1, 0, -1):
        common = guess + step
        fits = (common >= 1) & (common <= np.minimum(left, right))
        exceeds = f_measure(np.where(fits, common, 0), left, right) > threshold
        least = np.where(exceeds, common, least)
    return least
