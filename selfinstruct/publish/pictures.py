"""The pictures of a card: what is drawn, and what each says in words.

Decides: which numbers become which chart, and in which bins lengths are drawn. Does not know: how a
chart is drawn, or how numbers are counted.
"""

from collections.abc import Sequence
from typing import NamedTuple

from selfinstruct.publish.svg import Bar, Chart, bars, columns
from selfinstruct.stats import Measured, Row, Spread

MOST = 20
"""Reasons that are drawn one by one."""

_BINS = 12
_TALL = 40
"""Rounds that fit beside each other; of more, neighbours are drawn as one."""


class Picture(NamedTuple):
    """A picture: its file, what it says in words, and the SVG."""

    file: str
    words: str
    svg: str


def pictures(rows: Sequence[Row], measured: Measured) -> list[Picture]:
    """Return the pictures for which there are numbers; `rows` are the rounds, then the total."""
    found = [_yields(rows[:-1]), _lengths(measured)]
    if rows[-1].rejected:
        found.insert(1, _reasons(rows[-1].rejected))
    if measured.nearest.count:
        found.append(_nearest(measured.nearest))
    return found


def _yields(rounds: Sequence[Row]) -> Picture:
    step = -(-len(rounds) // _TALL)
    groups = [rounds[place : place + step] for place in range(0, len(rounds), step)]
    those = []
    for group in groups:
        kept, asked = (
            sum(getattr(one, name) for one in group) for name in ("accepted", "proposed")
        )
        label = group[0].label if len(group) == 1 else f"{group[0].label}-{group[-1].label}"
        those.append(Bar(label, kept, max(asked - kept, 0)))
    parts = [f"{one.label}: {one.value:.0f} of {one.value + one.rest:.0f}" for one in those]
    words = f"Tasks accepted of those proposed, by round. {'; '.join(parts)}."
    chart = Chart("Accepted of proposed tasks, by round", words)
    return Picture("yield.svg", words, columns(chart, [("", "round", those)]))


def _reasons(rejected: dict[str, int]) -> Picture:
    most = list(rejected.items())
    shown = [Bar(name, count) for name, count in most[:MOST]]
    if len(most) > MOST:
        rest = sum(count for _, count in most[MOST:])
        shown.append(Bar(f"{len(most) - MOST} others", rest))
    parts = [f"{one.label} {one.value:.0f}" for one in shown]
    words = f"Refusals by the rule that refused. {', '.join(parts)}."
    return Picture("rejects.svg", words, bars(Chart("Refusals by reason", words), shown))


def _lengths(measured: Measured) -> Picture:
    groups, said = [], []
    for name in ("instruction", "output"):
        found = measured.lengths[name]
        groups.append((f"{name}s", "words, from", bins(found)))
        said.append(f"{name}s: half have {found.at(0.5):.0f} or fewer, 95 % {found.at(0.95):.0f}")
    words = f"Lengths in words. {'; '.join(said)}."
    return Picture("lengths.svg", words, columns(Chart("Lengths in words", words), groups))


def _nearest(found: Spread) -> Picture:
    those = bins(found, width=0.05)
    words = (
        "ROUGE-L of each instruction with the most similar earlier one: "
        f"mean {found.mean:.2f}, 95 % at most {found.at(0.95):.2f}."
    )
    chart = Chart("Similarity to the nearest earlier instruction", words)
    return Picture("similarity.svg", words, columns(chart, [("", "ROUGE-L, from", those)]))


def bins(found: Spread, width: float = 0.0) -> list[Bar]:
    """Return numbers in bins of equal width; the last one has all from there on.

    Without a `width` it is a whole number for which some 12 bins hold them.
    """
    if not found.count:
        return []
    end = found.at(0.99) if width == 0 else found.values[-1][0]
    width = width or max(1, -(-int(end) // _BINS))
    last = int(end / width + 1e-9)
    counts = [0] * (last + 1)
    for value, count in found.values:
        counts[min(int(value / width + 1e-9), last)] += count
    more = found.values[-1][0] >= (last + 1) * width
    return [
        Bar(f"{place * width:g}{'+' if more and place == last else ''}", count)
        for place, count in enumerate(counts)
    ]
