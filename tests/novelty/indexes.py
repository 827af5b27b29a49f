"""The index of pairs and the scan, with texts as token numbers; and long texts made to hide.

Hundreds of thousands of texts, each pair with tokens of its own, can share an index and still be
judged pair by pair.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from oracles import f_measure

from selfinstruct.novelty.f_measure import least_common
from selfinstruct.novelty.pairs.bounds import LONGEST
from selfinstruct.novelty.pairs.index import Batch, PairIndex
from selfinstruct.novelty.scan import Scan

Text = Sequence[int]
Hits = list[tuple[int, float]]

NONE = (-1, 0.0)


def batch_of(texts: Sequence[Text]) -> Batch:
    """Lay texts out as the index takes them."""
    starts = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return Batch(np.array([token for text in texts for token in text], np.int32), starts)


def index_of(texts: Sequence[Text], threshold: float) -> PairIndex:
    """Return an index that has some texts."""
    index = PairIndex(threshold)
    index.insert(batch_of(texts))
    return index


def scan_of(texts: Sequence[Text], threshold: float) -> Scan:
    """Return a scan, which looks at every text, that has some."""
    scan = Scan(threshold)
    for text in texts:
        scan.add(list(text))
    return scan


def nearest(index: PairIndex, queries: Sequence[Text], cores: int | None = None) -> Hits:
    """Return the nearest text of each query and its score."""
    found = index.nearest(batch_of(queries), cores=cores)
    return list(zip(found.texts.tolist(), found.scores.tolist(), strict=True))


def admit(index: PairIndex, texts: Sequence[Text]) -> Hits:
    """Admit texts; return the nearest text of each and its score."""
    found = index.admit(batch_of(texts))
    return list(zip(found.texts.tolist(), found.scores.tolist(), strict=True))


class Hidden(NamedTuple):
    """Two long texts that share tokens, and how many."""

    earlier: list[int]
    later: list[int]
    common: int


def hidden(random: Random, threshold: float, first: int) -> Hidden:
    """Make two texts whose common tokens stand far apart where the index looks.

    An index that has not been rebuilt orders tokens by number. Numbers are given, from `first`
    on, to a common token, then to several of one text or both, and so on, until these are used
    up; so the first two common tokens that are near each other come as late as can be. There
    are as many common ones as exceed the threshold, or one fewer or more.
    """
    most = min(90, LONGEST)
    n, m = random.randint(21, most), random.randint(21, most)
    least = int(least_common(np.array([m]), np.array([n]), threshold)[0])
    common = max(1, min(m, n, least + random.choice((-1, 0, 0, 0, 1))))
    spare = {"earlier": n - common, "later": m - common}
    clump = random.choice((1, 2, 3, 4))
    sides = random.choice((("earlier",), ("later",), ("earlier", "later")))
    kinds: list[str] = []
    for _ in range(common):
        kinds.append("both")
        for side in sides:
            many = min(spare[side], clump)
            kinds += [side] * many
            spare[side] -= many
    for side, many in spare.items():
        at = random.choice((0, len(kinds)))
        kinds[at:at] = [side] * many
    numbered = list(enumerate(kinds, first))
    random.shuffle(numbered)
    texts = [[number for number, kind in numbered if kind in (side, "both")] for side in spare]
    return Hidden(texts[0], texts[1], common)


def find_hidden(random: Random, threshold: float, count: int) -> int:
    """Find some such texts, each pair with tokens of its own; return how many matched.

    Checks every answer. There must be fewer texts than make the index rebuild.
    """
    pairs = [hidden(random, threshold, 200 * place) for place in range(count)]
    found = nearest(
        index_of([pair.earlier for pair in pairs], threshold), [pair.later for pair in pairs]
    )
    matched = 0
    for place, (earlier, later, common) in enumerate(pairs):
        score = f_measure(common, len(earlier), len(later))
        assert found[place] == ((place, score) if score > threshold else NONE)
        matched += score > threshold
    return matched
