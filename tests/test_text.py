"""What a token is: ours for every script, and the published one to the letter."""

import unicodedata

import pytest
import strategies
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rouge_score import tokenize

from selfinstruct.novelty import RougeL
from selfinstruct.text import TOKENISERS, rouge_tokens, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write a short poem.", ["write", "a", "short", "poem"]),
        ("WRITE a Poem", ["write", "a", "poem"]),
        ("code in C++, not C#", ["code", "in", "c++", "not", "c#"]),
        ("3.5 litres of 1,000", ["3.5", "litres", "of", "1,000"]),
        ("I don't, you don\u2019t", ["i", "don't", "you", "don't"]),
        ("50% of €20", ["50", "%", "of", "€", "20"]),
        ("5 - 3 = x+1", ["5", "-", "3", "=", "x", "+", "1"]),
        ("a well-known e-mail", ["a", "well", "known", "e", "mail"]),
        ("snake_case in utf_8", ["snake_case", "in", "utf_8"]),
        ("café naïve Ærø", ["café", "naïve", "ærø"]),
        ("l\u2019été", ["l'été"]),
        ("写诗，好吗？", ["写", "诗", "好", "吗"]),
        ("用Python写代码", ["用", "python", "写", "代", "码"]),
        ("ひらがなカタカナー", list("ひらがなカタカナー")),
        ("여름 노래", ["여름", "노래"]),
        ("हिन्दी में लिखो", ["हिन्दी", "में", "लिखो"]),
        ("Привет, мир!", ["привет", "мир"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ＦＵＬＬ　ｗｉｄｔｈ １２", ["full", "width", "12"]),
        ("good 🙂🎉", ["good", "🙂", "🎉"]),
        ("?!…", ["?", "!", ".", ".", "."]),
        ("。、", ["。", "、"]),
        ("", []),
        (" \t\n\u3000", []),
    ],
)
def test_tokens_of(text: str, expected: list[str]) -> None:
    """Words, numbers and meaningful symbols are tokens in every script; punctuation is not."""
    assert tokens(text) == expected


@pytest.mark.parametrize("word", ["हिन्दी", "தமிழ்", "বাংলা", "नमस्ते"])
def test_marks_stay_on_their_word(word: str) -> None:
    """A vowel sign or virama does not split a word of a script that has spaces."""
    assert tokens(word) == [word]


def test_thai_marks_stay_on_their_letter() -> None:
    """Thai has no spaces, so each letter is a token; a tone mark is not one by itself."""
    found = tokens("ที่นี่")
    assert found == ["ที่", "นี่"]
    assert all(unicodedata.category(token[0]) == "Lo" for token in found)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Write code in C++", "Write code in C#"),
        ("Write code in C", "Write code in C++"),
        ("What is 5 + 3?", "What is 5 - 3?"),
        ("Convert -4 degrees", "Convert 4 degrees"),
        ("Is 3.5 more than 3?", "Is 35 more than 3?"),
        ("写一首关于大海的诗", "写一首关于大山的诗"),
        ("Explain 🙂", "Explain 🎉"),
        ("A coffee for 5 €", "A coffee for 5 $"),
    ],
)
def test_texts_that_differ_in_meaning_differ_in_tokens(left: str, right: str) -> None:
    """What changes the meaning changes the tokens: a symbol, a sign, one character."""
    assert tokens(left) != tokens(right)


@given(strategies.texts)
@example("\u00b4")
@example("\ud800")
@example("\u200b\u200b")
def test_every_text_that_is_not_blank_has_tokens(text: str) -> None:
    """A text has no tokens exactly when it is blank, so each text can be found again."""
    assert bool(tokens(text)) == bool(unicodedata.normalize("NFKC", text).strip())


@given(strategies.texts)
def test_a_text_is_identical_to_itself(text: str) -> None:
    """Two identical texts that are not blank score 1.0, whatever their script."""
    earlier = RougeL(0.7)
    earlier.add("first", text)
    assert earlier.scores(text).tolist() == [1.0 if text.strip() else 0.0]


@given(strategies.texts)
def test_tokens_hold_no_white_space_and_are_folded(text: str) -> None:
    """No token is empty or blank, and each is case folded already."""
    for token in tokens(text):
        assert token
        assert not any(char.isspace() for char in token)
        assert token == token.casefold() or not token.isascii()


@given(strategies.texts)
def test_composed_and_decomposed_texts_have_the_same_tokens(text: str) -> None:
    """How an accent is encoded does not matter."""
    assert tokens(unicodedata.normalize("NFD", text)) == tokens(unicodedata.normalize("NFC", text))


@given(strategies.ascii_text, strategies.han_text)
def test_one_grammar_for_all_scripts(ascii_text: str, han: str) -> None:
    """A Chinese sentence after an English one changes none of the English tokens."""
    if ascii_text.strip() and any(char.isalnum() for char in ascii_text):
        assert tokens(f"{ascii_text} {han}") == tokens(ascii_text) + list(han)


@settings(max_examples=400)
@given(st.one_of(strategies.texts, st.text("aZ09_é\u212a\u0130 .\n", max_size=12)))
@example("\u212aelvin and \u0130stanbul")
@example("ſharp \ufb01sh ②")
@example("a\nb\x1cc\x85d")
def test_rouge_tokens_are_those_of_rouge_score(text: str) -> None:
    """The published tokeniser is rouge-score's, for any text at all."""
    assert rouge_tokens(text) == tokenize.tokenize(text, None)


def test_tokenisers_by_name() -> None:
    """A recipe names its tokeniser: "unicode" is ours, "rouge-score" the published one."""
    assert TOKENISERS["unicode"] is tokens
    assert TOKENISERS["rouge-score"] is rouge_tokens
