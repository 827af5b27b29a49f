"""Long texts in the index of pairs, which are found by tokens that are near each other."""

from random import Random

import pytest
from indexes import find_hidden

from selfinstruct.novelty.pairs.index import FIRST_REBUILD


@pytest.mark.parametrize("threshold", [0.5, 0.6, 2 / 3, 0.7, 0.8, 6 / 7])
def test_common_tokens_may_be_far_apart(threshold: float) -> None:
    """Rare tokens of one text alone, however they lie between common ones, hide no match."""
    random = Random(threshold)
    matched = [find_hidden(random, threshold, FIRST_REBUILD - 1) for _ in range(3)]
    assert sum(matched) > FIRST_REBUILD
