"""Novelty: is a text too much like one that came before?"""

from selfinstruct.novelty.base import Match, Novelty
from selfinstruct.novelty.layered import Layered
from selfinstruct.novelty.minhash import MinHash
from selfinstruct.novelty.rouge import RougeL
from selfinstruct.novelty.semantic import Semantic, open_embedder

__all__ = ["Layered", "Match", "MinHash", "Novelty", "RougeL", "Semantic", "open_embedder"]
