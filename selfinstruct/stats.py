"""The numbers of a run: the one source for the closing table, `show`, reports and cards.

Decides: how yields, reasons and novel shares are counted. Does not know: how numbers are shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from selfinstruct.run import Marker
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the closing table; `tokens` are generated ones, 0 seconds are unknown."""

    label: str
    proposed: int
    accepted: int
    tokens: int
    seconds: float
    rejected: dict[str, int]

    @property
    def tokens_per_task(self) -> float | None:
        """Return what an accepted task cost in generated tokens; None where there is none."""
        return self.tokens / self.accepted if self.accepted else None


def by_round(rounds: Iterable[Marker], seconds: Mapping[int, float]) -> list[Row]:
    """Return one row for each round, and a total."""
    rows = [
        Row(
            label=str(one.round),
            proposed=one.proposed,
            accepted=one.accepted,
            tokens=one.completion_tokens,
            seconds=seconds.get(one.round, 0.0),
            rejected=one.rejected,
        )
        for one in rounds
    ]
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons.update(row.rejected)
    total = Row(
        label="all",
        proposed=sum(row.proposed for row in rows),
        accepted=sum(row.accepted for row in rows),
        tokens=sum(row.tokens for row in rows),
        seconds=sum(row.seconds for row in rows),
        rejected=dict(reasons.most_common()),
    )
    return [*rows, total]


class Novelty(msgspec.Struct, frozen=True):
    """Of the drafts of a round that passed the rules on instructions: how many, how many new."""

    judged: int
    new: int

    @property
    def share(self) -> float:
        """Return the share of new ones; 1 where there was none to judge."""
        return self.new / self.judged if self.judged else 1.0


def last_novelty(folder: Path, rounds: Sequence[Marker]) -> Novelty:
    """Count what novelty came to in the last finished round, from its refusals on the disk.

    Every proposal but those refused at the stage "propose" by anything else was judged by it;
    it refused those whose refusal names a nearest task. So the count is the same whenever it is
    made, also for a run that nobody meant to stop by it.
    """
    if not rounds:
        return Novelty(0, 0)
    start = rounds[-2].rejected_bytes if len(rounds) > 1 else 0
    end = rounds[-1].rejected_bytes
    refusals = read_rows(folder / "rejected.jsonl", Rejected, start=start, end=end)
    proposals = [row for row in refusals if row.stage == "propose"]
    known = sum(row.nearest is not None for row in proposals)
    judged = rounds[-1].proposed - (len(proposals) - known)
    return Novelty(judged, judged - known)
