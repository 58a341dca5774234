"""The points of the cost curves: one run each, on a fresh server."""

from __future__ import annotations

from benchmarks import works
from benchmarks.loader import Load, LoadError
from benchmarks.population import Population
from benchmarks.result import Points, deliveries, p99, posts
from benchmarks.servers import CHATBOX, SHOWN
from benchmarks.works import Bench, Entry, Work

Curves = dict[str, dict[str, Points]]  # chart -> line -> points

MOST_PEOPLE = 500  # of whom some have several connections: else the list of people is most of each hello
SLOW = 10.0  # messages a second, where it is about latency
IN_EACH_ROOM = 5


def receivers(bench: Bench) -> Curves:
    """Deliveries per second with 10 senders of one message in flight each, and the p99 in ms at 10 messages a
    second, over the number of receivers in a room; beside Node ws."""
    found: Curves = {"deliveries": {}, "latency": {}}
    for count in bench.options.receivers:
        people = Population(min(count, MOST_PEOPLE))
        for chart, load, value, unit in (
            ("deliveries", Load(count), deliveries, 1),
            ("latency", Load(count, rate=SLOW), p99, 1000),
        ):
            for server in (CHATBOX, *(name for name in bench.rivals if name == "ws")):
                try:
                    measured = works.undisturbed(bench, Entry(server, Work(load, people)))
                except LoadError as error:
                    print(f"  {SHOWN[server]} has no point at {count} receivers: {error}", flush=True)
                    continue
                line = found[chart].setdefault(SHOWN[server], [])
                line.append((count, value(measured.run) / unit))
    return found


def rooms(bench: Bench) -> Curves:
    """Posts per second over the number of rooms with 5 people and one sender each, 8 messages in flight; and
    over how many of them."""
    points: Points = []
    for count in bench.options.rooms:
        people = IN_EACH_ROOM * count
        work = Work(
            Load(people, senders=count, groups=count, flight=8),
            Population(people, rooms=count, rooms_each=1),
        )
        points.append((count, posts(works.undisturbed(bench, Entry(CHATBOX, work)).run)))
    return {"rooms": {"posts/s": points}}


def memory(bench: Bench) -> Curves:
    """MiB that the server grew by, over idle connections in 20 rooms each."""
    points = [(float(count), works.idle_bytes(bench, count) / 2**20) for count in bench.options.connections]
    return {"memory": {"growth": points}}
