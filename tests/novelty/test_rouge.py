"""ROUGE-L novelty: the numbers of rouge-score, and the earliest of the most similar."""

import pytest
import strategies
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import ALL_EDGES, Definition, common_length, f_measure, stream
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.novelty import Match, RougeL
from selfinstruct.text import TOKENISERS, Tokeniser, rouge_tokens, tokens

SCORER = RougeScorer(["rougeL"], use_stemmer=False)

thresholds = st.one_of(
    st.floats(0, 1), st.sampled_from((0.0, 1 / 3, 0.4, 0.5, 2 / 3, 0.7, 0.8, 6 / 7, 1.0))
)
"""Any threshold, and often one that short texts reach exactly."""

several = st.lists(st.one_of(strategies.sentences, strategies.texts), max_size=12)


def remembering(texts: list[str], threshold: float, tokenise: Tokeniser = tokens) -> RougeL:
    """Return a judge that has seen some texts; their ids are their places."""
    judge = RougeL(threshold, tokenise=tokenise)
    judge.add_all((str(place), text) for place, text in enumerate(texts))
    return judge


@given(strategies.sentences, strategies.texts)
@example("a b a c a b", "b a c a a b")
def test_the_oracle_is_the_definition(left: str, right: str) -> None:
    """What the novelty tests compare with is the textbook's table, computed cell by cell."""
    oracle = Definition(0.7)
    oracle.add_all([("", "elsewhere"), ("0", right)])
    one, other = tokens(left), tokens(right)
    score = f_measure(common_length(one, other), len(one), len(other))
    assert oracle.scores(left)[1] == score


@settings(max_examples=300)
@given(st.lists(strategies.texts, min_size=1, max_size=6), strategies.texts)
@example(["Is a sea a sea?"], "a sea is a sea")
@example(["\u212aelvin \u0130stanbul"], "kelvin i stanbul")
def test_scores_are_those_of_rouge_score(texts: list[str], text: str) -> None:
    """With its tokeniser, every score is rouge-score's F-measure to the last bit."""
    expected = [SCORER.score(text, earlier)["rougeL"].fmeasure for earlier in texts]
    assert remembering(texts, 0.7, rouge_tokens).scores(text).tolist() == expected


@settings(max_examples=300)
@given(
    several,
    st.one_of(strategies.sentences, strategies.texts),
    thresholds,
    st.sampled_from(sorted(TOKENISERS)),
)
def test_nearest_is_what_brute_force_finds(
    texts: list[str], text: str, threshold: float, tokeniser: str
) -> None:
    """Leaving out texts of impossible length changes no decision, no id and no score."""
    oracle = Definition(threshold, TOKENISERS[tokeniser])
    oracle.add_all([(str(place), earlier) for place, earlier in enumerate(texts)])
    judge = remembering(texts, threshold, TOKENISERS[tokeniser])
    assert judge.nearest(text) == oracle.nearest(text)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), thresholds)
def test_admitting_is_asking_then_adding(seed: int, threshold: float) -> None:
    """At any threshold a text of any length is remembered if nothing before it is too similar."""
    texts = stream(seed, 25, ALL_EDGES)
    judge, one_by_one = RougeL(threshold), RougeL(threshold)
    matches = judge.admit(texts)
    assert matches == Definition(threshold).admit(texts)
    for (name, text), match in zip(texts, matches, strict=True):
        assert one_by_one.nearest(text) == match
        if match is None:
            one_by_one.add(name, text)
    assert len(judge) == len(one_by_one) == matches.count(None)


@given(strategies.texts, strategies.texts)
def test_a_score_is_symmetric_and_a_share(left: str, right: str) -> None:
    """Which of two texts comes first does not matter; a score lies between 0 and 1."""
    (score,) = remembering([left], 0.7).scores(right).tolist()
    assert remembering([right], 0.7).scores(left).tolist() == [score]
    assert 0 <= score <= 1


