"""The index of pairs: each way to lose a match that we know of, shut by a test of its own.

Texts are lists of token numbers here, so that hundreds of thousands of them, each pair with
tokens of its own, can share an index and still be judged pair by pair.
"""

from collections.abc import Sequence
from itertools import product
from random import Random

import pytest
import strategies  # noqa: F401 (properties have no deadline)
from hypothesis import given, settings
from hypothesis import strategies as st
from indexes import NONE, Text, admit, index_of, nearest, scan_of
from oracles import common_length, edited, f_measure
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.novelty import Match, RougeL
from selfinstruct.novelty.base import Tier
from selfinstruct.novelty.pairs.index import FIRST_REBUILD, PairIndex
from selfinstruct.novelty.pairs.search import STRIP
from selfinstruct.novelty.scan import Scan
from selfinstruct.text import rouge_tokens


def score(left: Text, right: Text) -> float:
    """Return a score from its definition."""
    return f_measure(common_length(left, right), len(left), len(right))


def every_text(letters: int, longest: int) -> list[Text]:
    """Return all texts of up to some tokens over so many."""
    return [
        text for length in range(longest + 1) for text in product(range(letters), repeat=length)
    ]


def shifted(texts: Sequence[Text], letters: int) -> list[list[int]]:
    """Give each text tokens of its own."""
    return [[letters * place + token for token in text] for place, text in enumerate(texts)]


def fillers(vocabulary: int) -> list[Text]:
    """Return long texts that make some tokens more common than others, and match no small one."""
    often = [token * 11 % 19 for token in range(vocabulary)]
    several: list[Text] = []
    for times in range(1, max(often) + 1):
        tokens = [token for token in range(vocabulary) if often[token] >= times]
        several += [tokens[start : start + 90] for start in range(0, len(tokens), 90)]
    return several


SMALL = [
    (left, right)
    for texts in (every_text(2, 6), every_text(3, 4))
    for left, right in product(texts, texts)
]
COMMON = [common_length(left, right) for left, right in SMALL]
"""All pairs of small texts, so with tokens repeated, crossed and matched in every way."""


@pytest.mark.parametrize("threshold", [0.5, 0.6, 2 / 3, 0.7, 6 / 7, 0.95])
def test_every_pair_of_small_texts_is_judged_rightly(threshold: float) -> None:
    """Of all pairs over two or three tokens exactly those above the threshold are found."""
    scores = [
        f_measure(common, len(left), len(right))
        for common, (left, right) in zip(COMMON, SMALL, strict=True)
    ]
    index = index_of(shifted([left for left, _ in SMALL], 3), threshold)
    expected = [(place, found) if found > threshold else NONE for place, found in enumerate(scores)]
    queries = shifted([right for _, right in SMALL], 3)
    assert nearest(index, queries) == expected
    assert nearest(index, queries, cores=2) == expected


@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_how_common_tokens_are_changes_no_answer(threshold: float) -> None:
    """With every order of rare and common tokens the same small texts are found."""
    lefts, rights = (shifted(side, 3) for side in zip(*SMALL, strict=True))
    common = fillers(3 * len(SMALL))
    index = index_of([*common, *lefts], threshold)
    before = nearest(index, rights)
    index.rebuild()
    assert nearest(index, rights) == before
    scores = zip(COMMON, SMALL, strict=True)
    for place, (count, pair) in enumerate(scores, len(common)):
        found = f_measure(count, *map(len, pair))
        assert before[place - len(common)] == ((place, found) if found > threshold else NONE)


def seven_tenths() -> list[tuple[str, str]]:
    """Return two texts for each of the 475 pairs of lengths under 200 that can score 7/10."""
    pairs = []
    for n in range(1, 200):
        for m in range(1, n + 1):
            common = 7 * (m + n) // 20
            if (m + n) % 20 == 0 and common <= m:
                shared = [f"s{m}x{n}x{place}" for place in range(common)]
                left = shared + [f"l{m}x{n}x{place}" for place in range(m - common)]
                right = shared + [f"r{m}x{n}x{place}" for place in range(n - common)]
                pairs.append((" ".join(left), " ".join(right)))
    return pairs


