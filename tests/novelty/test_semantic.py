"""Semantic novelty: exact in any batch, and plain about what is missing."""

import math

import numpy as np
import pytest
import strategies  # noqa: F401 (properties have no deadline)
from embedders import Letters, Table, remembering
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.errors import EngineError, InputError
from selfinstruct.novelty import Match, Novelty
from selfinstruct.novelty.semantic import BLOCK, Semantic

letters = st.text("abcdefx ", max_size=8)
thresholds = st.one_of(st.floats(0, 1), st.sampled_from((0.0, 0.5, 0.6, 0.707107, 0.8, 1.0)))
batches = st.integers(1, 9)


def unit(text: str) -> list[float]:
    """Compute the vector of a text, of length one in single precision, as it is stored."""
    counts = [text.count(letter) for letter in "abcdef"]
    length = math.sqrt(sum(count * count for count in counts))
    return [float(np.float32(count / length)) for count in counts] if length else []


def cosine(left: str, right: str) -> float:
    """Compute the cosine of two texts from its definition, exactly; six decimals count."""
    one, other = unit(left), unit(right)
    if not one or not other:
        return -1.0
    return round(math.fsum(x * y for x, y in zip(one, other, strict=True)), 6)


def brute_force(texts: dict[str, str], text: str, threshold: float) -> Match | None:
    """Find the nearest text by comparing with every one, the earliest of equals first."""
    best = None
    for name, earlier in texts.items():
        score = cosine(text, earlier)
        if score >= threshold and (best is None or score > best.score):
            best = Match(name, score)
    return best


@settings(max_examples=300)
@given(st.lists(letters, max_size=14), letters, thresholds)
@example(["aaaab"], "a", 0.0)
def test_nearest_is_what_brute_force_finds(texts: list[str], text: str, threshold: float) -> None:
    """Blocks and rough products change no decision, no id and no score."""
    numbered = {str(place): earlier for place, earlier in enumerate(texts)}
    found = remembering(texts, threshold).nearest(text)
    assert found == brute_force(numbered, text, threshold)


@given(st.lists(letters, max_size=24), thresholds, batches)
@example(["ab", "ba", "", "x", "ab", "cd"], 1.0, 3)
@example(["a", "x", "b", "ab"], 0.6, 2)
def test_admitting_a_batch_is_admitting_one_by_one(
    texts: list[str], threshold: float, batch: int
) -> None:
    """Whatever the size of batches, each text is judged against all that were kept before it."""
    pairs = [(str(place), text) for place, text in enumerate(texts)]
    kept: dict[str, str] = {}
    expected = []
    for name, text in pairs:
        expected.append(brute_force(kept, text, threshold))
        if expected[-1] is None:
            kept[name] = text
    judge: Novelty = Semantic(Letters(), threshold, batch=batch)
    assert judge.admit(pairs) == expected
    one_by_one: Novelty = Semantic(Letters(), threshold)
    for (name, text), match in zip(pairs, expected, strict=True):
        assert one_by_one.nearest(text) == match
        if match is None:
            one_by_one.add(name, text)


@given(st.integers(0, 2**32 - 1), batches)
def test_real_numbers_give_the_same_in_any_batch(seed: int, batch: int) -> None:
    """With dense vectors, where products differ in their last bits, nothing changes either."""
    vectors = np.random.default_rng(seed).normal(size=(40, 48)).round(1).astype(np.float32)
    vectors[20:] = vectors[:20] * 3 + vectors[20:] * np.float32(1e-4)

    embedder = Table(vectors)
    pairs = [(f"id{place}", str(place)) for place in range(40)]
    whole = Semantic(embedder, 0.3).admit(pairs)
    assert Semantic(embedder, 0.3, batch=batch).admit(pairs) == whole
    assert whole[20:] != [None] * 20


