"""Batches: analyse, look up and insert many texts in one call.

Decides: the order of things within a batch, which is that of the texts. Does not know: how
arrays grow; a call stops before a text for whose postings there is no room, and says which.
"""

import numpy as np

from selfinstruct.novelty.compiled import kernel
from selfinstruct.novelty.pairs.bounds import LONGEST
from selfinstruct.novelty.pairs.keys import own_keys, probe_keys
from selfinstruct.novelty.pairs.lcs import lcs
from selfinstruct.novelty.pairs.machine import fetch
from selfinstruct.novelty.pairs.order import arrange, count_tokens
from selfinstruct.novelty.pairs.postings import append, block_of, posting, room_left, used_of
from selfinstruct.novelty.pairs.search import search


@kernel
def look_up(batch, index, room, span, answers):
    """Find the nearest indexed text for a span of a batch; insert nothing."""
    for i in range(span[0], span[1]):
        _nearest(batch, i, index, room, answers)


@kernel
def admit(batch, index, room, span, answers):
    """Look up each text in order and insert it if nothing is near; return where it stopped."""
    for i in range(span[0], span[1]):
        _nearest(batch, i, index, room, answers)
        if answers.texts[i] < 0 and not _insert(batch, i, index, room):
            return i
    return span[1]


@kernel
def insert(batch, index, room, span, answers):
    """Insert texts without looking them up; return where it stopped."""
    for i in range(span[0], span[1]):
        text = batch.tokens[batch.starts[i] : batch.starts[i + 1]]
        if 0 < len(text) <= LONGEST:
            arrange(text, index.texts.weight, room.analysis)
        if not _insert(batch, i, index, room):
            return i
    return span[1]


@kernel
def post_again(index, room, first):
    """Post the texts from `first` on into lists that were emptied; return where it stopped."""
    texts = index.texts
    for text in range(first, texts.size[0]):
        fact = texts.facts[2 * text + 1]
        start, n = np.int64(fact >> np.uint64(24)), np.int64(fact & np.uint64(0xFFFFFF))
        if n == 0 or n > LONGEST:
            continue
        arrange(texts.tokens[start : start + n], texts.weight, room.analysis)
        room.analysis.known[:n] = True
        if not _post(text, index, room):
            return text
    return texts.size[0]


@kernel
def score_all(query, texts, room, scores):
    """Score one text with every indexed one, by the operations of rouge-score."""
    m = len(query)
    count_tokens(query, room.analysis)
    for text in range(texts.size[0]):
        fact = texts.facts[2 * text + 1]
        start, n = np.int64(fact >> np.uint64(24)), np.int64(fact & np.uint64(0xFFFFFF))
        common = lcs(texts.tokens[start : start + n], room.analysis, room.candidates.row)
        if common > 0:
            precision, recall = common / m, common / n
            scores[text] = 2 * precision * recall / (precision + recall)


@kernel
def _nearest(batch, i, index, room, answers):
    """Look one text up."""
    texts, bounds, keys = index.texts, index.bounds, room.keys
    query = batch.tokens[batch.starts[i] : batch.starts[i + 1]]
    m = len(query)
    answers.texts[i] = -1
    answers.scores[i] = 0.0
    if m == 0 or m >= len(bounds.probe_short):
        return
    arrange(query, texts.weight, room.analysis)
    for j in range(m):
        room.analysis.known[j] = query[j] >= 0 and texts.possible[query[j]]
    probe_keys(room.analysis, bounds, keys, index.shift[0])
    for k in range(keys.shares[0]):
        fetch(index.lists.heads, keys.slots[k])
    for k in range(keys.shares[0]):
        slot = index.lists.heads[keys.slots[k]]
        if not slot & np.uint64(1):
            start = block_of(slot)
            for line in range(start, start + min(used_of(slot), 128), 8):
                fetch(index.lists.blocks, line)
    search(room.analysis, keys, index, room.candidates)
    answers.texts[i] = room.candidates.best[0]
    answers.scores[i] = room.candidates.score[0]


@kernel
def _insert(batch, i, index, room):
    """Insert one text that is analysed; False, with no change, if its postings find no room."""
    texts, analysis = index.texts, room.analysis
    tokens = batch.tokens[batch.starts[i] : batch.starts[i + 1]]
    text, start, n = texts.size[0], texts.size[1], len(tokens)
    texts.facts[2 * text] = 0
    texts.facts[2 * text + 1] = (np.uint64(start) << np.uint64(24)) | np.uint64(min(n, 0xFFFFFF))
    if 0 < n <= LONGEST:
        analysis.known[:n] = True
        if not _post(text, index, room):
            return False
    for j in range(n):
        token = tokens[j]
        texts.tokens[start + j] = token
        texts.frequency[token] += 1
        texts.possible[token] = True
    texts.size[0] += 1
    texts.size[1] += n
    return True


@kernel
def _post(text, index, room):
    """Append the analysed text to its lists, if there is room for all of its postings."""
    analysis, keys, lists = room.analysis, room.keys, index.lists
    n = analysis.shape[0]
    own_keys(analysis, index.bounds, keys, index.shift[0])
    for k in range(keys.shares[0]):
        fetch(lists.heads, keys.slots[k])
    if not room_left(lists, keys.slots, keys.shares[0]):
        return False
    index.texts.facts[2 * text] = analysis.bitmaps[0]
    for k in range(keys.shares[0]):
        append(lists, keys.slots[k], posting(text, n, keys.places[k], analysis.bitmaps[1]))
    return True
