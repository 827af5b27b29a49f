"""Sets larger than any real one, grown from real instructions; and planted near-duplicates.

A new text is a walk through the real ones: after each token the walk goes on, or jumps to
another place where the last two tokens (or the last one) stand; rare tokens are sometimes
replaced by a word of the outputs. The vocabulary does not grow with the set, so the lists of an
index grow faster than real text would make them: a pessimistic case. Where there are no rows,
the base is text of made-up words with Zipf's frequencies.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from selfinstruct.text import rouge_tokens

Ints = NDArray[np.int64]

_BIGRAM_JUMP, _TOKEN_JUMP, _REPLACE = 0.35, 0.10, 0.35
_RARE = 200
_LONGEST = 64


def made_up(count: int, seed: int) -> list[str]:
    """Return texts of made-up words: some ten tokens each, word frequencies as in English."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(2.25, 0.4, count), 2, _LONGEST).astype(int)
    ranks = (14_000 ** rng.random(int(lengths.sum()))).astype(int)
    words = iter(np.char.add("w", ranks.astype(str)).tolist())
    return [" ".join(next(words) for _ in range(length)) for length in lengths]


class Walk:
    """Grows texts from a base; `outputs` lends the words that replace rare ones."""

    def __init__(self, base: Sequence[str], outputs: Sequence[str], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        documents = [found for found in map(rouge_tokens, base) if found]
        lent = Counter(token for text in outputs for token in rouge_tokens(text))
        frequency = Counter(token for document in documents for token in set(document))
        self._words = list(dict.fromkeys([*frequency, *lent]))
        numbers = {word: number for number, word in enumerate(self._words)}
        end = len(self._words)
        flat = [n for document in documents for n in (*(numbers[t] for t in document), end)]
        self._tokens: Ints = np.array(flat, dtype=np.int64)
        self._starts: Ints = np.concatenate([[0], np.nonzero(self._tokens == end)[0][:-1] + 1])
        self._rare = np.array([0 < frequency[word] <= _RARE for word in self._words] + [False])
        pool = lent or frequency
        self._lent: Ints = np.array([numbers[word] for word in pool], dtype=np.int64)
        weights = np.array(list(pool.values()), dtype=np.float64) ** 0.75
        self._cumulative = np.cumsum(weights / weights.sum())
        previous = np.concatenate([[end], self._tokens[:-1]])
        self._by_bigram = _Places(previous * (end + 1) + self._tokens)
        self._by_token = _Places(self._tokens)

    def texts(self, block: int = 50_000) -> Iterator[str]:
        """Yield new texts for ever."""
        while True:
            yield from self._block(block)

    def _block(self, count: int) -> list[str]:
        """Walk `count` texts side by side, one token of each at a time."""
        end = len(self._words)
        place = self._rng.choice(self._starts, count)
        grown = np.full((count, _LONGEST), end, dtype=np.int64)
        alive = np.arange(count)
        for step in range(_LONGEST):
            token = self._tokens[place]
            going = token != end
            alive, place, token = alive[going], place[going], token[going]
            if not len(alive):
                break
            grown[alive, step] = self._replaced(token)
            place = self._moved(place) + 1
        words = self._words
        return [" ".join([words[n] for n in row if n != end]) for row in grown.tolist()]

    def _replaced(self, token: Ints) -> Ints:
        """Replace some of the rare tokens by a word of the outputs."""
        swap = self._rare[token] & (self._rng.random(len(token)) < _REPLACE)
        drawn = np.searchsorted(self._cumulative, self._rng.random(int(swap.sum())))
        result = token.copy()
        result[swap] = self._lent[np.minimum(drawn, len(self._lent) - 1)]
        return result

    def _moved(self, place: Ints) -> Ints:
        """Jump to another place of the same two tokens, or of the same token, or stay."""
        dice = self._rng.random(len(place))
        moved = place.copy()
        for places, low, high in (
            (self._by_bigram, 0.0, _BIGRAM_JUMP),
            (self._by_token, _BIGRAM_JUMP, _BIGRAM_JUMP + _TOKEN_JUMP),
        ):
            jump = (dice >= low) & (dice < high)
            moved[jump] = places.other(place[jump], self._rng)
        return moved


class _Places:
    """For each place of the corpus, the places that hold the same key."""

    def __init__(self, keys: Ints) -> None:
        self._order = np.argsort(keys, kind="stable")
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        self._group = inverse
        self._count = counts
        self._first = np.concatenate([[0], np.cumsum(counts)[:-1]])

    def other(self, place: Ints, rng: np.random.Generator) -> Ints:
        """Return for each place one, drawn evenly, that has the same key."""
        group = self._group[place]
        drawn = (rng.random(len(place)) * self._count[group]).astype(np.int64)
        found: Ints = self._order[self._first[group] + drawn]
        return found


def edited(text: str, rate: float, words: Sequence[str], rng: np.random.Generator) -> str:
    """Return a text with each word kept, or with probability `rate` replaced, cut or doubled."""
    result: list[str] = []
    for word in text.split(" "):
        if rng.random() >= rate:
            result.append(word)
            continue
        kind = rng.integers(3)
        if kind == 0:
            result.append(words[int(rng.integers(len(words)))])
        elif kind == 1:
            result += [word, words[int(rng.integers(len(words)))]]
    return " ".join(result)