@given(st.lists(letters, max_size=14), letters, thresholds, thresholds)
def test_a_higher_threshold_matches_less(
    texts: list[str], text: str, one: float, other: float
) -> None:
    """What matches at a threshold matches at every lower one, with the same id and score."""
    low, high = sorted((one, other))
    strict = remembering(texts, high).nearest(text)
    if strict is not None:
        assert remembering(texts, low).nearest(text) == strict
        assert strict.score >= high


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("blank", ["", " ", "\n\u3000", "x", "\ud800"])
def test_a_text_that_says_nothing_is_like_none(blank: str, threshold: float) -> None:
    """Blank texts, and those without a token of the model, match nothing, not even each other."""
    judge = remembering([blank, "abc"], threshold)
    assert judge.nearest(blank) is None
    assert judge.admit([("2", blank), ("3", blank), ("4", "cab")]) == [None, None, Match("1", 1.0)]
    assert len(judge) == 1


def test_the_model_is_not_asked_about_blank_texts() -> None:
    """A transformer gives blank texts a vector too; it never sees them, nor lone surrogates."""
    embedder = Letters()
    remembering(["", " \n", "a\ud800"], 0.9, embedder)
    assert embedder.asked == ["a?"]


def test_a_text_is_embedded_once_for_asking_and_adding() -> None:
    """`add` after `nearest` costs no second run of the model."""
    embedder = Letters()
    judge = Semantic(embedder, 0.9)
    assert judge.nearest("abc") is None
    judge.add("0", "abc")
    assert judge.nearest("abc") == Match("0", 1.0)
    assert embedder.asked == ["abc"]


def test_a_cosine_at_the_threshold_matches() -> None:
    """The threshold itself is too similar: 3-4-5 triangles are 0.6 and 0.8."""
    texts = ["a", "a" * 3 + "b" * 4]
    assert remembering(texts[:1], 0.6).nearest(texts[1]) == Match("0", 0.6)
    assert remembering(texts[:1], 0.600001).nearest(texts[1]) is None
    assert remembering(texts[1:], 0.8).nearest("b") == Match("0", 0.8)


def test_opposites_match_at_no_threshold() -> None:
    """A cosine below zero is below every threshold."""
    judge = remembering(["0"], 0.0, Table(np.array([[1], [-2], [5]], dtype=np.float32)))
    assert judge.nearest("1") is None
    assert judge.nearest("2") == Match("0", 1.0)


def test_nothing_is_lost_when_the_store_grows() -> None:
    """Past every doubling and every block, each text is found under its own, earliest id."""
    count = 2 * BLOCK + 77
    embedder = Table(np.random.default_rng(5).normal(size=(count, 8)).astype(np.float32))
    judge = remembering([str(place) for place in range(count)], 1.0, embedder)
    judge.add_all((f"again{place}", str(place)) for place in range(0, count, 7))
    assert len(judge) == count + math.ceil(count / 7)
    for place in (0, 1023, 1024, 2047, 2048, 2100, BLOCK - 1, BLOCK, 2 * BLOCK, count - 1):
        assert judge.nearest(str(place)) == Match(str(place), 1.0)


def test_nothing_is_near_in_an_empty_memory() -> None:
    """The first text is always new, and no texts are no answers."""
    judge = Semantic(Letters(), 0.0)
    assert judge.nearest("abc") is None
    assert judge.admit([]) == []
    assert len(judge) == 0


def test_a_model_that_gives_no_numbers_is_an_error() -> None:
    """A vector with NaN would be like nothing, silently; it stops the run instead."""
    with pytest.raises(EngineError, match="not made of numbers"):
        Semantic(Table(np.full((1, 2), np.nan, dtype=np.float32))).nearest("0")


@pytest.mark.parametrize("threshold", [-0.1, 1.01, math.nan])
def test_a_threshold_is_a_share(threshold: float) -> None:
    """A threshold outside 0 to 1 is refused."""
    with pytest.raises(InputError, match="min_similarity"):
        Semantic(Letters(), threshold)
