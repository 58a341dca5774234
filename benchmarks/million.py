"""How far several nodes go: the arithmetic from measured costs, and a simulation that plays it through.

    python -m benchmarks.million [--people N ...] [--seed N] [--seconds N] [--write-docs]

Both ask the same: of so many people who are here at once, at the busiest time, what does each part have to
do, and how many of each part does that take? The arithmetic multiplies averages. The simulation draws who is
on which node, and who writes where and when, second by second: it has bursts, and nodes that are not alike.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.pages import replaced
from benchmarks.servers import ROOT

PAGE = ROOT / "docs" / "scaling.md"
SIZES = (1_000, 10_000, 100_000, 1_000_000)


class Costs(NamedTuple):
    """What things cost; measured by `benchmarks.run` and `benchmarks.nodes`, or published where it says so.
    CPU in microseconds of one core."""

    delivery: float = 19.0  # of a message to one connection, where nothing is joined
    post: float = 130.0  # to take, check and hand over a message
    relay: float = 50.0  # to publish a message to Redis, or to receive one
    ping: float = 28.0  # of one connection, in one direction and back
    hello: float = 1300.0  # to come in: handshake, sign-in, snapshot
    connection: float = 26.0  # KiB in memory, the kernel's part included
    row: float = 600.0  # bytes that a message adds to PostgreSQL, with its indexes
    commit: float = 930.0  # CPU of PostgreSQL for a transaction, whatever is in it ...
    stored: float = 160.0  # ... and for each message in it


class Limits(NamedTuple):
    """How much of a unit may be in use at the busiest time, and what a unit can do."""

    busy: float = 0.6  # of a node's core
    memory: float = 2.0  # GiB of a node's process
    database: float = 8.0  # cores of one PostgreSQL, of which the same share may be in use
    redis: float = 650_000.0  # messages a second that one Redis hands out (as Centrifugo found)
    storm: float = 60.0  # seconds within which the people of a dead node are back


class Habits(NamedTuple):
    """What people do at the busiest time."""

    interval: float = 300.0  # seconds between two messages of one person
    signals: int = 3  # typing, reading and presence for each message, to those of its room
    ping: float = 20.0  # seconds
    batch: float = 0.003  # seconds of messages that share a transaction of one node


class Room(NamedTuple):
    """One kind of room: people of it who are here, and its share of all messages."""

    size: int
    share: float


def rooms(people: int, habits: Habits) -> Sequence[Room]:
    """Teams, departments, and one room where everybody is, with no more than one message a minute."""
    all_of_them = min(0.01, habits.interval / (60 * people))
    departments = 0.05
    teams = Room(20, 1 - departments - all_of_them)
    return [teams, Room(min(500, people), departments), Room(people, all_of_them)]


class Work(NamedTuple):
    """What is done in a second; `relayed` are the messages that Redis hands out."""

    posts: float
    deliveries: float
    relayed: float
    commits: float


class Need(NamedTuple):
    """How many of each part it takes. `database`: cores of PostgreSQL; `memory`: GiB of all nodes; `busiest`:
    the share of its core that a node uses, the busiest one in its worst second where that is played through;
    `storm`: seconds until the people of a dead node are back."""

    nodes: int
    work: Work
    database: float
    memory: float
    busiest: float
    storm: float
    databases: int
    redises: int


def node_cpu(nodes: int, people: int, costs: Costs, habits: Habits) -> tuple[float, float, float]:
    """Cores that all nodes use together, deliveries a second, and messages a second that Redis hands out."""
    posts = people / habits.interval
    deliveries = reached = 0.0
    for room in rooms(people, habits):
        deliveries += posts * room.share * room.size * (1 + habits.signals)
        reached += posts * room.share * _nodes_of(room.size, nodes) * (1 + habits.signals)
    sent = posts * (1 + habits.signals) if nodes > 1 else 0.0
    relayed = max(0.0, reached - sent) if nodes > 1 else 0.0
    work = deliveries * costs.delivery + posts * costs.post + (sent + relayed) * costs.relay
    return (work + people / habits.ping * costs.ping) / 1e6, deliveries, relayed


def _nodes_of(size: int, nodes: int) -> float:
    """On how many nodes the people of a room are, on average."""
    return nodes * (1 - (1 - 1 / nodes) ** size)


def arithmetic(people: int, costs: Costs, limits: Limits, habits: Habits) -> Need:
    """The averages, and the smallest number of nodes that keeps every limit."""
    nodes = max(1, math.ceil(people * costs.connection / 2**20 / limits.memory))
    while True:
        cores, deliveries, relayed = node_cpu(nodes, people, costs, habits)
        if cores / nodes <= limits.busy and _storm(nodes, people, costs, limits) <= limits.storm:
            break
        nodes += max(1, nodes // 20)
    posts = people / habits.interval
    work = Work(posts, deliveries, relayed, _commits(posts, nodes, habits))
    return _need(people, nodes, work, cores / nodes, costs, limits)


def _need(people: int, nodes: int, work: Work, busiest: float, costs: Costs, limits: Limits) -> Need:
    database = (work.commits * costs.commit + work.posts * costs.stored) / 1e6
    return Need(
        nodes,
        work,
        database,
        memory=people * costs.connection / 2**20,
        busiest=busiest,
        storm=_storm(nodes, people, costs, limits),
        databases=math.ceil(database / (limits.database * limits.busy)),
        redises=math.ceil(work.relayed / (limits.redis * limits.busy)),
    )


def _commits(posts: float, nodes: int, habits: Habits) -> float:
    """Transactions a second, where those of one node that come within one another's share one."""
    each = posts / nodes
    return nodes * each / (1 + each * habits.batch)


