"""Ways to find near-duplicate rows by shingles, each with the same interface.

`run(texts)` returns for every row None (kept), the earlier row it repeats, or UNNAMED (a
duplicate, of what is not said). Who cuts a text into shingles and who verifies differs, and
`note` says it: the times of all of them are from text to verdict.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from measure import library
from numpy.typing import NDArray

from selfinstruct.text import Tokeniser, rouge_tokens

UNNAMED = -1
Verdicts = list[int | None]
_BATCH = 1000
_MIN, _PERMUTATIONS = 0.8, 128


def shingles(text: str, cut: Tokeniser = rouge_tokens) -> list[str]:
    """Return the 3-grams of a text's words; of a shorter text, the text."""
    found = cut(text)
    if len(found) < 3:
        return [" ".join(found)]
    return [f"{a} {b} {c}" for a, b, c in zip(found, found[1:], found[2:], strict=False)]


class Finder(Protocol):
    """A way to find near-duplicates.

    `both`: it may report either row of a pair. `own`: it cuts words as this package does, and is
    held to the truth of those; the others get the words that are quickest to cut.
    """

    note: str
    both: bool
    own: bool

    def run(self, texts: list[str]) -> Verdicts:
        """Judge every row."""
        ...


class Ours:
    """The class of this package."""

    note = "own shingling in the kernel; 3-grams; every report verified by exact Jaccard"
    both = False
    own = True

    def run(self, texts: list[str]) -> Verdicts:
        """Admit rows in batches of a thousand."""
        finder = library("selfinstruct.novelty.minhash").MinHash(min_jaccard=_MIN)
        result: Verdicts = []
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            named = [(str(first + row), text) for row, text in enumerate(batch)]
            result += [None if m is None else int(m.id) for m in finder.admit(named)]
        return result


class Datasketch:
    """datasketch as its documentation shows it: bulk signatures, query, then insert."""

    note = "3-grams by Python; default bands for 0.8 (9 of 13); not verified"
    both = False
    own = False

    def run(self, texts: list[str]) -> Verdicts:
        """Query each row before it is inserted."""
        module = library("datasketch")
        index = module.MinHashLSH(threshold=_MIN, num_perm=_PERMUTATIONS)
        sets = ([s.encode() for s in set(shingles(text))] for text in texts)
        signatures = module.MinHash.generator(sets, num_perm=_PERMUTATIONS)
        result: Verdicts = []
        for row, signature in enumerate(signatures):
            hits = index.query(signature)
            result.append(min(hits) if hits else None)
            if not hits:
                index.insert(row, signature)
        return result


class RensaStreaming:
    """rensa's streaming deduplicator, as its README shows it."""

    both = False
    own = False

    def __init__(self, bands: int | None) -> None:
        self._bands = bands
        named = f"{bands} bands" if bands else "default bands"
        self.note = f"3-grams by Python; {named}; verified by the estimate of the signatures"

    def run(self, texts: list[str]) -> Verdicts:
        """Feed pairs of key and shingles."""
        maker = library("rensa").RMinHashDeduplicator
        finder = maker(_MIN, _PERMUTATIONS, use_lsh=True, num_bands=self._bands)
        kept = finder.add_pairs((str(row), shingles(text)) for row, text in enumerate(texts))
        return [None if keep else UNNAMED for keep in kept]


class RensaMatrix:
    """rensa's fastest way for whole sets: a matrix of signatures, then flags in one call."""

    note = "3-grams by Python; 16 bands; not verified; flags both rows of a pair"
    both = True
    own = False

    def run(self, texts: list[str]) -> Verdicts:
        """Flag all rows at once."""
        module = library("rensa")
        sets = [shingles(text) for text in texts]
        matrix = module.RMinHash.digest_matrix_from_token_sets(sets, _PERMUTATIONS, 42)
        index = module.RMinHashLSH(_MIN, _PERMUTATIONS, 16)
        flags = index.query_duplicate_flags_matrix_one_shot(matrix)
        return [UNNAMED if flag else None for flag in flags]