@given(st.lists(strategies.texts, max_size=12), strategies.texts, st.integers(0, 15))
def test_ranking_is_by_score_then_by_age(texts: list[str], text: str, count: int) -> None:
    """The most similar come first; of equally similar ones, the earliest."""
    judge = remembering(texts, 0.7)
    scores = judge.scores(text).tolist()
    order = sorted(range(len(texts)), key=lambda place: (-scores[place], place))
    assert judge.ranked(text, count) == [Match(str(i), scores[i]) for i in order[:count]]


@pytest.mark.parametrize(
    ("text", "earlier", "score"),
    [
        ("写一首关于大海的诗。", "写一首关于大海的诗。", 1.0),
        ("写一首关于大海的诗。", "写一首关于大山的诗！", 8 / 9),
        ("Write code in C++", "Write code in C#", 0.75),
        ("Write a Poem!", "write a poem", 1.0),
        ("a b c d", "d c b a", 0.25),
        ("a b", "c d", 0.0),
        ("🙂🎉", "🙂🎉", 1.0),
        ("?!", "?!", 1.0),
    ],
)
def test_scores_with_our_tokens(text: str, earlier: str, score: float) -> None:
    """Every script and symbol counts: identical Chinese is 1.0, and C++ is not C#."""
    assert remembering([earlier], 0.7).scores(text).tolist() == pytest.approx([score], abs=1e-12)


def test_the_published_tokens_see_no_chinese() -> None:
    """With the published tokeniser identical Chinese scores 0.0, and C++ is C#."""
    judge = remembering(["写一首关于大海的诗。", "Write code in C++"], 0.7, rouge_tokens)
    assert judge.nearest("写一首关于大海的诗。") is None
    assert judge.nearest("Write code in C#") == Match("1", 1.0)


@pytest.mark.parametrize("blank", ["", " ", "\n\u3000"])
def test_a_blank_text_matches_nothing(blank: str) -> None:
    """A text without tokens is like none, not even at threshold 0 nor another blank one."""
    judge = remembering([blank, "a b c"], 0.0)
    assert judge.nearest(blank) is None
    assert judge.nearest("a b c") == Match("1", 1.0)


def test_nothing_is_near_in_an_empty_memory() -> None:
    """The first text is always new."""
    judge = RougeL(0.0)
    assert judge.nearest("a b c") is None
    assert judge.scores("a b c").tolist() == []
    assert judge.ranked("a b c", 3) == []
    assert len(judge) == 0


def test_only_a_score_above_the_threshold_matches() -> None:
    """A text that scores exactly the threshold is new."""
    seven, ten = "a b c d e f g h i j", "a b c d e f g x y z"
    (score,) = remembering([seven], 0.0).scores(ten).tolist()
    assert remembering([seven], score).nearest(ten) is None
    assert remembering([seven], score - 1e-12).nearest(ten) == Match("0", score)
    assert remembering(["a b"], 1.0).nearest("a b") is None


def test_the_earliest_of_equals_is_nearest() -> None:
    """Of several texts with the same score the first that was added is reported."""
    judge = remembering(["x y z", "a b c", "A b c.", "a, b, c!"], 0.7)
    assert judge.nearest("a b c") == Match("1", 1.0)


def test_ids_stay_with_their_texts_in_a_large_memory() -> None:
    """Beyond any block of storage the order of adding is kept, and so are lengths."""
    texts = [
        f"number {place} of {place * 7} things" + " more" * (place % 5) for place in range(2600)
    ]
    judge = remembering(texts, 0.9)
    assert len(judge) == len(texts)
    for place in (0, 1023, 1024, 1025, 2047, 2048, 2599):
        assert judge.nearest(texts[place]) == Match(str(place), 1.0)
    assert judge.scores(texts[2000]).shape == (2600,)
    assert judge.ranked(texts[2000], 1) == [Match("2000", 1.0)]


@given(strategies.sentences)
def test_asking_changes_nothing(text: str) -> None:
    """A question leaves no trace: asked again, the answer is the same."""
    judge = remembering(["write a poem", "list three ways to cook"], 0.3)
    assert (judge.nearest(text), len(judge)) == (judge.nearest(text), 2)
    assert judge.nearest("write a poem") == Match("0", 1.0)
