"""Embedders of our own for the tests of semantic novelty, and a judge that has seen texts."""

import numpy as np

from selfinstruct.novelty.semantic import Embedder, Semantic, Vectors


class Letters:
    """An embedder of our own: how often each of six letters occurs, of any length.

    Small whole numbers make cosines that are equal, and equal to thresholds, all the time.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> Vectors:
        """Count letters; a text without one of them says nothing."""
        self.asked += texts
        rows = [[text.count(letter) for letter in "abcdef"] for text in texts]
        return np.array(rows, dtype=np.float32)


class Table:
    """An embedder of our own: a text is the number of a row."""

    def __init__(self, rows: Vectors) -> None:
        self.rows = rows

    def encode(self, texts: list[str]) -> Vectors:
        """Look rows up."""
        return self.rows[[int(text) for text in texts]]


def remembering(texts: list[str], threshold: float, embedder: Embedder | None = None) -> Semantic:
    """Return a judge that has seen some texts; their ids are their places."""
    judge = Semantic(embedder or Letters(), threshold)
    judge.add_all((str(place), text) for place, text in enumerate(texts))
    return judge
