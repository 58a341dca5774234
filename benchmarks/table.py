"""The table: what is asked of each figure, what was measured, and what to think of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One figure. `least` and `aim` are None where nothing is asked; `more` tells which way is better."""

    key: str
    work: str
    unit: str
    least: float | None
    aim: float | None
    more: bool = True

    def show(self, value: float | None) -> str:
        return "–" if value is None else f"{value:,.3g} {self.unit}".rstrip()

    def verdict(self, value: float) -> str:
        """What to think of it, in a word."""
        if self.aim is None:
            return ""
        if self._reaches(value, self.aim):
            return "aim reached"
        if self.least is None:
            return "aim not reached"
        return "at least reached" if self._reaches(value, self.least) else "MISSED"

    def _reaches(self, value: float, bar: float) -> bool:
        return value >= bar if self.more else value <= bar


ROWS = (
    Row("200.ws", "deliveries/s, 200 in a room, one in flight per sender", "× Node ws", 3.5, 5),
    Row("200x8.ws", "the same, 8 in flight", "× Node ws", 10, 15),
    Row("200x8.socketify", "the same, 8 in flight", "× uWebSockets", 2, 3),
    Row("1000.ws", "deliveries/s, 1,000 in a room", "× Node ws", 4.5, 6),
    Row("50.ws", "deliveries/s, 50 in a room", "× Node ws", 1.3, 2.5),
    Row("open.p50.ws", "p50 at 100 messages/s into 500, open loop", "× Node ws", 1.4, 0.9, more=False),
    Row("open.p99.ws", "p99 at the same load", "× Node ws", 0.7, 0.5, more=False),
    Row("open.cpu.ws", "CPU per delivery at the same load", "× Node ws", 0.9, 0.7, more=False),
    Row("fairness", "fairness: p95/p50 with 200 senders, 8 in flight", "", 3, 2, more=False),
    Row("durable.commits", "durable posts, 50 senders in 50 rooms of 5", "× single commits", 3, 6),
    Row("durable.cpu", "CPU of a durable post", "µs", 150, 80, more=False),
    Row("idle", "memory per idle connection, 20 rooms each", "KiB", 24, 16, more=False),
    Row("hello.ws", "signed in and answered hello, per second", "× Node ws accepting", 0.25, 0.4),
    Row("history.p95", "page of 50 from the largest history, p95", "ms", 8, 3, more=False),
    Row("history.slope", "p50 of the same against the smallest history: flat", "×", None, 1.5, more=False),
    Row("tls.200", "the first row over TLS: time per delivery", "× plain", 2, 1.5, more=False),
    Row("tls.open.p50", "p50 at 100 messages/s into 500 over TLS", "× plain", 2, 1.5, more=False),
    Row("tls.open.p99", "p99 at the same load", "× plain", 2, 1.5, more=False),
)

# Beside what is asked: the other rivals, and the absolute figures behind the ratios.
FAN_OUT = (("200", "200 in a room"), ("200x8", "200, 8 in flight"), ("1000", "1,000"), ("50", "50"))
OTHERS = (("socketify", "uWebSockets"), ("websockets", "websockets"), ("tornado", "plain Tornado"))
EXTRAS = (
    *(
        Row(f"{name}.{rival}", f"deliveries/s, {text}", f"× {shown}", None, None)
        for name, text in FAN_OUT
        for rival, shown in OTHERS
        if (name, rival) != ("200x8", "socketify")
    ),
    Row("tls.open.cpu", "CPU per delivery over TLS, open loop", "× plain", None, None, more=False),
)


def lines(figures: Mapping[str, float], whole: bool) -> list[str]:
    """The table in Markdown; `whole` names what was not measured, too."""
    found = ["| work | measured | at least | aim | |", "|---|---|---|---|---|"]
    for row in (*ROWS, *EXTRAS):
        value = figures.get(row.key)
        bars = f"{row.show(row.least)} | {row.show(row.aim)}"
        if value is not None:
            found.append(f"| {row.work} | {row.show(value)} | {bars} | {row.verdict(value)} |")
        elif whole and row in ROWS:
            found.append(f"| {row.work} | – | {bars} | not measured |")
    return found


def missed(figures: Mapping[str, float]) -> list[Row]:
    """The rows whose least was not reached."""
    return [row for row in ROWS if row.key in figures and row.verdict(figures[row.key]) == "MISSED"]
