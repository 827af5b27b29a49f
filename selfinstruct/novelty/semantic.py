"""Semantic novelty: every earlier text is compared by the cosine of their embeddings.

Decides: what two texts being alike in meaning is (the cosine of the vectors that an embedding
model gives them), and which earlier one is nearest. Does not know: what a task is, what happens
to a text that is too similar, or how a model computes.

A decision does not depend on the size of batches, nor on which texts came together. Each text
is embedded alone: in company the last bits of its vector change. Matrix products, whose last
bits change with their shape, only choose candidates, with a margin above their worst error; the
cosines of those are computed again in a fixed order and rounded to six decimals, so that a text
is like itself by 1.0. Another machine or number of threads may differ in the last decimal.

Measured with all-MiniLM-L6-v2 on the English pairs of tests/cases/paraphrases.jsonl, how many are
alike at a threshold (0.8 is a fair one with this model; ROUGE-L above 0.7: 0, 5, 0):

    min_similarity                                      0.9   0.8   0.7   0.6
    of 16 paraphrases                                     2    10    16    16
    of 16 on one topic that ask for something else        0     0     1     7
    of 8 unrelated                                        0     0     0     0

No threshold parts its Chinese ones: take a multilingual model for other languages. A transformer
reads only the first tokens of a text, 256 with this one.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from selfinstruct.errors import EngineError, InputError, unknown_name
from selfinstruct.novelty.base import Match

Vectors = NDArray[np.float32]
KINDS = ("sentence-transformers", "model2vec")

BATCH = 256  # texts embedded, and compared with the earlier ones, in one go
BLOCK = 4096  # earlier texts compared in one go: a block and its product stay small
DECIMALS = 6  # of a cosine: the vectors are of single precision


class Embedder(Protocol):
    """Gives texts their vectors, each independent of its company."""

    def encode(self, texts: list[str]) -> Vectors:
        """Return a row for each text, of any length; of zeros for one that says nothing to it."""
        ...


class Semantic:
    """The texts so far, and the cosine from which a new one is not new.

    The model is a spec for `open_embedder`, or an embedder. A blank text, or one that leaves the
    model no token, has no vector: it is like none, and is not kept.
    """

    measure = "cosine"

    def __init__(
        self, model: str | Embedder, min_similarity: float = 0.9, *, batch: int = BATCH
    ) -> None:
        if not 0 <= min_similarity <= 1:
            raise InputError(f"min_similarity is {min_similarity}", hint="give 0 to 1, such as 0.9")
        self.min_similarity = min_similarity
        self._embedder = open_embedder(model) if isinstance(model, str) else model
        self._batch = batch
        self._ids: list[str] = []
        self._rows: Vectors = np.zeros((0, 0), dtype=np.float32)
        self._last: dict[str, Vectors | None] = {}

    def __len__(self) -> int:
        """Return how many texts are kept."""
        return len(self._ids)

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text."""
        self.add_all([(id, text)])

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs, in order."""
        for batch in self._batches(list(texts)):
            for (name, _), vector in zip(batch, self._embed(batch), strict=True):
                if vector is not None:
                    self._keep(name, vector)

    def nearest(self, text: str) -> Match | None:
        """Return the earlier text with the highest cosine, if that reaches the threshold.

        Of several with the same cosine, the earliest. None when there is none.
        """
        (vector,) = self._embed([("", text)])
        return None if vector is None else self._match(self._best(vector[np.newaxis])[0])

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them."""
        return [match for batch in self._batches(texts) for match in self._admit(batch)]

    def _batches(self, texts: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
        for start in range(0, len(texts), self._batch):
            yield texts[start : start + self._batch]

    def _admit(self, batch: Sequence[tuple[str, str]]) -> Iterator[Match | None]:
        """Compare a batch with what was there in one product, then with what it adds itself."""
        vectors = self._embed(batch)
        frozen = len(self)
        queries = [vector for vector in vectors if vector is not None]
        before = iter(self._best(np.stack(queries)) if queries else ())
        for (name, _), vector in zip(batch, vectors, strict=True):
            if vector is None:
                yield None
                continue
            since = self._best(vector[np.newaxis], first=frozen)[0]
            match = self._match(max(next(before), since, key=lambda best: best[0]))
            if match is None:
                self._keep(name, vector)
            yield match

    def _match(self, best: tuple[float, int]) -> Match | None:
        score, row = best
        return None if row < 0 else Match(self._ids[row], min(score, 1.0))

    def _best(self, queries: Vectors, *, first: int = 0) -> list[tuple[float, int]]:
        """Return each query's highest cosine that matches and its first row, or (-1, -1)."""
        best = [(-1.0, -1)] * len(queries)
        # Twice the worst error of a product in single precision, and what rounding can add.
        margin = 2 * (queries.shape[1] + 2) * 2.0**-24 + 10.0**-DECIMALS
        for start in range(first, len(self), BLOCK):
            block = self._rows[start : min(start + BLOCK, len(self))]
            rough = queries @ block.T
            least = np.maximum(rough.max(axis=1), self.min_similarity) - margin
            possible = rough >= least[:, np.newaxis]
            for query in np.nonzero(possible.any(axis=1))[0]:
                rows = np.nonzero(possible[query])[0]
                cosines = _cosines(queries[query], block[rows])
                top = int(np.argmax(cosines))
                score = float(cosines[top])
                if score >= self.min_similarity and score > best[query][0]:
                    best[query] = (score, start + int(rows[top]))
        return best

    def _keep(self, name: str, vector: Vectors) -> None:
        """Store a row; the room doubles when it is full."""
        count = len(self._ids)
        if count == len(self._rows):
            room = np.zeros((max(1024, 2 * count), len(vector)), dtype=np.float32)
            room[:count] = self._rows.reshape(count, len(vector))
            self._rows = room
        self._rows[count] = vector
        self._ids.append(name)

    def _embed(self, batch: Sequence[tuple[str, str]]) -> list[Vectors | None]:
        """Return the vectors of texts, or None; the last are at hand: `add` follows `nearest`."""
        texts = dict.fromkeys(text for _, text in batch)
        fresh = [text for text in texts if text.strip() and text not in self._last]
        found = {text: self._last.get(text) for text in texts}
        if fresh:
            # Tokenisers refuse lone surrogates, which a reply can hold.
            storable = [text.encode(errors="replace").decode() for text in fresh]
            found.update(zip(fresh, _unit(self._embedder.encode(storable)), strict=True))
        self._last = found
        return [found[text] for _, text in batch]


def _cosines(vector: Vectors, rows: Vectors) -> NDArray[np.float64]:
    """Compute the cosines of a vector with some rows, each the same in any company."""
    products = rows.astype(np.float64) * vector.astype(np.float64)
    return np.asarray(np.round(products.sum(axis=1), DECIMALS) + 0.0)  # no -0.0


def _unit(rows: Vectors) -> list[Vectors | None]:
    """Bring rows to length one; a row of zeros is None."""
    wide = rows.astype(np.float64)
    if not np.isfinite(wide).all():
        raise EngineError("the embedding model gave a vector that is not made of numbers")
    lengths = np.sqrt((wide * wide).sum(axis=1))
    return [
        (row / length).astype(np.float32) if length else None
        for row, length in zip(wide, lengths, strict=True)
    ]


class SentenceTransformers:
    """Any model that the library sentence-transformers opens."""

    def __init__(self, name: str) -> None:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 (heavy)

        self._model: Any = SentenceTransformer(name)
        self._nothing = self._encode([""])

    def encode(self, texts: list[str]) -> Vectors:
        """Embed each text alone; one that has no more tokens than "" says nothing."""
        rows = self._encode(texts)
        rows[(rows == self._nothing).all(axis=1)] = 0
        return rows

    def _encode(self, texts: list[str]) -> Vectors:
        rows = self._model.encode(texts, batch_size=1, show_progress_bar=False)
        return np.array(rows, dtype=np.float32)


class Model2Vec:
    """A static model of the library model2vec: the mean of its tokens' vectors."""

    def __init__(self, name: str) -> None:
        from model2vec import StaticModel  # noqa: PLC0415 (not a dependency)

        self._model: Any = StaticModel.from_pretrained(name, force_download=False)

    def encode(self, texts: list[str]) -> Vectors:
        """Embed texts: company changes nothing here, and one of unknown words gets zeros."""
        rows = self._model.encode(texts, use_multiprocessing=False)
        return np.asarray(rows, dtype=np.float32)


def open_embedder(spec: str) -> Embedder:
    """Open the model of a spec: `KIND:MODEL`, or MODEL alone, a folder or a name on the hub.

    Raises InputError for a model that is not there, EngineError where a package is missing.
    """
    kind, name = _kind_and_name(spec)
    if not name.strip() or (name[0] in "./~" and not Path(name).is_dir()):
        hint = "for example sentence-transformers:all-MiniLM-L6-v2, or a folder"
        raise InputError(f"no such embedding model: {spec!r}", hint=hint)
    try:
        return Model2Vec(name) if kind == "model2vec" else SentenceTransformers(name)
    except ImportError as error:
        hint = "install it with: pip install 'selfinstruct[semantic]'"
        raise EngineError(f"{kind} is not installed, or not whole: {error}", hint=hint) from error
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        hint = "give a folder or a name on the Hugging Face hub; offline, a model fetched before"
        raise InputError(f"cannot open the {kind} model {name!r}: {reason}", hint=hint) from error


def _kind_and_name(spec: str) -> tuple[str, str]:
    """Split a spec; a bare folder or name is guessed."""
    kind, separator, name = spec.partition(":")
    if not separator or Path(spec).is_dir():
        try:
            config = json.loads((Path(spec) / "config.json").read_text(encoding="utf-8"))
            static = config["model_type"] == "model2vec"
        except (OSError, ValueError, KeyError, TypeError):
            static = False
        return "model2vec" if static else "sentence-transformers", spec
    if kind not in KINDS:
        raise unknown_name("kind of embedding model", kind, KINDS)
    return kind, name
