"""Overlap by words: exactly the runs that a slow search finds, in every script."""

from collections.abc import Sequence

import numpy as np
import pytest
import strategies as st_ours
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.novelty import overlap
from selfinstruct.novelty.overlap import SHORTEST, NgramOverlap, Overlap
from selfinstruct.text import tokens

letters = st.lists(st.sampled_from("abc"), max_size=24).map(" ".join)
"""Texts of few different words: long runs are shared, at several places."""

mixed = st.one_of(letters, st_ours.texts, st.lists(st_ours.words, max_size=24).map(" ".join))


def slow(known: Sequence[str], text: str, n: int) -> tuple[int, list[str]] | None:
    """Return the first known text that shares a run, and the run, by trying everything."""
    query = tokens(text)
    for row, other in enumerate(map(tokens, known)):
        length = n if len(other) >= n else len(other) if len(other) >= SHORTEST else 0
        places = range(len(other) - length + 1 if length else 0)
        for at in range(len(query) - length + 1):
            fitting = [p for p in places if other[p : p + length] == query[at : at + length]]
            if fitting:
                return row, max((common(query[at:], other[p:]) for p in fitting), key=len)
    return None


def common(left: list[str], right: list[str]) -> list[str]:
    """Return the tokens that two texts begin with."""
    count = 0
    while count < min(len(left), len(right)) and left[count] == right[count]:
        count += 1
    return left[:count]


def index(known: Sequence[str], n: int) -> NgramOverlap:
    """Return an index of texts, with their places as ids."""
    found = NgramOverlap(n)
    for row, text in enumerate(known):
        found.add(str(row), text)
    return found


def agrees(found: Overlap | None, expected: tuple[int, list[str]] | None) -> bool:
    """Say whether an answer is the one that was found slowly."""
    if found is None or expected is None:
        return found is None and expected is None
    words = "".join(expected[1])
    same = (found.id, found.count) == (str(expected[0]), len(expected[1]))
    return same and "".join(found.words.split()) == "".join(words.split())


@given(st.lists(mixed, max_size=6), st.lists(mixed, max_size=6), st.integers(1, 14))
def test_overlap_is_what_a_slow_search_finds(known: list[str], texts: list[str], n: int) -> None:
    """For any texts and any n, the text named and the words shared are those of brute force."""
    several = index(known, n)
    found = several.shared_all(texts)
    assert all(agrees(one, slow(known, text, n)) for one, text in zip(found, texts, strict=True))
    assert found == [several.shared(text) for text in texts]


@given(st.lists(letters, max_size=6), st.lists(letters, max_size=4), st.integers(1, 14))
def test_hashes_decide_nothing(known: list[str], texts: list[str], n: int) -> None:
    """Where all runs have the same hash, the answers are still those of brute force."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "_hashes", lambda _, places, __: np.zeros(len(places), np.uint64))
        found = index(known, n).shared_all(texts)
    assert all(agrees(one, slow(known, text, n)) for one, text in zip(found, texts, strict=True))


LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def test_stretch_reaches_as_far_as_both_texts_agree() -> None:
    """The words are the whole stretch, not the first n; case and punctuation do not end it."""
    found = index(["Zero, " + LONG + " fifteen."], 5).shared(
        "Say: One TWO - three, four five six 7"
    )
    assert found == Overlap("0", "one two three four five six", 6)


def test_the_first_known_text_is_named() -> None:
    """Of several texts that share, the one that was added first is named, whatever comes first."""
    known = ["x y z", LONG, LONG.partition(" ")[2], "a b c d " + LONG]
    found = index(known, 13).shared(f"a b c d {LONG} and so on")
    assert found == Overlap("1", LONG, 14)


@pytest.mark.parametrize("count", range(1, 15))
def test_short_known_text_counts_as_a_whole_from_eight_tokens(count: int) -> None:
    """A known text of 8 to 12 tokens must be there in full; one of fewer is never found."""
    words = LONG.split()[:count]
    several = index([" ".join(words)], 13)
    whole = f"Before that: {' '.join(words)}. After that."
    assert (several.shared(whole) is not None) is (count >= 8)
    less = f"Before that: {' '.join(words[:-1])}. After that."
    assert (several.shared(less) is not None) is (count == 14)


def test_chinese_is_found_by_characters() -> None:
    """A run of Chinese counts characters, and the words shared are written without spaces."""
    known = ["问题：请用不超过一百个字介绍一下长江的源头和流向。"]
    found = index(known, 13).shared("任务: 用不超过一百个字介绍一下长江，然后写一首诗")
    assert found == Overlap("0", "用不超过一百个字介绍一下长江", 14)
    assert index(known, 13).shared("请用不超过一百个字介绍一下黄河") is not None
    assert index(known, 13).shared("请用不超过两百个字介绍一下长江") is None


def test_scripts_may_be_mixed() -> None:
    """Where a script with spaces follows one without, there is a space between them."""
    found = index(["用 Python 写一个函数 add"], 8).shared("用Python写一个函数 add")
    assert found == Overlap("0", "用 python 写一个函数 add", 8)


def test_texts_do_not_run_into_one_another() -> None:
    """A run never goes from one text to the next, in known texts or in those of a batch."""
    half, rest = LONG.split()[:7], LONG.split()[7:]
    assert index([" ".join(half), " ".join(rest)], 13).shared(LONG) is None
    assert index([LONG], 13).shared_all([" ".join(half), " ".join(rest)]) == [None, None]


def test_texts_may_be_added_later() -> None:
    """An index that was asked already knows what is added after that."""
    several = index(["something else"], 13)
    assert several.shared(LONG) is None
    several.add("later", LONG)
    assert several.shared(LONG) == Overlap("later", LONG, 14)


def test_many_texts_are_found_again() -> None:
    """Each of ten thousand texts is found by a run in its middle."""
    random = np.random.default_rng(1)
    rows = [" ".join(f"w{word}" for word in random.integers(0, 5000, 40)) for _ in range(10_000)]
    several = index(rows, 13)
    found = several.shared_all([" ".join(row.split()[10:25]) for row in rows])
    assert [one.id for one in found if one] == [str(row) for row in range(len(rows))]
    assert {one.count for one in found if one} == {15}
