"""The length of a longest common subsequence, 64 positions of the query at a time.

Decides: how common tokens are counted, by the bit-parallel recurrence of Crochemore et al. 2001
and Hyyrö 2004: with one bit for each position of the query, all ones at first, each token of the
other text sets V = (V + (V & M)) | (V & ~M), where M has the positions of that token; the zeros
left are the length. Does not know: scores or thresholds.
"""

import numpy as np

from selfinstruct.novelty.compiled import inlined, kernel
from selfinstruct.novelty.pairs.machine import ones
from selfinstruct.novelty.pairs.order import WORD, find


@kernel
def lcs(other, analysis, row):
    """Return the LCS of the analysed text and another; `row` is room for its words."""
    if analysis.shape[2] <= 1:
        return _lcs_short(other, analysis)
    return _lcs_long(other, analysis, row)


@kernel
def _lcs_short(other, analysis):
    """Count for a query of up to 64 tokens."""
    v = ~np.uint64(0)
    for j in range(len(other)):
        number = find(other[j], analysis)
        if number >= 0:
            u = v & analysis.positions[number]
            v = (v + u) | (v - u)
    return np.int64(ones(~v & _low(analysis.shape[0])))


@kernel
def _lcs_long(other, analysis, row):
    """Count for a longer query: the same, the addition carrying from word to word."""
    words = analysis.shape[2]
    row[:words] = ~np.uint64(0)
    for j in range(len(other)):
        number = find(other[j], analysis)
        if number < 0:
            continue
        carry = np.uint64(0)
        for word in range(words):
            v = row[word]
            u = v & analysis.positions[number * words + word]
            total = v + u
            over = np.uint64(total < v)
            total += carry
            over |= np.uint64(total < carry)
            row[word] = total | (v - u)
            carry = over
    length = np.int64(0)
    for word in range(words):
        length += np.int64(ones(~row[word] & _low(analysis.shape[0] - WORD * word)))
    return length


@inlined
def _low(bits):
    """Return a word with the lowest `bits` bits set; all of them from 64 on."""
    if bits >= WORD:
        return ~np.uint64(0)
    return (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
