"""One query: from the lists that a text must look into to the most similar text there is.

Decides: which postings can be left out, and which text is nearest. Does not know: how lists are
stored or how texts arrive.

What a posting says bounds the common tokens of the two texts, twice: by where the pair stands in
either, and by the small bitmaps. What may still exceed the threshold is bounded again by the
large bitmaps, and then compared exactly. The pair that the proof in bounds.py speaks of passes
all of that, so no text above the threshold is lost; what becomes of other pairs of the same text
is of no account.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.novelty.compiled import inlined, kernel
from selfinstruct.novelty.pairs.bounds import SATURATED
from selfinstruct.novelty.pairs.lcs import lcs
from selfinstruct.novelty.pairs.machine import fetch, ones
from selfinstruct.novelty.pairs.postings import block_of, used_of

STRIP = 64
"""Postings or texts looked at in a row without a branch."""


class Texts(NamedTuple):
    """The indexed texts: their tokens, and for each its 64-bit bitmap and where it lies.

    `facts[2 * text]` is the bitmap; `facts[2 * text + 1]` is where the text begins in `tokens`,
    shifted by 24 bits, plus its length.
    """

    tokens: NDArray[np.int32]
    facts: NDArray[np.uint64]
    weight: NDArray[np.int32]  # by token: how often it stood in texts at the last rebuild
    frequency: NDArray[np.int32]  # by token: how often it stands in texts
    possible: NDArray[np.bool_]  # by token: whether it stands in any text
    size: NDArray[np.int64]  # texts, tokens


class Candidates(NamedTuple):
    """Room for the texts still in question, for an LCS row, and for the best so far."""

    texts: NDArray[np.int64]
    row: NDArray[np.uint64]
    best: NDArray[np.int64]  # the text
    score: NDArray[np.float64]


def room_for_candidates(longest: int) -> Candidates:
    """Return room for queries of up to `longest` tokens."""
    return Candidates(
        texts=np.empty(4 * STRIP, np.int64),  # under 2 are full when a strip begins
        row=np.empty(longest // 64 + 2, np.uint64),
        best=np.empty(1, np.int64),
        score=np.zeros(1),
    )


@inlined
def _scan(value, bitmap, farthest, table):
    """Say whether a posting's text may exceed the threshold; 0 no, 1 yes.

    Each bit that only one of the two bitmaps has is an element that is not common, and no more
    than m + n - 2t of the m + n may be: that is in the table. `farthest` is the last length code,
    with its places, for which a pair at this place of the query can matter.
    """
    code_and_place = (value >> np.uint64(27)) & np.uint64(0x3FF)
    apart = np.int64(ones((value ^ bitmap) & np.uint64(0x7FFFFFF)))
    spare = (np.int64(table[code_and_place]) - apart) | (farthest - np.int64(code_and_place))
    return np.uint64(1 + (spare >> 63))


@kernel
def search(analysis, keys, index, candidates):  # noqa: C901 (one loop; calls cost it a third)
    """Find the most similar text above the threshold, the earliest of equals.

    `candidates.best[0]` is that text, or -1; `candidates.score[0]` is its score.
    """
    lists, bounds = index.lists, index.bounds
    m = analysis.shape[0]
    bitmap = (analysis.bitmaps[1] << np.uint64(1)) | np.uint64(1)
    candidates.best[0] = -1
    candidates.score[0] = 0.0
    found = np.uint64(0)
    table, farthest = bounds.scan_short[m], bounds.farthest_short[m]
    for k in range(keys.shares[0]):
        if k == keys.shares[1]:
            table, farthest = bounds.scan_long[m], bounds.farthest_long[m]
        far = np.int64(farthest[min(keys.places[k], SATURATED)])
        slot = lists.heads[keys.slots[k]]
        if slot == np.uint64(0):
            continue
        if slot & np.uint64(1):
            candidates.texts[found] = np.int64(slot >> np.uint64(37))
            found += _scan(slot, bitmap, far, table)
        else:
            start = block_of(slot)
            end = start + used_of(slot)
            for strip in range(start, end, STRIP):
                for p in range(np.uint64(strip), np.uint64(min(strip + STRIP, end))):
                    value = lists.blocks[p]
                    candidates.texts[found] = np.int64(value >> np.uint64(37))
                    found += _scan(value, bitmap, far, table)
                if found >= 2 * STRIP:
                    _verify(analysis, index, candidates, found)
                    found = np.uint64(0)
        if found >= 2 * STRIP:
            _verify(analysis, index, candidates, found)
            found = np.uint64(0)
    if found:
        _verify(analysis, index, candidates, found)


@kernel
def _verify(analysis, index, candidates, found):
    """Compare the query with the texts in question: larger bitmaps first, then exactly."""
    texts, bounds = index.texts, index.bounds
    m, bitmap = analysis.shape[0], analysis.bitmaps[0]
    left = 0
    for c in range(found):
        fetch(texts.facts, 2 * candidates.texts[c])
    for c in range(found):
        text = candidates.texts[c]
        other = texts.facts[2 * text]
        n = np.int64(texts.facts[2 * text + 1] & np.uint64(0xFFFFFF))
        t = np.int64(bounds.least[m, n])
        spare = m - np.int64(ones(bitmap & ~other)) - t
        spare |= n - np.int64(ones(other & ~bitmap)) - t
        candidates.texts[left] = text
        left += 1 + (spare >> 63)
    for c in range(left):
        fetch(texts.tokens, np.int64(texts.facts[2 * candidates.texts[c] + 1] >> np.uint64(24)))
    for c in range(left):
        _compare(candidates.texts[c], analysis, texts, bounds, candidates)


@kernel
def _compare(text, analysis, texts, bounds, candidates):
    """Score one text exactly, by the operations of rouge-score; keep it if it is the best."""
    if text == candidates.best[0]:
        return
    m = analysis.shape[0]
    start = np.int64(texts.facts[2 * text + 1] >> np.uint64(24))
    n = np.int64(texts.facts[2 * text + 1] & np.uint64(0xFFFFFF))
    common = lcs(texts.tokens[start : start + n], analysis, candidates.row)
    if common < bounds.least[m, n]:
        return
    precision, recall = common / m, common / n
    score = 2 * precision * recall / (precision + recall)
    best = candidates.score[0]
    if score > best or (score == best and text < candidates.best[0]):
        candidates.best[0] = text
        candidates.score[0] = score
