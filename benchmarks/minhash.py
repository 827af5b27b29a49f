"""Near-duplicate rows: rows a second from text to verdict, recall and precision.

Rows are instruction, input and output joined by newlines; every tenth gets an edited copy
somewhere after it. The truth is the exact Jaccard of the sets of 3-grams of every row with
every other (no hashing, no sampling).
"""

import numpy as np
from measure import interleaved
from minhash_peers import UNNAMED, Finder, Verdicts, finders, shingles
from numpy.typing import NDArray
from synthetic import edited

from selfinstruct.text import Tokeniser, rouge_tokens, tokens

Numbers = dict[str, object]
Floats = NDArray[np.float64]
_MIN = 0.8


def planted(rows: list[str], seed: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Return rows with edited copies among them, and the places of (row, its copy)."""
    rng = np.random.default_rng(seed)
    words = sorted({word for row in rows for word in row.split()})
    keyed = [(float(place), place, False, row) for place, row in enumerate(rows)]
    for place in range(0, len(rows), 10):
        copy = edited(rows[place], float(rng.uniform(0.01, 0.1)), words, rng)
        keyed.append((float(rng.uniform(place + 0.5, len(rows))), place, True, copy))
    keyed.sort(key=lambda item: item[0])
    originals = {place: at for at, (_, place, copied, _) in enumerate(keyed) if not copied}
    pairs = [(originals[place], at) for at, (_, place, copied, _) in enumerate(keyed) if copied]
    return [text for *_, text in keyed], pairs


class Truth:
    """The exact Jaccard of 3-gram sets, by lists of the rows that hold each 3-gram."""

    def __init__(self, texts: list[str], cut: Tokeniser) -> None:
        numbers: dict[str, int] = {}
        self._sets = [
            np.array([numbers.setdefault(s, len(numbers)) for s in set(shingles(text, cut))])
            for text in texts
        ]
        self._sizes = np.array([len(found) for found in self._sets])
        flat = np.concatenate(self._sets)
        rows = np.repeat(np.arange(len(texts)), self._sizes)
        self._rows = rows[np.argsort(flat, kind="stable")]
        counts = np.bincount(flat, minlength=len(numbers))
        self._ends = np.cumsum(counts)
        self._starts = self._ends - counts

    def with_all(self, row: int) -> Floats:
        """Return the Jaccard of one row with every row; with itself, zero."""
        own = self._sets[row]
        lists = [self._rows[a:b] for a, b in zip(self._starts[own], self._ends[own], strict=True)]
        common = np.bincount(np.concatenate(lists), minlength=len(self._sets))
        scores: Floats = common / (self._sizes + len(own) - common)
        scores[row] = 0.0
        return scores

    def wanted(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the pairs that are near-duplicates."""
        return [(row, copy) for row, copy in pairs if self.with_all(copy)[row] >= _MIN]

    def best(self) -> tuple[Floats, Floats]:
        """Return for each row the best Jaccard with an earlier row, and with any."""
        earlier = np.zeros(len(self._sets))
        anywhere = np.zeros(len(self._sets))
        for row in range(len(self._sets)):
            scores = self.with_all(row)
            earlier[row] = scores[:row].max(initial=0.0)
            anywhere[row] = scores.max(initial=0.0)
        return earlier, anywhere


class _Run:
    """One finder on one set; keeps what it said."""

    def __init__(self, finder: Finder, texts: list[str]) -> None:
        self.finder = finder
        self.verdicts: Verdicts = []
        self._texts = texts
        finder.run(texts[:50])  # what is compiled or loaded at first use

    def __call__(self) -> None:
        """Find the duplicates."""
        self.verdicts = self.finder.run(self._texts)


def minhash_section(rows: list[str], base: str, rounds: int) -> Numbers:
    """Measure every finder that is installed."""
    texts, pairs = planted(rows, 3)
    truths = {True: Truth(texts, tokens), False: Truth(texts, rouge_tokens)}
    wanted = {own: truth.wanted(pairs) for own, truth in truths.items()}
    best = {own: truth.best() for own, truth in truths.items()}
    runs = {name: _Run(finder, texts) for name, finder in finders()}
    least = interleaved(runs, rounds)
    found: Numbers = {}
    for name, run in runs.items():
        finder = run.finder
        scores = best[finder.own][finder.both]
        found[name] = {
            "rows per second": len(texts) / least[name],
            "note": finder.note,
            **_quality(run.verdicts, wanted[finder.own], scores, both=finder.both),
            "named pairs below": _below(run.verdicts, truths[finder.own]),
        }
    return {
        "base": base,
        "rows": len(texts),
        "planted": len(pairs),
        "planted at 0.8 or more": len(wanted[True]),
        "rows with an earlier one at 0.8 or more": int((best[True][0] >= _MIN).sum()),
        "rounds": rounds,
        "finders": found,
    }


def _quality(
    verdicts: Verdicts, pairs: list[tuple[int, int]], best: Floats, *, both: bool
) -> Numbers:
    """Return recall over the planted pairs, and which part of the reports is true."""
    flags = np.array([verdict is not None for verdict in verdicts])
    caught = sum(bool(flags[copy] or (both and flags[row])) for row, copy in pairs)
    true = int((flags & (best >= _MIN)).sum())
    reported = int(flags.sum())
    return {
        "reported": reported,
        "recall of planted": caught / max(1, len(pairs)),
        "precision": true / reported if reported else None,
    }


def _below(verdicts: Verdicts, truth: Truth) -> int:
    """Count the reported pairs (where the earlier row is named) that are below 0.8."""
    named = [(row, other) for row, other in enumerate(verdicts) if other not in {None, UNNAMED}]
    return sum(bool(truth.with_all(row)[other] < _MIN) for row, other in named)
