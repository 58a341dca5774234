"""Line charts as SVG, written by hand: light and dark, legible at the width of a page, no library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from benchmarks.result import Points

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = (
    74,
    132,
    52,
    56,
)  # margins: numbers, names of the lines, title, numbers and their name
TICKS = 5
GAP = 18  # between the names of two lines
SYMBOLS = ("circle", "square", "diamond", "triangle")  # so that lines differ without colours, too

# Text has a contrast of at least 4.5 on its ground, lines one of 3.
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 }
  .ground { fill: #ffffff }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .s0 { stroke: #0969da; fill: #0969da } .s1 { stroke: #bc4c00; fill: #bc4c00 }
  .s2 { stroke: #6639ba; fill: #6639ba } .s3 { stroke: #1a7f37; fill: #1a7f37 }
  text.s0, text.s1, text.s2, text.s3 { stroke: none; font-weight: 600 }
  path.line { fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .ground { fill: #0d1117 } .grid { stroke: #30363d }
    .s0 { stroke: #58a6ff; fill: #58a6ff } .s1 { stroke: #f0883e; fill: #f0883e }
    .s2 { stroke: #bc8cff; fill: #bc8cff } .s3 { stroke: #56d364; fill: #56d364 }
  }
"""


class Axis(NamedTuple):
    """From one number to another, linear or by powers of ten, with marks to print."""

    low: float
    high: float
    log: bool
    marks: Sequence[float]

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear(highest: float) -> Axis:
    """From 0 to a round number at or above `highest`."""
    rough = highest / TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    count = math.ceil(highest / step - 1e-9) or 1
    return Axis(0.0, step * count, False, [step * number for number in range(count + 1)])


def logarithmic(lowest: float, highest: float) -> Axis:
    """By powers of ten, from the lowest to the highest value; with marks at 2 and 5 where they are few."""
    highest = max(highest, lowest * 1.01)
    powers = range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)
    factors = (1,) if highest >= 1000 * lowest else (1, 2, 5)
    marks = [factor * 10.0**power for power in powers for factor in factors]
    inside = [mark for mark in marks if lowest * 0.999 <= mark <= highest * 1.001]
    return Axis(lowest, highest, True, inside)


class Chart(NamedTuple):
    """A chart: what it is about, what its axes count, and whether each goes by powers of ten."""

    title: str
    across: str
    up: str
    across_log: bool = False
    up_log: bool = False

    def draw(self, lines: Mapping[str, Points]) -> str:
        """The SVG of these lines, by their names; each has at least one point."""
        xs = [x for points in lines.values() for x, _ in points]
        ys = [y for points in lines.values() for _, y in points]
        across = logarithmic(min(xs), max(xs)) if self.across_log else linear(max(xs))
        up = logarithmic(10.0 ** math.floor(math.log10(min(ys))), max(ys)) if self.up_log else linear(max(ys))
        parts = [*self._frame(across, up)]
        ends = []
        for number, (name, points) in enumerate(lines.items()):
            spots = [(_x(across, x), _y(up, y)) for x, y in sorted(points)]
            ends.append((spots[-1][1], number, name))
            parts += _line(number, spots)
        parts += _names(ends)
        described = f"{self.title}: {self.up} over {self.across}, for {', '.join(lines)}."
        return _svg(described, parts)

    def _frame(self, across: Axis, up: Axis) -> list[str]:
        parts = [f'<text class="title" x="{LEFT}" y="24">{escape(self.title)}</text>']
        for mark in up.marks:
            y = _y(up, mark)
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end">{number_of(mark)}</text>')
        for mark in across.marks:
            x = _x(across, mark)
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            parts.append(
                f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{number_of(mark)}</text>'
            )
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(
            f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(self.across)}</text>'
        )
        parts.append(f'<text x="12" y="{TOP - 14}">{escape(self.up)}</text>')
        return parts


def number_of(value: float) -> str:
    """As it stands beside an axis: 0.5, 200, 5,000, 200k, 1.5M."""
    if value >= 1e6:
        return f"{value / 1e6:,.4g}M"
    if value >= 1e5:
        return f"{value / 1e3:,.4g}k"
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM)


def _line(number: int, spots: Sequence[tuple[float, float]]) -> list[str]:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    return [f'<path class="line s{number}" d="M{path}"/>', *(_symbol(number, x, y) for x, y in spots)]


def _symbol(number: int, x: float, y: float) -> str:
    shape = SYMBOLS[number]
    if shape == "circle":
        return f'<circle class="s{number}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    outlines = {
        "square": "m-4 -4h8v8h-8z",
        "diamond": "m0 -5l5 5l-5 5l-5 -5z",
        "triangle": "m0 -5l5 9h-10z",
    }
    return f'<path class="s{number}" d="M{x:.1f} {y:.1f}{outlines[shape]}"/>'


def _names(ends: Sequence[tuple[float, int, str]]) -> list[str]:
    """The name of each line at its end, moved down where it would lie on another."""
    parts, free = [], 0.0
    for y, number, name in sorted(ends):
        place = max(y, free)
        free = place + GAP
        parts.append(
            f'<text class="s{number}" x="{WIDTH - RIGHT + 10}" y="{place + 5:.1f}">{escape(name)}</text>'
        )
    return parts


def _svg(description: str, parts: Sequence[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' width="{WIDTH}" height="{HEIGHT}">',
            f"<title>{escape(description)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            *parts,
            "</svg>",
            "",
        ]
    )
