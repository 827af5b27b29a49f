"""How a token is drawn from logits, on small tensors."""

from collections.abc import Sequence
from random import Random

import pytest

from selfinstruct.engines import Sampling
from selfinstruct.engines.base import Finish
from selfinstruct.engines.transformers.sampling import Draw, Memory, draw, nucleus

pytestmark = pytest.mark.transformers


class Bare:
    """A row of nothing but a seed: what `Draw` needs of one."""

    def __init__(self, seed: int, sampling: Sampling) -> None:
        self.tokens: list[int] = []
        self.finish: Finish | None = None
        self.sampling = sampling
        self.error = ""
        self.taken: list[int] = []
        self._random = Random(seed)

    def uniform(self) -> float:
        """Return the next number."""
        return self._random.random()

    def allowed(self) -> Sequence[int]:
        """Allow all."""
        return ()

    def take(self, token: int) -> None:
        """Keep a token."""
        self.taken.append(token)

    def fail(self, reason: str) -> None:
        """Keep a reason."""
        self.finish, self.error = "error", reason


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    """Over many seeds, tokens come as often as softmax at the temperature says (chi-square)."""
    import torch

    logits = torch.tensor([2.0, -1.0, 0.5, 1.0, float("-inf")])
    rows = [Bare(seed, Sampling(temperature=0.7)) for seed in range(4000)]
    left = Draw(rows, 0)(None, logits.repeat(4000, 1))
    counts = torch.bincount(left.argmax(-1), minlength=5)
    expected = (logits / 0.7).softmax(-1) * 4000
    assert counts[4] == 0
    assert ((counts - expected)[:4] ** 2 / expected[:4]).sum() < 16.3  # 3 degrees, 1 in 1,000
    assert [row.taken[0] for row in rows] == left.argmax(-1).tolist()
    assert bool((left.isfinite().sum(-1) == 1).all())


def test_a_number_finds_its_token() -> None:
    """Tokens share the line from 0 to 1 by their probability; none of probability 0 is drawn."""
    import torch

    shares = torch.tensor([[0.0, 0.25, 0.0, 0.5, 0.0]]).repeat(5, 1)
    numbers = torch.tensor([[0.0], [0.33], [0.34], [0.9], [0.9999999999]])
    assert draw(shares, numbers).tolist() == [1, 1, 3, 3, 3]


@pytest.mark.parametrize("size", [6, 5000])
def test_top_p_cuts_the_tail(size: int) -> None:
    """The likeliest tokens that reach top_p stay; 1 keeps all, 0 the likeliest alone."""
    import torch

    shares = torch.zeros(5, size)
    shares[:, :4] = torch.tensor([0.1, 0.4, 0.3, 0.2])
    top_p = torch.tensor([[0.0], [0.4], [0.5], [0.95], [1.0]])
    kept = nucleus(shares.double(), top_p.double()) > 0
    assert [row.nonzero()[:, 0].tolist() for row in kept] == [
        [1],
        [1],
        [1, 2],
        [0, 1, 2, 3],
        [0, 1, 2, 3],
    ]


def test_top_p_reaches_beyond_the_leading_tokens() -> None:
    """A flat distribution keeps as many tokens as top_p asks for, or all that are equal."""
    import torch

    shares = (torch.arange(8000, 0, -1).double() / 1e3).softmax(-1)[None]
    kept = nucleus(shares, torch.tensor([[0.9]]).double())
    count = int((kept > 0).sum())
    assert float(kept.sum()) >= 0.9 > float(kept.sum() - kept[0, count - 1])


def test_penalties_are_those_that_are_known_by_their_names() -> None:
    """Repetition is transformers' own; presence and frequency count the completion alone."""
    import torch
    from transformers import RepetitionPenaltyLogitsProcessor

    scores = torch.tensor([[1.0, -1.0, 2.0, 0.5], [1.0, -1.0, 2.0, 0.5]])
    first = Bare(0, Sampling(repeat_penalty=1.3))
    second = Bare(0, Sampling(presence_penalty=0.6, frequency_penalty=0.25))
    first.tokens = second.tokens = [0, 1]
    memory = Memory(scores, [first, second])
    oracle = RepetitionPenaltyLogitsProcessor(penalty=1.3)
    assert torch.equal(memory.penalise(scores)[:1], oracle(torch.tensor([[0, 1]]), scores[:1]))
    assert torch.equal(memory.penalise(scores)[1], scores[1])
    for token in (2, 2, 3):
        memory.add(torch.tensor([token, token]))
    found = memory.penalise(scores)
    expected = oracle(torch.tensor([[0, 1, 2, 2, 3]]), scores[:1])
    assert torch.allclose(found[:1], expected)
    assert torch.allclose(found[1], torch.tensor([1.0, -1.0, 2 - 0.6 - 0.5, 0.5 - 0.6 - 0.25]))


def test_logits_that_are_not_numbers_fail_their_row_alone() -> None:
    """A row with NaN ends with an error; its neighbour goes on."""
    import torch

    rows = [Bare(0, Sampling(temperature=1.0)), Bare(1, Sampling())]
    scores = torch.tensor([[float("nan"), 1.0], [0.0, 1.0]])
    step = Draw(rows, 0)
    step(None, scores)
    assert "NaN" in rows[0].error
    assert rows[1].taken == [1]
    assert step.done(torch.zeros(2, 1), None).tolist() == [True, False]
