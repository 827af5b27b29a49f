"""Log-log plots as small SVG files: lines labelled at their right end, no legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 760, 470
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 215, 48, 48
_OURS, _OTHERS, _GRID, _INK = "#0b7a4b", "#6a7385", "#e3e6ea", "#24292f"
_APART = 15.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One method: its points, and whether it is ours, drawn wide, or from a sample."""

    name: str
    points: Sequence[Point]
    ours: bool = False
    wide: bool = False
    sampled: bool = False


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis between two powers of ten (the low end may lie between)."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value stands, in pixels."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + part * (self.end - self.begin)

    def powers(self) -> list[int]:
        """Return the powers of ten on the axis."""
        return list(range(math.ceil(self.low), math.floor(self.high) + 1))


def plot(title: str, across: str, units: Sequence[tuple[float, str]], lines: list[Line]) -> str:
    """Draw lines; `units` names the powers of ten of the vertical axis, largest first."""
    points = [point for line in lines for point in line.points]
    horizontal = Axis(
        math.log10(min(x for x, _ in points)),
        math.log10(max(x for x, _ in points)) + 1e-9,
        _LEFT,
        _WIDTH - _RIGHT,
    )
    vertical = Axis(
        math.floor(math.log10(min(y for _, y in points))),
        math.ceil(math.log10(max(y for _, y in points)) + 1e-9),
        _HEIGHT - _BOTTOM,
        _TOP,
    )
    middle = f'x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" text-anchor="middle"'
    fonts = f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {fonts}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
        *_grid(horizontal, vertical, units),
        f'<text {middle} y="{_HEIGHT - 10}">{escape(across)}</text>',
        *(_drawn(line, horizontal, vertical) for line in lines),
        *_labels(lines, vertical),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(horizontal: Axis, vertical: Axis, units: Sequence[tuple[float, str]]) -> list[str]:
    """Draw a rule and a label for each power of ten."""
    parts: list[str] = []
    for power in vertical.powers():
        y = vertical.at(10.0**power)
        parts.append(_rule(_LEFT, y, _WIDTH - _RIGHT, y))
        label = escape(_named(10.0**power, units))
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for power in horizontal.powers():
        x = horizontal.at(10.0**power)
        parts.append(_rule(x, _TOP, x, _HEIGHT - _BOTTOM))
        label = _named(10.0**power, ((1e6, " million"), (1, "")))
        middle = f'y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle"'
        parts.append(f'<text x="{x:.1f}" {middle}>{label}</text>')
    return parts


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{_GRID}"/>'


def _named(value: float, units: Sequence[tuple[float, str]]) -> str:
    """Write a value in the largest unit that it holds."""
    for size, unit in units:
        if value >= size * 0.999:
            return f"{value / size:,.0f}{unit}"
    size, unit = units[-1]
    return f"{value / size:g}{unit}"


def _drawn(line: Line, horizontal: Axis, vertical: Axis) -> str:
    """Draw one line; dashed where it was measured on a sample."""
    path = "L".join(f"{horizontal.at(x):.1f} {vertical.at(y):.1f}" for x, y in line.points)
    dash = ' stroke-dasharray="5 4"' if line.sampled else ""
    colour, width = _OURS if line.ours else _OTHERS, 3 if line.wide else 1.5
    drawn = f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'
    dots = "".join(
        f'<circle cx="{horizontal.at(x):.1f}" cy="{vertical.at(y):.1f}" r="2.5" fill="{colour}"/>'
        for x, y in line.points
    )
    return drawn + dots


def _labels(lines: list[Line], vertical: Axis) -> list[str]:
    """Write the names at the right, moved apart where they would touch."""
    wanted = [(vertical.at(line.points[-1][1]), line) for line in lines]
    parts: list[str] = []
    last = -math.inf
    for y, line in sorted(wanted, key=lambda item: item[0]):
        last = max(y, last + _APART)
        style = f'fill="{_OURS}" font-weight="600"' if line.ours else f'fill="{_INK}"'
        x = _WIDTH - _RIGHT + 8
        parts.append(f'<text x="{x}" y="{last + 4:.1f}" {style}>{escape(line.name)}</text>')
    return parts