def _storm(nodes: int, people: int, costs: Costs, limits: Limits) -> float:
    """Seconds until the people of a dead node have said hello to the others, in what those have left."""
    if nodes == 1:
        return people * costs.hello / 1e6
    left = (nodes - 1) * (1 - limits.busy)
    return people / nodes * costs.hello / 1e6 / left


def simulate(
    people: int, nodes: int, seconds: int, chance: random.Random, costs: Costs, limits: Limits, habits: Habits
) -> Need:
    """Play it through on so many nodes: the averages over the seconds, and the worst second of any node."""
    crowd = _spread(people, nodes, chance)
    works, worst = [], 0.0
    for _ in range(seconds):
        work, cpu = _second(people, nodes, crowd, chance, costs, habits)
        works.append(work)
        worst = max(worst, *cpu)
    mean = Work(*(sum(values) / seconds for values in zip(*works, strict=True)))
    return _need(people, nodes, mean, worst / 1e6, costs, limits)


def _second(
    people: int, nodes: int, crowd: Sequence[int], chance: random.Random, costs: Costs, habits: Habits
) -> tuple[Work, list[float]]:
    """One second: what was done, and the CPU of each node in microseconds."""
    kinds = rooms(people, habits)
    cpu = [count / habits.ping * costs.ping for count in crowd]
    times: list[list[float]] = [[] for _ in range(nodes)]
    deliveries = relayed = 0
    posts = _poisson(people / habits.interval, chance)
    for room in chance.choices(kinds, [room.share for room in kinds], k=posts):
        author = chance.randrange(nodes)
        times[author].append(chance.random())
        cpu[author] += costs.post
        here = _spread(room.size, nodes, chance)
        reached = [number for number, count in enumerate(here) if count and number != author]
        events = 1 + habits.signals
        for number, count in enumerate(here):
            cpu[number] += events * count * costs.delivery
        for number in reached:
            cpu[number] += events * costs.relay
        cpu[author] += events * costs.relay if nodes > 1 else 0.0
        deliveries += events * room.size
        relayed += events * len(reached)
    commits = sum(_batches(each, habits.batch) for each in times)
    return Work(sum(map(len, times)), deliveries, relayed, commits), cpu


