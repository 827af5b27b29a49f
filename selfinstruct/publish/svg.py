"""Small charts as SVG: bars across, and columns side by side.

Decides: how a chart looks, in light and in dark surroundings, and that it can be read aloud
(a title and a description). Does not know: what is counted. Everything is plain text: no library,
no font but the reader's own, and the same bytes each time.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from selfinstruct.visible import visible

WIDTH = 760
_BAR, _GAP, _TOP, _LABEL, _VALUE = 18, 8, 52, 190, 90
_PLOT = 220
_NAME = 26
"""Characters of a label that fit beside a bar."""

_STYLE = """<style>
.back{fill:#fff;stroke:#d8dee4}.text{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#d8dee4}
.one{fill:#0969da}.two{fill:#b6c8dd}
text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif}.head{font-size:15px;font-weight:600}
@media (prefers-color-scheme:dark){
.back{fill:#0d1117;stroke:#3d444d}.text{fill:#f0f6fc}.dim{fill:#9198a1}.line{stroke:#3d444d}
.one{fill:#4493f8}.two{fill:#3a4757}}
</style>"""


class Chart(NamedTuple):
    """A chart: what it is called, and what it says in words for those who cannot see it."""

    title: str
    words: str


class Bar(NamedTuple):
    """One bar or column: its label, and how high it is; `rest` is stacked on it, paler."""

    label: str
    value: float
    rest: float = 0.0


def bars(chart: Chart, rows: Sequence[Bar]) -> str:
    """Return bars from left to right, one below the other, each with its number."""
    room = WIDTH - _LABEL - _VALUE
    widest = max((one.value + one.rest for one in rows), default=0) or 1
    parts = []
    for place, one in enumerate(rows):
        top = _TOP + place * (_BAR + _GAP)
        first, second = (room * part / widest for part in (one.value, one.rest))
        label = one.label if len(one.label) <= _NAME else one.label[: _NAME - 1] + "\u2026"
        parts.append(_text(_LABEL - 8, top + 14, label, "text", "end"))
        parts.append(_box(_LABEL, top, first, _BAR, "one"))
        if one.rest:
            parts.append(_box(_LABEL + first, top, second, _BAR, "two"))
        parts.append(_text(_LABEL + first + second + 6, top + 14, _number(one), "dim", "start"))
    return _drawn(chart, parts, _TOP + len(rows) * (_BAR + _GAP) + 8)


def columns(chart: Chart, groups: Sequence[tuple[str, str, Sequence[Bar]]]) -> str:
    """Return groups of columns side by side: each with a heading, a name of its axis, columns."""
    width = (WIDTH - 20 * (len(groups) + 1)) / len(groups)
    parts = []
    for place, (heading, axis, those) in enumerate(groups):
        left = 20 + place * (width + 20)
        parts.append(_text(left, _TOP + 6, heading, "text", "start"))
        parts += _columns(left, width, those)
        parts.append(_text(left + width / 2, _TOP + _PLOT + 46, axis, "dim", "middle"))
    return _drawn(chart, parts, _TOP + _PLOT + 60)


def _columns(left: float, width: float, those: Sequence[Bar]) -> list[str]:
    """Return the columns of one group, its ground line, and labels as many as fit."""
    foot, step = _TOP + _PLOT + 10, width / (len(those) or 1)
    highest = max((one.value + one.rest for one in those), default=0) or 1
    every = max(1, -(-44 * len(those) // int(width)))
    parts = []
    for place, one in enumerate(those):
        start, high = (
            left + place * step,
            [(_PLOT - 40) * part / highest for part in (one.value, one.rest)],
        )
        parts.append(_box(start + 1, foot - high[0], max(step - 2, 1), high[0], "one"))
        if one.rest:
            top = foot - high[0] - high[1]
            parts.append(_box(start + 1, top, max(step - 2, 1), high[1], "two"))
        middle = start + step / 2
        if step >= (70 if one.rest else 26) and one.value + one.rest:
            top = foot - sum(high) - 5
            parts.append(_text(middle, top, _number(one), "dim", "middle"))
        if place % every == 0:
            parts.append(_text(middle, foot + 17, one.label, "dim", "middle"))
    line = f'<line class="line" x1="{left:.1f}" x2="{left + width:.1f}" y1="{foot}" y2="{foot}"/>'
    return [*parts, line]


def _number(one: Bar) -> str:
    shown = f"{one.value:,.0f}"
    return f"{shown} of {one.value + one.rest:,.0f}" if one.rest else shown


def _box(left: float, top: float, width: float, height: float, kind: str) -> str:
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {place} rx="2"/>'


def _text(left: float, top: float, text: str, kind: str, anchor: str) -> str:
    place = f'x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{_escaped(text)}</text>'


def _drawn(chart: Chart, parts: Sequence[str], height: float) -> str:
    """Return a chart on ground of its own, so that it can be read on any page."""
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    names = 'role="img" aria-labelledby="title words"'
    ground = (
        f'<rect class="back" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="6"/>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {names}>',
            f'<title id="title">{_escaped(chart.title)}</title>',
            f'<desc id="words">{_escaped(chart.words)}</desc>',
            _STYLE,
            ground,
            f'<text class="text head" x="20" y="30">{_escaped(chart.title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def _escaped(text: str) -> str:
    """Return a text for XML, which has no place for most control characters."""
    shown = visible(" ".join(text.split()))
    return escape("".join(char if char not in "\ufffe\uffff" else "\ufffd" for char in shown))