@pytest.mark.parametrize("tier", ["plain", "fast"])
def test_rouge_score_decides_what_is_exactly_on_the_threshold(tier: Tier) -> None:
    """Of texts that score exactly 7/10 those match whose double is above 0.7: 216 of 475."""
    pairs = seven_tenths()
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    judge = RougeL(0.7, tokenise=rouge_tokens, tier=tier)
    judge.add_all((str(place), left) for place, (left, _) in enumerate(pairs))
    matches = judge.nearest_all([right for _, right in pairs])
    assert (len(pairs), len(pairs) - matches.count(None)) == (475, 216)
    for place in range(0, len(pairs), 2):
        published = scorer.score(*pairs[place])["rougeL"].fmeasure
        assert matches[place] == (Match(str(place), published) if published > 0.7 else None)


@pytest.mark.parametrize("threshold", [0.5, 0.6])
def test_one_common_token_can_be_enough(threshold: float) -> None:
    """Under 2/3 a text of one token and one of two match, though they share no pair."""
    index = index_of([[1], [2, 3], [4, 4]], threshold)
    assert nearest(index, [[1, 9], [9, 1], [1, 1]]) == [(0, 2 / 3)] * 3
    assert nearest(index, [[2], [3], [4]]) == [(1, 2 / 3), (1, 2 / 3), (2, 2 / 3)]
    assert nearest(index_of([[1], [2, 3]], 2 / 3), [[1, 9], [2], [3]]) == [NONE] * 3


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1, 2, 1, 3], [2, 1, 3, 1]),
        ([1, 1, 1, 2], [2, 1, 1, 1]),
        ([1, 2, 1, 2, 1], [2, 1, 2, 1, 2]),
        ([1, 2, 3] * 9, [3, 1, 2] * 9),
        ([1, 2] * 15, [2, 1] * 15),
        ([7] * 30 + [8], [8] + [7] * 30),
    ],
)
def test_copies_may_match_crosswise(left: Text, right: Text) -> None:
    """The first copy here may be matched with the second there, and no pair is lost by it."""
    expected = score(left, right)
    assert expected > 0.7
    assert nearest(index_of([left], 0.7), [right]) == [(0, expected)]
    assert nearest(index_of([right], 0.7), [left]) == [(0, expected)]


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from((0.5, 0.6, 2 / 3, 0.7, 0.8)))
def test_texts_with_few_different_tokens_are_judged_rightly(seed: int, threshold: float) -> None:
    """Up to 70 tokens from one to four kinds, each pair by itself: found exactly when similar."""
    random = Random(seed)
    pairs = []
    for _ in range(150):
        letters = range(random.choice((1, 2, 3, 4)))
        left = [random.choice(letters) for _ in range(random.choice((5, 18, 21, 26, 33, 70)))]
        pairs.append((left, edited(random, edited(random, left, letters), letters)))
    index = index_of(shifted([left for left, _ in pairs], 4), threshold)
    found = nearest(index, shifted([right for _, right in pairs], 4))
    for place, (left, right) in enumerate(pairs):
        expected = score(left, right)
        assert found[place] == ((place, expected) if expected > threshold else NONE)