def _spread(people: int, nodes: int, chance: random.Random) -> list[int]:
    """How many of these people are on each node, where everybody came to any of them."""
    if people <= 40 * nodes:
        counts = [0] * nodes
        for number in chance.choices(range(nodes), k=people):
            counts[number] += 1
        return counts
    mean = people / nodes  # of many people the normal distribution tells nearly the same, and at once
    return [max(0, round(chance.gauss(mean, math.sqrt(mean * (1 - 1 / nodes))))) for _ in range(nodes)]


def _poisson(mean: float, chance: random.Random) -> int:
    if mean > 500:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    count, product = 0, chance.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * chance.random()
    return count


def _batches(times: list[float], batch: float) -> int:
    """Into how many transactions messages at these times fall, each of which takes so long."""
    count, end = 0, -1.0
    for time in sorted(times):
        if time >= end:
            count, end = count + 1, time + batch
    return count


# -- what the page shows -------------------------------------------------------------------------------------


def table(sizes: Sequence[int], seconds: int, seed: int) -> list[str]:
    """Both ways for each number of people, as Markdown."""
    costs, limits, habits = Costs(), Limits(), Habits()
    lines = [
        "| people here at once | nodes | messages/s | deliveries/s | Redis hands out/s | transactions/s |"
        " cores of PostgreSQL | memory of all nodes | core of a node | back after a node died |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for people in sizes:
        planned = arithmetic(people, costs, limits, habits)
        chance = random.Random(seed)
        played = simulate(people, planned.nodes, seconds, chance, costs, limits, habits)
        lines.append(_row(f"{people:,}", planned, "on average"))
        lines.append(_row("played through", played, "at worst"))
    return lines


def _row(name: str, need: Need, busiest: str) -> str:
    work = need.work
    numbers = [need.nodes, work.posts, work.deliveries, work.relayed, work.commits]
    cells = [name, *(f"{number:,.0f}" for number in numbers)]
    cells += [f"{need.database:.2f}", f"{need.memory:.1f} GiB"]
    cells += [f"{need.busiest:.0%} {busiest}", f"{need.storm:.0f} s"]
    return f"| {' | '.join(cells)} |"


def ends() -> list[str]:
    """How many people one of each part is enough for."""
    costs, limits, habits = Costs(), Limits(), Habits()

    def database(people: int) -> bool:
        return arithmetic(people, costs, limits, habits).databases <= 1

    def redis(people: int) -> bool:
        return arithmetic(people, costs, limits, habits).redises <= 1

    def node(people: int) -> bool:
        return arithmetic(people, costs, limits, habits).nodes == 1

    rows = [
        ("node", node, f"the core that sends, or coming back within {limits.storm:.0f} s"),
        (f"PostgreSQL, {limits.database:.0f} cores", database, f"its cores, at {limits.busy:.0%}"),
        ("Redis", redis, f"handing out {limits.redis:,.0f} messages a second, at {limits.busy:.0%}"),
    ]
    lines = [f"| {name} | {_most(holds):,} people | {why} |" for name, holds, why in rows]
    return ["| part | one is enough for | what ends it |", "|---|---|---|", *lines]


def _most(holds: Callable[[int], bool]) -> int:
    """The largest number, to two digits, for which it holds."""
    low, high = 1, 1
    while holds(high) and high < 10**8:
        low, high = high, high * 2
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    digits: int = 10 ** max(0, len(str(low)) - 2)
    return low // digits * digits


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("--people", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--seconds", type=int, default=60, help="that are played through")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/scaling.md")
    given = parser.parse_args()
    found = {"people": table(given.people, given.seconds, given.seed), "ends": ends()}
    for lines in found.values():
        print("\n".join([*lines, ""]))
    if given.write_docs:
        text = PAGE.read_text("utf-8")
        for name, lines in found.items():
            text = replaced(text, name, lines)
        PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
