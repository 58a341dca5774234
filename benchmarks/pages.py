"""What `--write-docs` writes: the tables and the charts of docs/benchmarks.md, each between two marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import polling, table, works
from benchmarks.charts import Chart
from benchmarks.result import Points, Result
from benchmarks.servers import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
CHARTS = ROOT / "docs" / "curves"

Lines = Mapping[str, Points]

CURVES = {
    "deliveries": Chart(
        "Deliveries per second, 10 senders", "receivers in the room", "deliveries/s", across_log=True
    ),
    "latency": Chart("p99 at 10 messages a second", "receivers in the room", "ms"),
    "rooms": Chart("Durable posts per second", "rooms of 5, one sender each", "posts/s", across_log=True),
    "memory": Chart("Memory of idle connections", "connections, in 20 rooms each", "MiB"),
    "history": Chart("Reading from a large database", "stored messages", "ms", across_log=True),
}


def write(result: Result) -> list[Path]:
    """Write what the result has into the page and its charts; returns what was written."""
    sections = {"figures": figures(result)} if result.figures else {}
    if asked := polling.lines(result.absolute):
        sections["polling"] = asked
    CHARTS.mkdir(exist_ok=True)
    written = [PAGE]
    for name, lines in result.curves.items():
        path = CHARTS / f"{name}.svg"
        path.write_text(CURVES[name].draw(lines), "utf-8")
        written.append(path)
        sections[name] = [f"![{CURVES[name].title}](curves/{name}.svg)", "", SLOPES[name](lines)]
    text = PAGE.read_text("utf-8")
    for name, found in sections.items():
        text = replaced(text, name, found)
    PAGE.write_text(text, "utf-8")
    return written


def replaced(text: str, name: str, lines: list[str]) -> str:
    """The page with these lines between the two marks of that name. Raises ValueError without them."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page lacks the marks {begin} and {end}")
    return "\n".join([before + begin, "", *lines, "", end + after])


def figures(result: Result) -> list[str]:
    """The table, and what to know about it."""
    told = result.machine
    found = [
        f"Measured on {result.date[:10]} with Chatbox {result.version}: {told['processor']},"
        f" {told['system']}, Python {told['python']}, Node {told['node']}, {told['file_system']};"
        f" medians of {result.options.pairs} rounds of {result.options.seconds:g} s.",
        "",
        *table.lines(result.figures, whole=True),
    ]
    if result.took:
        parts = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in result.took.items())
        found += ["", f"It took {sum(result.took.values()) / 60:.0f} minutes: {parts}."]
    if result.others > works.MOST_STOLEN:
        found += ["", f"Other programs used up to {result.others:.0%} of the two cores during a run: these"
                  " figures say little. Measure again on a quiet machine."]  # fmt: skip
    return found


def slope(points: Points) -> float:
    """Of the straight line that fits best (least squares)."""
    count = len(points)
    x_mean, y_mean = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread if spread else 0.0


def _short(value: float) -> str:
    """Three digits, and no powers of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _at_ends(lines: Lines, unit: str) -> str:
    parts = []
    for name, points in lines.items():
        (first, low), (last, high) = points[0], points[-1]
        parts.append(f"{name}: {_short(low)} {unit} at {first:,.0f}, {_short(high)} {unit} at {last:,.0f}")
    return "; ".join(parts) + "."


def _latency(lines: Lines) -> str:
    parts = [f"{1000 * slope(points):.3g} µs for {name}" for name, points in lines.items()]
    return f"Each further receiver adds {', '.join(parts)}."


def _deliveries(lines: Lines) -> str:
    best = {name: max(points, key=lambda point: point[1]) for name, points in lines.items()}
    parts = [f"{name}: {y:,.0f} at {x:,.0f} receivers" for name, (x, y) in best.items()]
    return f"Most deliveries per second: {'; '.join(parts)}."


def _memory(lines: Lines) -> str:
    return f"Each further connection takes {1024 * slope(next(iter(lines.values()))):.3g} KiB."


SLOPES: dict[str, Callable[[Lines], str]] = {
    "deliveries": _deliveries,
    "latency": _latency,
    "rooms": lambda lines: _at_ends(lines, "posts/s"),
    "memory": _memory,
    "history": lambda lines: _at_ends(lines, "ms"),
}