@pytest.mark.parametrize(("seed", "threshold"), [(3, 0.7), (10, 0.5)])
def test_growing_loses_nothing(seed: int, threshold: float) -> None:
    """Past many rebuilds and larger blocks the same texts are kept as by looking at all."""
    random = Random(seed)
    words = range(3000)
    texts: list[list[int]] = []
    for _ in range(9000):
        if texts and random.random() < 0.3:
            texts.append(edited(random, random.choice(texts), words))
        else:
            length = random.choice((1, 2, 3, 6, 9, 12, 15, 20, 21, 24, 31, 40))
            texts.append([int(3000 * random.random() ** 2) for _ in range(length)])
    index, scan = PairIndex(threshold), Scan(threshold)
    for start in range(0, len(texts), 777):
        part = texts[start : start + 777]
        for text, found in zip(part, admit(index, part), strict=True):
            expected = scan.nearest(text)
            assert found == (expected or NONE)
            if expected is None:
                scan.add(text)
    assert len(index) == len(scan) > 8 * FIRST_REBUILD
    assert len(index._index.lists.blocks) > 1 << 15
    assert nearest(index, texts[::7]) == [scan.nearest(text) or NONE for text in texts[::7]]


@pytest.mark.parametrize("rebuilt", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, STRIP - 1, STRIP, STRIP + 1, 2 * STRIP + 1, 700, 5000])
def test_lists_of_any_length_are_read_to_their_end(count: int, *, rebuilt: bool) -> None:
    """Of hundreds of texts that share a pair the nearest is found first, last or in the middle."""
    for place in {0, count // 2, count - 1}:
        texts = [[1, 2, 9 + other] for other in range(count)]
        texts[place] = [1, 2, 3, 4]
        index, scan = index_of(texts, 0.6), scan_of(texts, 0.6)
        if rebuilt:
            index.rebuild()
        queries = [[1, 2, 3], [1, 2, 3, 4], [1, 2, 8], [2, 1, 3]]
        assert nearest(index, queries[:2]) == [(place, 6 / 7), (place, 1.0)]
        assert nearest(index, queries) == [scan.nearest(query) or NONE for query in queries]


def test_a_token_may_be_new_in_the_batch_that_repeats_it() -> None:
    """Within one batch a text is judged against those just before it, new tokens and all."""
    texts = [[1, 2, 3], [4, 5, 6], [4, 5, 6], [7], [7], [6, 5, 4], [3, 2, 1], [1, 2, 3]]
    expected = [NONE, NONE, (1, 1.0), NONE, (2, 1.0), NONE, NONE, (0, 1.0)]
    index = PairIndex(0.7)
    assert admit(index, texts) == expected
    assert len(index) == 5
    assert nearest(index, texts[-3:]) == [(3, 1.0), (4, 1.0), (0, 1.0)]


def test_an_unknown_token_is_equal_to_nothing() -> None:
    """Tokens that no text has take part in a question's length, and match nothing."""
    index = index_of([[1, 2, 3, 4], [5], list(range(10, 40))], 0.5)
    assert nearest(index, [[-1], [-1, -1], [-1] * 30]) == [NONE] * 3
    assert nearest(index, [[1, -1, 2, -1, 3, 4]]) == [(0, 0.8)]
    assert nearest(index, [[-1, 5], [-1, 5, -1]]) == [(1, 2 / 3), NONE]
    assert nearest(index, [[-1, *range(10, 40), -1]]) == [(2, score(range(32), range(30)))]


@pytest.mark.parametrize("tier", ["plain", "fast"])
def test_huge_texts_are_judged_like_others(tier: Tier) -> None:
    """Texts of a hundred thousand words are compared with one another, and with nothing else."""
    random = Random(1)
    words = [f"w{random.randrange(5000)}" for _ in range(100_000)]
    judge = RougeL(0.7, tier=tier)
    texts = [" ".join(words), "w1 w2 w3", " ".join(words[:60_000]), "same " * 100_000, "w3 w2 w1"]
    numbered = [(str(place), text) for place, text in enumerate(texts)]
    shorter = Match("0", f_measure(60_000, 60_000, 100_000))
    assert judge.admit(numbered) == [None, None, shorter, None, None]
    assert judge.nearest("w1 w2 w3 w4") == Match("1", 6 / 7)
    assert judge.nearest("same " * 80_000) == Match("3", f_measure(80_000, 80_000, 100_000))
