"""What is written down of prompts and completions: digests and rows that old runs have, too."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.engines import Completion, Message, Prompt, Sampling
from selfinstruct.engines.base import going_on, scored
from selfinstruct.journal import Entry
from selfinstruct.task import to_json

CHAT = Prompt(
    "k",
    messages=(Message("system", "Be brief."), Message("user", "写一首诗")),
    sampling=Sampling(max_tokens=12, temperature=0.7, stop=("\n",), seed=3),
)


def test_a_digest_is_that_of_earlier_versions() -> None:
    """A prompt without an answer has the digest that journals of 0.1.0 hold."""
    assert Prompt("k", "1. Write a poem").digest() == "df62fb88d79e582d"
    assert CHAT.digest() == "efeb51cc7f27c957"


def test_an_answer_is_part_of_a_digest() -> None:
    """No answer, an empty one and another one are three prompts."""
    answers = (None, "", "Roses")
    assert len({msgspec.structs.replace(CHAT, answer=each).digest() for each in answers}) == 3


def test_an_old_journal_can_be_read() -> None:
    """A row without a log-likelihood is a completion that has none; one with it comes back."""
    row = (
        b'{"prompt":"df62fb88d79e582d","completion":{"key":"0001/propose/0000","text":" a text",'
        b'"finish":"stop","prompt_tokens":12,"completion_tokens":3,"cached_tokens":2,"error":"",'
        b'"attempts":1}}'
    )
    entry = msgspec.json.decode(row, type=Entry)
    assert entry.completion == Completion("0001/propose/0000", " a text", "stop", 12, 3, 2)
    rated = Entry("x", Completion("k", "", "stop", log_likelihood=-12.345678901234567))
    assert msgspec.json.decode(to_json(rated), type=Entry) == rated


@given(st.lists(st.floats(-100, 0)))
def test_a_score_is_the_sum_of_its_logarithms(logarithms: list[float]) -> None:
    """It is finite, at most 0, and the same in whatever order they are added."""
    prompt = Prompt("k", "Once", answer="x")
    found = scored(prompt, logarithms, prompt_tokens=1)
    assert found.log_likelihood == pytest.approx(sum(logarithms))
    assert found == scored(prompt, logarithms[::-1], prompt_tokens=1)
    assert found.completion_tokens == len(logarithms)


@pytest.mark.parametrize("broken", [math.nan, -math.inf])
def test_what_is_no_number_is_an_error(broken: float) -> None:
    """A model whose probabilities are none has not scored: rows could not hold them."""
    found = scored(Prompt("k", "Once", answer="x"), [-1.0, broken], prompt_tokens=1)
    assert (found.finish, found.log_likelihood) == ("error", None)
    assert found.error.startswith("k: ")


@given(st.text())
def test_an_answer_goes_on_with_its_own_bytes(text: str) -> None:
    """Where a byte is a token, the tokens of an answer are its bytes, a leading line among them."""
    assert bytes(going_on(lambda part: part.encode("utf-8", "replace"), text)).decode() == (
        text.encode("utf-8", "replace").decode()
    )
