"""The two tiers of ROUGE-L novelty: the same decisions, ids and scores, which are the definition's.

Texts are made from a seed (oracles.stream): many are near-duplicates, words repeat, and lengths
lie around those where the fast tier changes its ways.
"""

from collections.abc import Sequence
from random import Random

import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import ALL_EDGES, EDGES, LONG_EDGES, Definition, edited, stream

from selfinstruct.errors import InputError
from selfinstruct.novelty import Match, RougeL
from selfinstruct.novelty.base import Tier
from selfinstruct.novelty.rouge import FAST_FROM
from selfinstruct.text import TOKENISERS, Tokeniser, tokens

Pairs = list[tuple[str, str]]

TIERS: tuple[Tier, ...] = ("plain", "fast")

seeds = st.integers(0, 2**32 - 1)
edges = st.sampled_from((EDGES, LONG_EDGES, ALL_EDGES))
batches = st.sampled_from((1, 2, 7, 1000))
thresholds = st.one_of(
    st.sampled_from((0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 6 / 7, 1.0)), st.floats(0.5, 1)
)
"""Those of the fast tier; often one that short texts reach exactly."""

few = settings(max_examples=20)
"""An example is dozens of texts, and the tables of an index take a tenth of a second."""


def judges(threshold: float, tokenise: Tokeniser = tokens) -> list[RougeL]:
    """Return an empty judge of each tier."""
    return [RougeL(threshold, tokenise=tokenise, tier=tier) for tier in TIERS]


def knowing(texts: Pairs, threshold: float) -> tuple[Definition, list[RougeL]]:
    """Return the definition and a judge of each tier that have seen some texts."""
    oracle, both = Definition(threshold), judges(threshold)
    oracle.add_all(texts)
    for judge in both:
        judge.add_all(texts)
    return oracle, both


def in_batches(judge: RougeL, texts: Pairs, batch: int) -> list[Match | None]:
    """Admit texts, some at a time."""
    starts = range(0, len(texts), batch)
    return [match for start in starts for match in judge.admit(texts[start : start + batch])]


def queries_for(texts: Pairs, seed: int) -> list[str]:
    """Return changed copies of texts, some with words that no text has, and strange ones."""
    random = Random(seed)
    several = [edited(random, text.split(), ["w0", "w1", "new", "newer"]) for _, text in texts]
    return [" ".join(words) for words in several] + ["", "new", "new newer", "w0", "w0 new"]


@few
@given(seeds, thresholds, edges, batches)
def test_admitting_is_what_the_definition_says(
    seed: int, threshold: float, lengths: Sequence[int], batch: int
) -> None:
    """In batches of any size, texts of any length: the same matches, and the same are kept."""
    texts = stream(seed, 50, lengths)
    oracle = Definition(threshold)
    expected = oracle.admit(texts)
    for judge in judges(threshold):
        assert in_batches(judge, texts, batch) == expected
        assert len(judge) == len(oracle.ids)


@few
@given(seeds, thresholds, edges, st.sampled_from((None, 1, 2)))
def test_asking_is_what_the_definition_says(
    seed: int, threshold: float, lengths: Sequence[int], cores: int | None
) -> None:
    """Alone, in a batch or on two cores: the nearest text is the definition's."""
    texts = stream(seed, 40, lengths)
    oracle, both = knowing(texts, threshold)
    queries = queries_for(texts, seed)
    expected = [oracle.nearest(query) for query in queries]
    for judge in both:
        assert judge.nearest_all(queries, cores=cores) == expected
        assert [judge.nearest(query) for query in queries[-8:]] == expected[-8:]
        assert len(judge) == len(texts)


@few
@given(seeds, thresholds, edges, st.integers(0, 50))
def test_scores_and_ranks_are_those_of_the_definition(
    seed: int, threshold: float, lengths: Sequence[int], count: int
) -> None:
    """Every score is the definition's, and the ranking is by score, then by age."""
    texts = stream(seed, 30, lengths)
    oracle, both = knowing(texts, threshold)
    for query in queries_for(texts, seed)[-8:]:
        scores = oracle.scores(query)
        order = sorted(range(len(texts)), key=lambda place: (-scores[place], place))
        ranked = [Match(texts[place][0], scores[place]) for place in order[:count]]
        for judge in both:
            assert judge.scores(query).tolist() == scores
            assert judge.ranked(query, count) == ranked


@settings(max_examples=60)
@given(
    st.lists(strategies.texts | strategies.sentences, max_size=25),
    thresholds,
    st.sampled_from(sorted(TOKENISERS)),
    batches,
)
def test_every_script_is_judged_alike(
    texts: list[str], threshold: float, tokeniser: str, batch: int
) -> None:
    """Whatever the script and the tokeniser, blank texts included, both tiers say the same."""
    tokenise = TOKENISERS[tokeniser]
    numbered = [(str(place), text) for place, text in enumerate(texts)]
    expected = Definition(threshold, tokenise).admit(numbered)
    for judge in judges(threshold, tokenise):
        assert in_batches(judge, numbered, batch) == expected


@few
@given(seeds, thresholds, edges)
def test_adding_and_admitting_mix(seed: int, threshold: float, lengths: Sequence[int]) -> None:
    """Texts may be added, admitted and asked about in any order; ids stay with their texts."""
    random, texts = Random(seed), stream(seed, 50, lengths)
    oracle, both = Definition(threshold), judges(threshold)
    while texts:
        part = [texts.pop() for _ in range(min(len(texts), random.choice((1, 2, 9))))]
        kind = random.randrange(4)
        if kind == 0:
            oracle.add_all(part)
            for judge in both:
                judge.add_all(part)
        elif kind == 1:
            oracle.add_all(part[:1])
            for judge in both:
                judge.add(*part[0])
        expected = [oracle.nearest(text) for _, text in part]
        assert [judge.nearest_all([text for _, text in part]) for judge in both] == [expected] * 2
        expected = oracle.admit(part)
        assert [judge.admit(part) for judge in both] == [expected] * 2
    assert [len(judge) for judge in both] == [len(oracle.ids)] * 2


