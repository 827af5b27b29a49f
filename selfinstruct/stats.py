"""The numbers of a run: the one source for the closing table, `show`, reports and cards.

Decides: how yields and reasons are counted. Does not know: how numbers are shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from selfinstruct.run import Marker


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
