"""Novelty: is a text too much like one that came before?"""

from selfinstruct.novelty.base import Match, Novelty
from selfinstruct.novelty.rouge import RougeL

__all__ = ["Match", "Novelty", "RougeL"]
