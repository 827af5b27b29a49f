"""Ways to ask "is this text too much like an earlier one?", each with the same interface.

`load(texts)` takes the earlier texts, `query(texts)` says for each new one whether its ROUGE-L
with any of them is above 0.7. All of them give the same answers. None but ours stops early or
leaves pairs out, so their cost is linear in the number of earlier texts; `sample` says on how
many queries and earlier texts a slow one is measured (None: on all).
"""

import os
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from typing import Any, Literal, Protocol

import numpy as np
from measure import THRESHOLD, library
from novelty_rapidfuzz import Cdist, ExtractOne, Sample

from selfinstruct.novelty import Match, RougeL
from selfinstruct.novelty.pairs.index import Batch, PairIndex
from selfinstruct.novelty.vocabulary import Vocabulary
from selfinstruct.text import rouge_tokens


class Peer(Protocol):
    """A way to compare new texts with earlier ones."""

    sample: Sample

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        ...

    def query(self, texts: list[str]) -> list[bool]:
        """Say for each text whether an earlier one is too much like it."""
        ...


class Ours:
    """The class of this package, by tier."""

    def __init__(
        self, tier: Literal["fast", "plain"], sample: Sample = None, batch: int = 20
    ) -> None:
        self.index = RougeL(max_similarity=THRESHOLD, tokenise=rouge_tokens, tier=tier)
        self.sample = sample
        self._batch = batch
        self._count = 0

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        self.index.add_all(self._named(texts))

    def query(self, texts: list[str]) -> list[bool]:
        """Ask for a batch at a time."""
        found: list[Match | None] = []
        for first in range(0, len(texts), self._batch):
            found += self.index.nearest_all(texts[first : first + self._batch])
        return [match is not None for match in found]

    def admit(self, texts: list[str]) -> list[Match | None]:
        """Judge a batch in order and keep what is new."""
        return self.index.admit(self._named(texts))

    def _named(self, texts: list[str]) -> list[tuple[str, str]]:
        first = self._count
        self._count += len(texts)
        return [(str(first + row), text) for row, text in enumerate(texts)]


class IndexAlone:
    """The index of the fast tier without what is around it: tokens are numbers already."""

    sample: Sample = None

    def __init__(self) -> None:
        self._index = PairIndex(THRESHOLD)
        self._vocabulary = Vocabulary()
        self._ready: dict[tuple[str, ...], Batch] = {}

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        self._index.insert(self._batch([self._vocabulary.learn(rouge_tokens(t)) for t in texts]))

    def query(self, texts: list[str]) -> list[bool]:
        """Ask for all at once; the first time they are turned into numbers."""
        key = tuple(texts)
        if key not in self._ready:
            numbers = [self._vocabulary.read(rouge_tokens(text)) for text in texts]
            self._ready[key] = self._batch(numbers)
        return [row >= 0 for row in self._index.nearest(self._ready[key], cores=1).texts.tolist()]

    @staticmethod
    def _batch(numbers: list[list[int]]) -> Batch:
        starts = np.cumsum([0, *map(len, numbers)])
        return Batch(np.array([one for text in numbers for one in text], np.int32), starts)


def warm_up(texts: list[str]) -> None:
    """Let what is compiled or cached at first use be so, a first rebuild included."""
    peer = Ours("fast")
    peer.admit(texts[:2000])
    peer.query(texts[:20])


class PerPair:
    """`RougeScorer(["rougeL"]).score` on every pair: rouge-score, or its drop-in rapidrouge."""

    sample: Sample = (24, 256)

    def __init__(self, package: str) -> None:
        self._scorer = library(f"{package}.rouge_scorer").RougeScorer(["rougeL"])
        self._texts: list[str] = []

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        self._texts = texts

    def query(self, texts: list[str]) -> list[bool]:
        """Score every pair."""
        return [max(self.scores(text), default=0.0) > THRESHOLD for text in texts]

    def scores(self, text: str) -> list[float]:
        """Return the F-measure with every earlier text."""
        score = self._scorer.score
        return [score(text, earlier)["rougeL"].fmeasure for earlier in self._texts]


