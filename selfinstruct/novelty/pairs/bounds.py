"""What lengths alone say: how far into a text one must look, and when a posting cannot matter.

Decides: the tables that the index reads. Does not know: texts. Throughout, m is the length of
the text that is asked about and n of one in the index, in tokens, and t(m, n) the fewest common
tokens that exceed the threshold (`least_common`).

*Elements.* The k-th occurrence of a token in a text is an element of its own, so that the common
tokens of two texts, counted with repetition, are a set. A longest common subsequence with t or
more tokens is a set C of t or more elements that both texts have. Elements stand in one order
for all texts, rarest first (order.py).

*Short texts (n up to SHORT).* The two rarest of C are followed by at least t - 2 others of C in
both texts. So they are among the first m - t + 2 elements of one and n - t + 2 of the other: the
texts share a pair of elements within these depths.

*Long texts.* All pairs would be too many, so only those at most GAP - 1 places apart count. Let
d = m + n - 2t and r = floor(d / (GAP - 1)) + 2. The r rarest of C lie within the first m - t + r
and n - t + r elements, so their r - 1 steps from one to the next take, in both texts together,
at most d + 2(r - 1) places, which is less than (GAP + 1)(r - 1): some step takes at most GAP
places in both together, hence at most GAP - 1 in each. (C has r elements: for thresholds of
LEAST_THRESHOLD and more and n > SHORT, r is never more than t.)

*One common token.* Where t(m, n) = 1 there need be no pair; such texts are found by single
elements. With thresholds of 2/3 and more only one-token texts are.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.f_measure import NEVER, Counts, least_common

LONGEST = 255
"""Tokens of an indexed text. Longer ones are few among instructions, and scanned."""

SHORT = 20
"""Tokens up to which a text is found by any pair. From 8 to 24 the cost hardly changes."""

GAP = 4
"""Places that a step may take in two long texts together. From 3 to 6 the cost hardly changes."""

LEAST_THRESHOLD = 0.5
"""Under 0.43 r can be more than t, and few texts could be left out anyway."""

SATURATED = 31
"""The length code of all texts with this many tokens or more: a posting has 5 bits for it."""

TOO_MANY = 1 << 14
"""More common tokens than an indexed text has; fits a 16-bit integer."""


class Bounds(NamedTuple):
    """Tables for one threshold, by the axes that are named."""

    least: NDArray[np.int16]  # [m, n] t, or TOO_MANY
    scan_short: NDArray[np.int16]  # [m, code and place] elements that may not be common, or -1
    scan_long: NDArray[np.int16]  # [m, code and place] the same for a long text
    farthest_short: NDArray[np.int16]  # [m, place] the last code and place that can matter
    farthest_long: NDArray[np.int16]  # [m, place] the same for pairs with long texts
    index_depth: NDArray[np.int16]  # [n] elements of an indexed text that make pairs
    probe_short: NDArray[np.int16]  # [m] elements that are asked for among short texts
    probe_long: NDArray[np.int16]  # [m] elements that are asked for among long texts
    index_single: NDArray[np.bool_]  # [n] whether single elements are posted
    probe_single: NDArray[np.bool_]  # [m] whether single elements are asked for


def longest_query(threshold: float) -> int:
    """Return the greatest m for which any indexed text can exceed the threshold."""
    # 2·min(m, n) / (m + n) > threshold needs m < n·(2 - threshold) / threshold.
    return int(LONGEST * (2 - threshold) / threshold) + 1


@lru_cache(maxsize=8)
def make_bounds(threshold: float) -> Bounds:
    """Compute the tables for a threshold from LEAST_THRESHOLD to 1."""
    m = np.arange(longest_query(threshold) + 1, dtype=np.int64)[:, None]
    n = np.arange(LONGEST + 1, dtype=np.int64)[None, :]
    least = least_common(m, n, threshold)
    possible = least < NEVER
    t = np.where(possible, least, TOO_MANY)
    short = n <= SHORT
    steps = np.where(short, 2, (m + n - 2 * t) // (GAP - 1) + 2)  # r above; 2 is the pair itself
    in_index = np.where(possible, np.minimum(n - t + steps, n), 0)
    in_probe = np.where(possible, np.minimum(m - t + steps, m), 0)
    return Bounds(
        least=t.astype(np.int16),
        scan_short=_scan_table(m, n, t, 0 * steps),
        scan_long=_scan_table(m, n, t, steps - 2),
        farthest_short=_farthest(m, n, t, 0 * steps),
        farthest_long=_farthest(m, n, t, steps - 2),
        index_depth=in_index.max(axis=0).astype(np.int16),
        probe_short=np.where(short, in_probe, 0).max(axis=1).astype(np.int16),
        probe_long=np.where(short, 0, in_probe).max(axis=1).astype(np.int16),
        index_single=(t == 1).any(axis=0),
        probe_single=(t == 1).any(axis=1),
    )


def _scan_table(m: Counts, n: Counts, t: Counts, before: Counts) -> NDArray[np.int16]:
    """Return, for m and the 10 bits of length code and place in a posting, m + n - 2t or -1.

    The common elements are the pair, what follows its second element (n - 1 - place at most),
    and in long texts up to `before` = r - 2 that precede it. -1 where that is under t. The last
    code stands for many lengths, the last place for all places from it on.
    """
    rows = np.full((len(m), SATURATED + 1, SATURATED + 1), -1, dtype=np.int64)
    place = np.arange(SATURATED + 1)
    enough = n[:, :, None] + 1 - place + before[:, :, None] >= t[:, :, None]
    apart = np.where(enough, (m + n - 2 * t)[:, :, None], -1)
    rows[:, :SATURATED] = apart[:, :SATURATED]
    rows[:, SATURATED] = apart[:, SATURATED:].max(axis=1)
    return rows.reshape(len(m), -1).astype(np.int16)


def _farthest(m: Counts, n: Counts, t: Counts, before: Counts) -> NDArray[np.int16]:
    """Return, for m and a pair's place in that text, the last code and place worth a look.

    The same bound from the other side: the common elements are the pair, the m - 1 - place that
    follow it and the `before` that precede it, so t(m, n) must not be more. -1 where none fits.
    """
    place = np.arange(SATURATED + 1)
    fits = m[:, :, None] + 1 - place + before[:, :, None] >= t[:, :, None]
    code = np.minimum(n, SATURATED)[:, :, None]
    last = np.where(fits, code, -1).max(axis=1)
    return np.where(last < 0, -1, last * (SATURATED + 1) + SATURATED).astype(np.int16)