@few
@given(seeds, thresholds, edges)
def test_either_text_may_be_the_earlier(
    seed: int, threshold: float, lengths: Sequence[int]
) -> None:
    """Whether two texts match, and their score, does not depend on which was there first."""
    (_, left), (_, right) = stream(seed, 2, lengths)
    answers = [
        judge.nearest(later)
        for earlier, later in ((left, right), (right, left))
        for judge in knowing([("", earlier)], threshold)[1]
    ]
    assert answers == answers[:1] * 4


@few
@given(seeds, thresholds, thresholds, edges)
def test_a_higher_threshold_matches_less(
    seed: int, one: float, other: float, lengths: Sequence[int]
) -> None:
    """What matches at a threshold matches at every lower one, with the same id and score."""
    texts = stream(seed, 40, lengths)
    queries = queries_for(texts, seed)
    low, high = sorted((one, other))
    (_, (_, loose)), (_, (_, strict)) = knowing(texts, low), knowing(texts, high)
    for lower, higher in zip(loose.nearest_all(queries), strict.nearest_all(queries), strict=True):
        assert higher == (lower if lower and lower.score > high else None)


@few
@given(seeds, thresholds, edges)
def test_asking_leaves_no_trace(seed: int, threshold: float, lengths: Sequence[int]) -> None:
    """Questions, also about words never seen, change no later decision."""
    texts = stream(seed, 30, lengths)
    for asked, silent in zip(judges(threshold), judges(threshold), strict=True):
        for part in (texts[:15], texts[15:]):
            asked.nearest_all(queries_for(texts, seed))
            asked.scores("w0 new newest")
            assert asked.admit(part) == silent.admit(part)
        assert len(asked) == len(silent)


@pytest.mark.parametrize("tier", TIERS)
def test_no_texts_are_no_answers(tier: Tier) -> None:
    """An empty batch has no answers, and an empty memory no nearest text."""
    judge = RougeL(0.7, tier=tier)
    assert (judge.admit([]), judge.nearest_all([]), judge.ranked("a", 3)) == ([], [], [])
    assert judge.nearest_all(["a b", ""], cores=2) == [None, None]
    judge.add_all([])
    assert judge.scores("a b").tolist() == []
    assert len(judge) == 0


def zipf_stream(seed: int, count: int) -> Pairs:
    """Return texts of 3 to 25 words with frequencies as words have; a sixth are changed copies."""
    random = Random(seed)
    words = [f"w{number}" for number in range(8000)]
    weights = [1 / (number + 3) for number in range(len(words))]
    draws = iter(random.choices(words, weights, k=25 * count))
    texts: list[list[str]] = []
    for _ in range(count):
        if texts and random.random() < 1 / 6:
            texts.append(edited(random, random.choice(texts), words))
        else:
            texts.append([next(draws) for _ in range(random.randint(3, 25))])
    return [(f"id{place}", " ".join(text)) for place, text in enumerate(texts)]


def test_a_large_pool_is_judged_alike_before_and_after_the_switch() -> None:
    """From FAST_FROM texts on the fast tier takes over, and no decision tells when."""
    texts = zipf_stream(7, 30_000)
    auto, fast, plain = RougeL(0.7), RougeL(0.7, tier="fast"), RougeL(0.7, tier="plain")
    matches = in_batches(auto, texts, 700)
    assert in_batches(fast, texts, 5000) == matches
    assert len(auto) == len(fast) == matches.count(None) > FAST_FROM
    judged = zip(texts[:-1000], matches, strict=False)
    plain.add_all(pair for pair, match in judged if match is None)
    assert len(plain) > FAST_FROM
    assert plain.admit(texts[-1000:]) == matches[-1000:]
    assert plain.scores(texts[5][1]).tolist() == auto.scores(texts[5][1]).tolist()


def test_texts_too_long_for_the_index_survive_the_switch() -> None:
    """Texts of more than 255 words from before and after the switch are found alike."""
    words = [f"w{number}" for number in range(300)]
    both = [RougeL(0.7), RougeL(0.7, tier="plain")]
    for judge in both:
        judge.add_all([("long", " ".join(words)), ("short", " ".join(words[:200]))])
        judge.add_all((str(place), f"n{place}") for place in range(FAST_FROM))
        judge.add_all([("later", " ".join(words[:280])), ("last", "n5 n6")])
    queries = [" ".join(words[:length]) for length in (100, 150, 190, 230, 255, 256, 270, 290)]
    expected = both[1].nearest_all([*queries, "n5", "n6 n5"])
    assert both[0].nearest_all([*queries, "n5", "n6 n5"]) == expected
    assert {match.id for match in expected if match} == {"long", "short", "later", "5"}


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.499])
def test_low_thresholds_have_no_fast_tier(threshold: float) -> None:
    """Under 0.5 asking for the fast tier is an error that says what would do."""
    with pytest.raises(InputError, match="no fast tier") as error:
        RougeL(threshold, tier="fast")
    assert "0.5" in error.value.hint


def test_low_thresholds_stay_plain_in_large_pools() -> None:
    """Under 0.5 a large pool is judged by the plain tier, and says nothing of it."""
    judge = RougeL(0.4)
    judge.add_all((str(place), f"{place} a") for place in range(FAST_FROM + 1))
    assert judge.nearest("7 b") == Match("7", 0.5)