class Datatrove:
    """datatrove's pipeline steps in one process: signatures, buckets, clusters, on disk."""

    both = True
    own = False

    def __init__(self, grams: int) -> None:
        self._grams = grams
        self.note = f"own shingling: {grams}-grams of spaCy words; 14 bands of 8; not verified"

    def run(self, texts: list[str]) -> Verdicts:
        """Run the three steps, then read which rows the last one removes."""
        steps = library("datatrove.pipeline.dedup.minhash")
        library("loguru").logger.remove()
        document = library("datatrove.data").Document
        config = steps.MinhashConfig(n_grams=self._grams)
        with tempfile.TemporaryDirectory() as folder:
            paths = [str(Path(folder, name)) for name in ("signatures", "buckets", "removed")]
            rows = (document(text=text, id=str(row)) for row, text in enumerate(texts))
            steps.MinhashDedupSignature(paths[0], config, "en").run(rows, 0, 1)
            for rank in range(config.num_buckets):
                buckets = steps.MinhashDedupBuckets(paths[0], paths[1], config=config)
                buckets.run(None, rank, config.num_buckets)
            steps.MinhashDedupCluster(paths[1], paths[2], config).run(None, 0, 1)
            file = Path(paths[2], "000000.remove")
            removed = set(np.fromfile(file, "<u4").tolist()) if file.exists() else set()
        return [UNNAMED if row in removed else None for row in range(len(texts))]


class _WordLlama:
    """A static embedding whose weights come inside a package, as semhash's encoder."""

    def __init__(self) -> None:
        module = library("wordllama")
        here = Path(module.__file__).parent
        self._model = module.WordLlama.load(cache_dir=here, disable_download=True)

    def encode(self, inputs: list[str], **_: object) -> NDArray[np.float32]:
        """Return one vector a text."""
        vectors: NDArray[np.float32] = self._model.embed(list(inputs))
        return vectors


class SemHash:
    """semhash: nearest neighbours of embeddings; another notion of a duplicate."""

    note = "embeddings of WordLlama 256 (comes in a package), cosine 0.9: semantic, not 3-grams"
    both = True
    own = False

    def run(self, texts: list[str]) -> Verdicts:
        """Deduplicate the whole set and find the removed rows again by their text."""
        maker = library("semhash").SemHash
        result = maker.from_records(texts, model=_WordLlama()).self_deduplicate(threshold=0.9)
        places: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            places.setdefault(text, []).append(row)
        removed = {places[duplicate.record].pop() for duplicate in result.filtered}
        return [UNNAMED if row in removed else None for row in range(len(texts))]


class ShinglingOnly:
    """No peer: what cutting into 3-grams by Python alone costs those that are fed by it."""

    note = "3-grams by Python and nothing else"
    both = False
    own = False

    def run(self, texts: list[str]) -> Verdicts:
        """Cut and throw away."""
        for text in texts:
            shingles(text)
        return [None] * len(texts)


OURS, ALONE = "ours", "(3-grams by Python alone)"
_MAKERS: dict[str, tuple[str, Callable[[], Finder]]] = {
    OURS: ("selfinstruct.novelty.minhash", Ours),
    "rensa, matrix": ("rensa", RensaMatrix),
    "rensa, streaming": ("rensa", lambda: RensaStreaming(None)),
    "rensa, streaming, 16 bands": ("rensa", lambda: RensaStreaming(16)),
    "datasketch": ("datasketch", Datasketch),
    "datatrove": ("datatrove", lambda: Datatrove(5)),
    "datatrove, 3-grams": ("datatrove", lambda: Datatrove(3)),
    "semhash": ("semhash", SemHash),
    ALONE: ("numpy", ShinglingOnly),
}


def finders() -> Iterator[tuple[str, Finder]]:
    """Yield the finders that are installed here, by name."""
    for name, (needs, make) in _MAKERS.items():
        if library(needs):
            yield name, make()
