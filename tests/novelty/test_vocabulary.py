"""Numbers for tokens: equal exactly where tokens are."""

import strategies  # noqa: F401 (properties have no deadline)
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.novelty.vocabulary import UNKNOWN, Vocabulary

token_lists = st.lists(st.lists(st.text(max_size=3), max_size=8), max_size=8)


@given(token_lists)
def test_equal_numbers_are_equal_tokens(texts: list[list[str]]) -> None:
    """Two tokens have the same number if they are the same, and only then."""
    vocabulary = Vocabulary()
    learnt = [number for text in texts for number in vocabulary.learn(text)]
    flat = [token for text in texts for token in text]
    assert [flat.index(token) for token in flat] == [learnt.index(number) for number in learnt]


@given(token_lists)
def test_numbers_follow_first_appearance(texts: list[list[str]]) -> None:
    """Numbers count from 0 in the order in which tokens first appear, and stay."""
    vocabulary = Vocabulary()
    for text in texts:
        vocabulary.learn(text)
    first = list(dict.fromkeys(token for text in texts for token in text))
    assert vocabulary.learn(first) == list(range(len(first)))


@given(token_lists, st.lists(st.text(max_size=3), max_size=8))
def test_reading_teaches_nothing(texts: list[list[str]], query: list[str]) -> None:
    """A token that is only read stays unknown, however often it is read."""
    vocabulary = Vocabulary()
    for text in texts:
        vocabulary.learn(text)
    before = dict(vocabulary)
    expected = [before.get(token, UNKNOWN) for token in query]
    assert vocabulary.read(query) == vocabulary.read(query) == expected
    assert vocabulary == before


def test_no_token_has_the_number_of_unknown_ones() -> None:
    """UNKNOWN is never given to a token that was learnt."""
    vocabulary = Vocabulary()
    assert UNKNOWN not in vocabulary.learn(map(str, range(1000)))
