"""Quoting: what a model or a user wrote stays text, wherever it stands."""

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from publish.made import BREAKERS
from selfinstruct.publish.markdown import block, code, scalar, slug
from selfinstruct.task import clean

READER = MarkdownIt("gfm-like")
hostile = st.one_of(
    st.lists(st.one_of(st.sampled_from(BREAKERS), st.text(max_size=8)), max_size=4).map("".join),
    st.text("`|\\~<>\n \u2028a", max_size=30),
).map(clean)


def tokens(text: str) -> Iterator[Token]:
    """Yield every token of a document, those inside others too."""
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def kinds(text: str) -> list[str]:
    """Return the kinds of all tokens."""
    return [token.type for token in tokens(text)]


@given(hostile)
def test_a_code_span_is_one_in_a_table_too(text: str) -> None:
    """A cell holds a code span or nothing: no link, no HTML, and no further cell or row."""
    found = kinds(f"| a | b |\n|---|---|\n| {code(text)} | end |\n\nafter")
    assert found.count("td_open") == 2
    assert found.count("tr_open") == 2
    assert set(found) & {"link_open", "html_inline", "html_block", "image"} == set()
    assert found.count("code_inline") == bool(code(text))
    assert found[-3:-1] == ["inline", "text"]


@given(hostile)
def test_a_block_ends_where_we_end_it(text: str) -> None:
    """A code block holds all of a text, and what comes after it is a paragraph again."""
    found = kinds(f"before\n\n{block(text, 10_000)}\n\nafter")
    paragraph = ["paragraph_open", "inline", "text", "paragraph_close"]
    assert found == [*paragraph, "fence", *paragraph]


@given(hostile)
def test_a_scalar_is_read_as_the_text(text: str) -> None:
    """YAML gives back every text as it was, on one line."""
    line = f"- {scalar(text)}"
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert yaml.safe_load(line) == [text]


@pytest.mark.parametrize("word", ["no", "yes", "null", "true", "1e3", "0x1f", "", "~", "12:30"])
def test_words_that_yaml_reads_otherwise_are_quoted(word: str) -> None:
    """Norwegian is "no", and not false."""
    assert yaml.safe_load(scalar(word)) == word


@given(hostile)
def test_a_slug_is_a_tag(text: str) -> None:
    """A tag has small letters, digits, dots and dashes only."""
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert len(slug(text)) <= 60
