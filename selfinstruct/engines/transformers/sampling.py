"""Drawing the next token of every prompt in a batch, each with its own sampling and seed.

Decides: how penalties, temperature, top-p and a random number pick a token from logits. Does not
know: which model the logits come from, or what a token means.

transformers samples a whole batch with one generator and one set of values. Here each row has
its own, and one random number a step, so that a row's text does not depend on its neighbours.
Tokens share the line from 0 to 1 in the order of their ids, not of their probability: of the
thousands of nearly equal ones, the last bits of a sum would else swap the places.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from selfinstruct.engines.base import Finish, Sampling

LEADING = 1024
"""Tokens in which top-p is looked for first: sorting a whole vocabulary takes 8 times as long."""

_BELOW_ONE = 1 - 2**-22  # the largest random number that stays below 1 in float32

Tensor = Any  # torch is an extra, and has no types where it is not installed


class Drawn(Protocol):
    """A completion under way, as far as drawing its next token goes."""

    tokens: list[int]
    finish: Finish | None

    @property
    def sampling(self) -> Sampling:
        """How its tokens are drawn."""
        ...

    def uniform(self) -> float:
        """Return the random number of this step, from 0 to below 1."""
        ...

    def allowed(self) -> Sequence[int]:
        """Return the only tokens that may come next; none: any may."""
        ...

    def take(self, token: int) -> None:
        """Go on with a token."""
        ...

    def fail(self, reason: str) -> None:
        """End without a text."""
        ...


class Draw:
    """The logits processor of one batch: it picks a token for each row and leaves no other.

    `done` is the stopping criterion that goes with it. Rows that have ended are fed `pad`.
    """

    def __init__(self, rows: Sequence[Drawn], pad: int) -> None:
        self._rows = rows
        self._pad = pad
        self._memory: Memory | None = None
        self._has_penalties = any(_has_penalty(row.sampling) for row in rows)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002 (transformers' form)
        """Return scores in which one token a row is left."""
        broken = scores.isnan().any(-1)
        picked = self._pick(scores).masked_fill(broken, -1)
        tokens = [
            self._pad if row.finish else token
            for row, token in zip(self._rows, picked.tolist(), strict=True)
        ]
        for row, token in zip(self._rows, tokens, strict=True):
            if not row.finish:
                _go_on(row, token)
        picked = scores.new_tensor([max(token, 0) for token in tokens], dtype=picked.dtype)
        if self._memory:
            self._memory.add(picked)
        return scores.new_full(scores.shape, float("-inf")).scatter_(1, picked[:, None], 0.0)

    def done(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:  # noqa: ARG002
        """Say which rows have ended."""
        return input_ids.new_tensor([bool(row.finish) for row in self._rows]).bool()

    def _pick(self, scores: Tensor) -> Tensor:
        """Return the next token of every row."""
        samplings = [row.sampling for row in self._rows]
        if self._has_penalties:
            self._memory = self._memory or Memory(scores, self._rows)
            scores = self._memory.penalise(scores)
        scores = self._restrict(scores)
        likeliest = scores.argmax(-1)
        temperature = _column(scores, [sampling.temperature for sampling in samplings])
        if not any(sampling.temperature for sampling in samplings):
            return likeliest
        wide = scores if scores.device.type == "mps" else scores.double()  # MPS has no float64
        cold = temperature == 0
        probabilities = (wide / temperature.masked_fill(cold, 1.0)).softmax(-1)
        if any(sampling.top_p < 1 for sampling in samplings):
            top_p = _column(probabilities, [sampling.top_p for sampling in samplings])
            probabilities = nucleus(probabilities, top_p)
        numbers = [0.0 if row.finish else row.uniform() for row in self._rows]
        return likeliest.where(cold[:, 0], draw(probabilities, _column(probabilities, numbers)))

    def _restrict(self, scores: Tensor) -> Tensor:
        """Rule out what a row does not allow."""
        for place, row in enumerate(self._rows):
            allowed = () if row.finish else row.allowed()
            if allowed:
                ruled_out = scores.new_ones(scores.shape[1]).bool()
                ruled_out[list(allowed)] = False
                scores = scores.clone()
                scores[place] = scores[place].masked_fill(ruled_out, float("-inf"))
        return scores


class Memory:
    """Which tokens a batch has seen and how often each was written, for penalties."""

    def __init__(self, scores: Tensor, rows: Sequence[Drawn]) -> None:
        self._written = scores.new_zeros(scores.shape)
        self._seen = scores.new_zeros(scores.shape).bool()
        for place, row in enumerate(rows):
            self._seen[place, row.tokens] = True
        samplings = [row.sampling for row in rows]
        self._repeat = _column(scores, [sampling.repeat_penalty for sampling in samplings])
        self._presence = _column(scores, [sampling.presence_penalty for sampling in samplings])
        self._frequency = _column(scores, [sampling.frequency_penalty for sampling in samplings])

    def add(self, picked: Tensor) -> None:
        """Note one more token of each row."""
        places = picked[:, None]
        self._seen.scatter_(1, places, value=True)
        self._written.scatter_add_(1, places, self._written.new_ones(places.shape))

    def penalise(self, scores: Tensor) -> Tensor:
        """Lower what was seen (by a factor) and what was written (by OpenAI's formula)."""
        lowered = (scores * self._repeat).where(scores < 0, scores / self._repeat)
        scores = lowered.where(self._seen, scores)
        present = (self._written > 0).to(scores.dtype)
        return scores - self._written * self._frequency - present * self._presence


def nucleus(probabilities: Tensor, top_p: Tensor) -> Tensor:
    """Zero all but the likeliest tokens that together have `top_p`; equals stay together."""
    least, _ = probabilities.topk(min(LEADING, probabilities.shape[1]))
    narrow = top_p < 1
    if bool(((least.sum(-1, keepdim=True) < top_p) & narrow).any()):
        least, _ = probabilities.sort(dim=-1, descending=True)
    before = least.cumsum(-1) - least
    before[:, 0] = -1.0  # the likeliest always stays
    cut = least.masked_fill(before >= top_p, 2.0).amin(-1, keepdim=True)
    return probabilities.masked_fill((probabilities < cut) & narrow, 0.0)


def draw(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Return the token of each row at which the sum of probabilities passes its number.

    The probabilities of a row need not sum to 1.
    """
    sums = probabilities.cumsum(-1)
    target = uniform.clamp(max=_BELOW_ONE) * sums[:, -1:]
    return (sums > target).int().argmax(-1)


def _go_on(row: Drawn, token: int) -> None:
    """Give a row its token."""
    if token < 0:
        row.fail("the model's logits are not numbers (NaN); another dtype may help: dtype=float32")
    else:
        row.take(token)


def _column(like: Tensor, values: Sequence[float]) -> Tensor:
    """Return values as a column of a tensor's kind and device."""
    return like.new_tensor(values)[:, None]


def _has_penalty(sampling: Sampling) -> bool:
    return bool(
        sampling.repeat_penalty != 1 or sampling.presence_penalty or sampling.frequency_penalty
    )
