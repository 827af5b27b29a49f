"""The sets that novelty is measured on: real rows, and what grows from them.

A pool of N texts is the first N real instructions; beyond the real ones it goes on with grown
texts that the filter itself accepted, so that a large pool is as varied as a filtered one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np
from measure import read_rows
from novelty_peers import Ours
from synthetic import Walk, edited, made_up

_BATCH = 1000
# Empty, one token, repeated ones, other alphabets, the Kelvin sign and the dotted I.
_ODD = [
    *("", "!!!", "", "Summarise", "summarise!", "\u212a", "k", "\u0130stanbul", "istanbul"),
    *("a a a b", "b a a a", "a b a b a b", "b a b a b a", "请总结这篇文章", "请总结 5", "cube 5"),
    *(" ".join(map(str, range(length))) for length in (40, 64, 65, 90, 200)),
    *(" ".join(map(str, range(1, length))) for length in (40, 64, 65, 90, 200)),
]


@dataclass(frozen=True)
class Source:
    """The base of every set, and its name in the results."""

    name: str
    instructions: list[str]
    outputs: list[str]

    def walk(self, seed: int) -> Walk:
        """Grow texts from this base; another seed, other texts."""
        return Walk(self.instructions, self.outputs, seed)


def source(rows: Path | None) -> Source:
    """Return the rows of a file, or where there is none, text of made-up words."""
    if rows is None or not rows.exists():
        return Source("made-up words", made_up(52_000, 1), [])
    found = read_rows(rows)
    return Source(
        rows.name, [row["instruction"] for row in found], [row["output"] for row in found]
    )


def pool(base: Source, size: int) -> list[str]:
    """Return `size` texts: the real ones, then grown ones that the fast tier accepted."""
    texts = base.instructions[:size]
    if len(texts) == size:
        return texts
    filter_ = Ours("fast")
    filter_.load(texts)
    candidates = base.walk(11).texts()
    while len(texts) < size:
        batch = list(islice(candidates, _BATCH))
        verdicts = filter_.admit(batch)
        texts += [text for text, match in zip(batch, verdicts, strict=True) if match is None]
        _tell(len(texts), size)
    return texts[:size]


def with_edits(texts: list[str], seed: int) -> list[str]:
    """Return odd texts, then texts with an edited earlier one after every fourth."""
    rng = np.random.default_rng(seed)
    words = sorted({word for text in texts for word in text.split()})
    result = list(_ODD)
    for row, text in enumerate(texts):
        result.append(text)
        if row % 4 == 3:
            rate = float(rng.uniform(0.05, 0.6))
            result.append(edited(texts[int(rng.integers(row + 1))], rate, words, rng))
    return result


def batches(texts: list[str], size: int, each: Callable[[list[str]], None]) -> None:
    """Hand texts over in batches, in order."""
    for first in range(0, len(texts), size):
        each(texts[first : first + size])


def _tell(done: int, size: int) -> None:
    """Say how far a pool has grown, every hundred thousand."""
    if done % 100_000 < _BATCH:
        click.echo(f"  {done:,} of {size:,} texts", err=True)