class ReferenceLoop:
    """As Self-Instruct runs it: for each candidate four processes map `score` over all texts."""

    sample: Sample = (12, 2048)

    def __init__(self) -> None:
        self._scorer = library("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
        self._texts: list[str] = []

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        self._texts = texts

    def query(self, texts: list[str]) -> list[bool]:
        """Start a pool for each text, as the reference does."""
        return [self._best(text) > THRESHOLD for text in texts]

    def _best(self, text: str) -> float:
        with get_context("fork").Pool(4) as processes:
            scored = processes.map(partial(self._scorer.score, text), self._texts)
        return max((score["rougeL"].fmeasure for score in scored), default=0.0)


class AlpacaLoop:
    """As Stanford Alpaca runs it: tokens made once, `_score_lcs` mapped by a pool of processes."""

    sample: Sample = (12, 2048)

    def __init__(self) -> None:
        scorer = library("rouge_score.rouge_scorer")
        tokenizer = library("rouge_score.tokenizers").DefaultTokenizer(use_stemmer=False)
        self._tokenize: Callable[[str], list[str]] = tokenizer.tokenize
        self._score_lcs = scorer._score_lcs  # noqa: SLF001 (so does Alpaca)
        self._tokens: list[list[str]] = []

    def load(self, texts: list[str]) -> None:
        """Tokenise the earlier texts."""
        self._tokens = [self._tokenize(text) for text in texts]

    def query(self, texts: list[str]) -> list[bool]:
        """Start a pool for each text, with a process for each core."""
        return [self._best(self._tokenize(text)) > THRESHOLD for text in texts]

    def _best(self, tokens: list[str]) -> float:
        with get_context("fork").Pool(os.cpu_count()) as processes:
            scored = processes.map(partial(self._score_lcs, tokens), self._tokens)
        return max((score.fmeasure for score in scored), default=0.0)


class RougeScoreRs:
    """rouge-score-rs (Rust): `score_batch` of one text against all."""

    sample: Sample = (24, 8192)

    def __init__(self) -> None:
        self._scorer = library("rouge_score_rs.rouge_scorer").RougeScorer(["rougeL"])
        self._texts: list[str] = []

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        self._texts = texts

    def query(self, texts: list[str]) -> list[bool]:
        """Score every pair, one batch for a text."""
        return [self._best(text) > THRESHOLD for text in texts]

    def _best(self, text: str) -> float:
        scored = self._scorer.score_batch([text] * len(self._texts), self._texts)
        return max((score["rougeL"].fmeasure for score in scored), default=0.0)


class RougeRust:
    """rouge-rust (Rust): `score_batch_flat`; it always computes ROUGE-1 and ROUGE-2 too."""

    sample: Sample = (24, 8192)

    def __init__(self) -> None:
        self._score: Any = library("fast_rouge").score_batch_flat
        self._texts: list[str] = []

    def load(self, texts: list[str]) -> None:
        """Take the earlier texts."""
        self._texts = texts

    def query(self, texts: list[str]) -> list[bool]:
        """Score every pair, one batch for a text."""
        return [self._best(text) > THRESHOLD for text in texts]

    def _best(self, text: str) -> float:
        scored = self._score([text] * len(self._texts), self._texts)
        return max(scored.rougeL_fmeasure, default=0.0)


FAST, PLAIN = "ours, fast tier", "ours, plain tier"  # in batches of twenty: a model's reply
FAST_LARGE = "ours, fast tier, by 2000"
INDEX = "ours, the index alone, tokens ready"
CDIST, EXTRACT = "rapidfuzz cdist x16", "rapidfuzz extractOne"
# What a peer needs beside numpy and rapidfuzz, and how it is made.
_MAKERS: dict[str, tuple[str, Callable[[], Peer]]] = {
    FAST: ("numba", lambda: Ours("fast")),
    FAST_LARGE: ("numba", lambda: Ours("fast", batch=2000)),
    INDEX: ("numba", IndexAlone),
    PLAIN: ("numpy", lambda: Ours("plain", (48, 50_000))),
    CDIST: ("rapidfuzz", Cdist),
    EXTRACT: ("rapidfuzz", ExtractOne),
    "rouge-rust batch": ("fast_rouge", RougeRust),
    "rouge-score-rs batch": ("rouge_score_rs", RougeScoreRs),
    "rapidrouge per pair": ("rapidrouge", lambda: PerPair("rapidrouge")),
    "rouge-score per pair": ("rouge_score", lambda: PerPair("rouge_score")),
    "Alpaca's loop": ("rouge_score", AlpacaLoop),
    "Self-Instruct's loop": ("rouge_score", ReferenceLoop),
}


def makers() -> dict[str, Callable[[], Peer]]:
    """Return the peers that are installed here, by name."""
    return {name: make for name, (needs, make) in _MAKERS.items() if library(needs)}
