"""Rationales: outputs that reason before they answer.

Decides: where an output ends its reasoning and states its answer. Does not know: whether either
is right.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

MIN_RATIONALE = 40
"""Characters before the answer. A shorter text leads to nothing."""

MAX_TAIL = 300
"""Characters at the end that are looked at: the statement of an answer is one sentence."""


class Reasoned(NamedTuple):
    """An output in two parts."""

    rationale: str
    answer: str


def reasoned(output: str, words: Sequence[str], marks: Sequence[str]) -> Reasoned | None:
    """Split an output by the marks of its language; None where it states no answer at its end.

    Only an output that has one of the `words` there is searched: that is most of the time saved.
    """
    if len(output) < MIN_RATIONALE:
        return None
    start = max(0, len(output) - MAX_TAIL)
    tail = output[start:].lower()
    for word in words:
        if word in tail:
            break
    else:
        return None
    for mark in marks:
        found = _compiled(mark).search(output, start)
        if found and (answer := found["answer"].strip()):
            rationale = output[: found.start()].rstrip()
            if len(rationale) >= MIN_RATIONALE:
                return Reasoned(rationale, answer)
    return None


@lru_cache(maxsize=256)
def _compiled(mark: str) -> re.Pattern[str]:
    return re.compile(mark)
