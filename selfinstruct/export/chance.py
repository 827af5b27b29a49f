"""Numbers that follow from a text: the only chance in an export.

Decides: how a choice is made from the id of a row, so that it stays when the set grows. Does not
know: what is chosen.
"""

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

Choice = TypeVar("Choice")

_WHOLE = 1 << 64
_EIGHT = struct.Struct(">8Q")


def numbers(text: str) -> tuple[int, ...]:
    """Return eight numbers of 64 bits that depend on the text alone (BLAKE2b)."""
    return _EIGHT.unpack(blake2b(text.encode("utf-8", "replace")).digest())


def fraction(number: int) -> float:
    """Return a number of 64 bits as a fraction, from 0 to below 1."""
    return (number >> 11) / (_WHOLE >> 11)


def weighted(number: int, weights: Sequence[tuple[Choice, float]]) -> Choice:
    """Choose by weight; there must be one above zero."""
    if len(weights) == 1:
        return weights[0][0]
    place = fraction(number) * sum(weight for _, weight in weights)
    for choice, weight in weights:
        place -= weight
        if place < 0:
            return choice
    return max(weights, key=lambda one: one[1])[0]  # rounding at the very end


def shuffled(items: Sequence[str], text: str) -> list[str]:
    """Return items in an order that depends on them and on a text."""
    return sorted(items, key=lambda item: numbers(f"{text}/{item}"))
