"""Arrays that hold many parts one after the other, and grow: appending takes constant time."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return an array of at least `size` items that begins with the old ones, then zeros.

    One that is large enough is returned as it is; others grow by half or more. Large new pages
    are zero and take no memory until they are used.
    """
    if size <= len(array):
        return array
    larger = np.zeros(max(size, len(array) * 3 // 2), array.dtype)
    larger[: len(array)] = array
    return larger


def starts_of(lengths: Iterable[int]) -> NDArray[np.int64]:
    """Return where parts of these lengths begin, laid one after the other, and where they end."""
    return np.array([0, *accumulate(lengths)], np.int64)
