"""A prompt in tokens, and how its completion ends: no model runs here."""

from typing import Any

import pytest

from selfinstruct.engines import Prompt, Sampling
from selfinstruct.engines.transformers.engine import company
from selfinstruct.engines.transformers.rows import Row, Tokens

pytestmark = pytest.mark.transformers


@pytest.fixture(scope="module")
def tokenizer() -> Any:  # noqa: ANN401 (has no types where it is not installed)
    """Return the small model's own tokenizer."""
    from small_folder import small_folder
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(small_folder())


def test_a_choice_may_be_the_head_of_another(tokenizer: Any) -> None:  # noqa: ANN401
    """Where one choice ends and another goes on, both the end and the next token are allowed."""
    tokens = Tokens(tokenizer, frozenset({2}))
    choices = (" a red", " a red car", " No")
    prompt = Prompt("k", "I see", sampling=Sampling(max_tokens=5, choices=choices))
    a, red, car, no = (tokenizer(word)["input_ids"][0] for word in (" a", " red", " car", " No"))
    for taken, text in (((a, red, 2), " a red"), ((a, red, car), " a red car"), ((no,), " No")):
        row = Row(prompt, tokens, 0)
        assert set(row.allowed()) == {a, no}
        for token in taken:
            assert row.finish is None
            assert token in row.allowed()
            row.take(token)
        assert (row.completion().text, row.completion().finish) == (text, "stop")
    row.reset()
    row.take(a)
    row.take(red)
    assert set(row.allowed()) == {2, car}


def test_a_stop_string_is_seen_as_soon_as_it_is_there(tokenizer: Any) -> None:  # noqa: ANN401
    """In a long text, cut anywhere into tokens, the row ends with the token that completes it."""
    tokens = Tokens(tokenizer, frozenset({2}))
    for mark in ("\n\n\n", "\n16.", "é👍🏽", "zebra"):
        head = "One zebr\n\n16 é👍 " * 40
        ids = tokenizer(head + mark + " more")["input_ids"]
        row = Row(Prompt("k", "", sampling=Sampling(max_tokens=9999, stop=(mark,))), tokens, 0)
        taken = 0
        while row.finish is None:
            row.take(ids[taken])
            taken += 1
        assert row.completion().text == head
        assert mark in tokens.text(ids[:taken])
        assert mark not in tokens.text(ids[: taken - 1])


def test_a_batch_holds_prompts_that_are_alike(tokenizer: Any) -> None:  # noqa: ANN401
    """The first to come runs with those nearest in length and in the length of their answers."""
    tokens = Tokens(tokenizer, frozenset({2}))
    sizes = [(5, 200), (90, 200), (5, 4), (6, 220), (7, 160), (50, 200)]
    window = [
        Row(Prompt(f"{n}", "a " * size, sampling=Sampling(max_tokens=limit)), tokens, 0)
        for n, (size, limit) in enumerate(sizes)
    ]
    assert [row.prompt.key for row in company(window, 3, 0)] == ["0", "3", "4"]
    assert [row.prompt.key for row in company(window[1:], 3, 0)] == ["1", "5", "4"]
    assert [row.prompt.key for row in company(window, 6, 260)] == ["0", "3", "4"]


def test_a_leading_space_survives_a_tokenizer_that_drops_it() -> None:
    """A word that goes on from a text keeps the space before it, as text and as a choice."""
    from transformers import PreTrainedTokenizerFast

    library = pytest.importorskip("tokenizers")
    words = {"▁a": 0, "▁Yes": 1, "▁sir": 2, "▁\n": 3, "?": 4}
    inner = library.Tokenizer(library.models.WordLevel(words, unk_token="?"))  # noqa: S106 (no password)
    inner.pre_tokenizer = library.pre_tokenizers.Metaspace()
    inner.decoder = library.decoders.Metaspace()
    tokens = Tokens(PreTrainedTokenizerFast(tokenizer_object=inner), frozenset())
    assert tokens.text([1, 2]) == " Yes sir"
    assert tokens.going_on(" Yes sir") == [1, 2]


def test_half_a_character_at_the_limit_is_left_out(tokenizer: Any) -> None:  # noqa: ANN401
    """A text that the limit cuts inside a character ends before that character."""
    tokens = Tokens(tokenizer, frozenset({2}))
    ids = tokenizer("ok 👍🏽")["input_ids"]
    row = Row(Prompt("k", "", sampling=Sampling(max_tokens=len(ids) - 1)), tokens, 0)
    for token in ids[:-1]:
        row.take(token)
    assert row.finish == "length"
    assert "\ufffd" not in row.completion().text
    assert row.completion().text.startswith("ok")
