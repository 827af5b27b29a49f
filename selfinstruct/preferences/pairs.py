"""Pairs: a better and a worse response to the same task.

Decides: which two of several responses become a pair: what rules refuse is below what they keep,
and among these the judge's score decides. Does not know: how responses come about.
"""

from collections.abc import Sequence

import msgspec

FILE = "preferences.jsonl"


class Side(msgspec.Struct, frozen=True):
    """One response of a pair: its text, the key of its reply ("" where it is the task's own).

    `refused` is the rule that refuses it, "" for none; `score` the judge's, 0 where none was asked.
    """

    text: str
    prompt: str
    refused: str
    score: float


class Preference(msgspec.Struct, frozen=True):
    """Two responses to the first instance of a task, the better one first."""

    task: str
    chosen: Side
    rejected: Side
    model: str
    revision: str


def pair(sides: Sequence[Side], min_gap: float) -> tuple[Side, Side] | None:
    """Return the best and the worst response, None where nothing tells them apart.

    Of equals the first is the best, and the last the worst: so a task's own answer is chosen.
    """
    kept = [side for side in sides if not side.refused]
    if not kept:
        return None
    best = max(kept, key=lambda side: side.score)
    refused = [side for side in sides if side.refused]
    if refused:
        return best, refused[-1]
    scored = [side for side in kept if side.score]
    if not scored or not best.score:
        return None
    worst = min(reversed(scored), key=lambda side: side.score)
    gap = best.score - worst.score
    return (best, worst) if gap and gap >= min_gap else None
