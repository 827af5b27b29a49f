"""Novelty: is a text too much like one that came before?

Decides: that an index is imported when it is used; who asks for the type of a match, or exports a
run, does not wait for numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from selfinstruct.novelty.base import Match, Novelty

if TYPE_CHECKING:
    from selfinstruct.novelty.layered import Layered
    from selfinstruct.novelty.minhash import MinHash
    from selfinstruct.novelty.rouge import RougeL
    from selfinstruct.novelty.semantic import Semantic, open_embedder

__all__ = ["Layered", "Match", "MinHash", "Novelty", "RougeL", "Semantic", "open_embedder"]

_PLACES = {
    "Layered": "layered",
    "MinHash": "minhash",
    "RougeL": "rouge",
    "Semantic": "semantic",
    "open_embedder": "semantic",
}


def __getattr__(name: str) -> object:
    """Import what is asked for by name."""
    if name not in _PLACES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
