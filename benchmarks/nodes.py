"""What several nodes cost: messages, deliveries and delays with 1, 2 and 3 of them, and without Redis.

    python -m benchmarks.nodes [--seconds N] [--rounds N] [--write-docs]

All servers share one core and the load generator has the other, so that more nodes bring no more throughput:
what is measured is the CPU that a message takes of each kind of server, which is what more cores multiply.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]
from msgspec import structs

from benchmarks.loader import Load, Run, compile_load, run_load
from benchmarks.machine import SERVER_CORE, pinned
from benchmarks.pages import replaced
from benchmarks.population import Population, fill
from benchmarks.servers import ROOT, Running
from chatbox.settings import Settings
from tests.harness import postgres
from tests.harness.postgres import Postgres
from tests.harness.process import FREE, Server
from tests.harness.redis import Redis

PAGE = ROOT / "docs" / "scaling.md"
PEOPLE = Population(300)
KEY = "a key of the benchmark's nodes"
LOADS = {
    "saturated": Load(300, senders=10, flight=8),
    "steady": Load(300, senders=10, rate=50.0),
}


class Site(NamedTuple):
    """What runs: the nodes, and what they share. `people` is the file of tokens and rooms."""

    nodes: list[Server]
    database: Postgres
    redis: Redis
    people: Path


class Cost(NamedTuple):
    """What came of one run, with the CPU of each kind of server in microseconds for each message."""

    run: Run
    nodes: float
    database: float
    redis: float


@asynccontextmanager
async def site(folder: Path, number: int) -> AsyncIterator[Site]:
    """So many nodes of a fresh cluster with `PEOPLE`, all on one core."""
    with pinned(SERVER_CORE):
        database, redis = await asyncio.to_thread(postgres.own), Redis(folder)
        await redis.start()
        url = await asyncio.to_thread(database.make)
        storage = structs.replace(Settings().storage, database=url, uploads=str(folder / "uploads"))
        lines = await fill(folder, PEOPLE, structs.replace(Settings(), storage=storage))
        people = folder / "people.txt"
        people.write_text("".join(f"{token} {room}\n" for token, room in lines))
        settings = FREE | {
            "storage.database": url,
            "storage.uploads": storage.uploads,
            "cluster.redis": redis.url,
            "cluster.key": KEY,
            "log.level": "warning",
        }
        nodes = []
        try:
            for name in range(number):
                place = folder / f"node{name}"
                place.mkdir()
                nodes.append(Server(place, settings))
                await nodes[-1].start()
            yield Site(nodes, database, redis, people)
        finally:
            for node in nodes:
                await node.kill()
            await redis.stop()
            await asyncio.to_thread(database.remove)


def measure(program: Path, here: Site, load: Load, seconds: float) -> Cost:
    """One run, and what it cost."""
    first, *others = here.nodes
    more = [word for node in others for word in ("--port", str(node.port))]
    shared = [*_family(here.database.pid), *_family(here.redis.pid)]
    pids = [*(node.pid for node in here.nodes), *shared]
    server = Running("chatbox", first.port, 0, here.people)
    more += ["--pid", ",".join(map(str, pids))]
    run = run_load(program, server, load, warmup=1.0, seconds=seconds, more=more)
    run.check()
    each = [seconds * 1e6 / run.posts for seconds in run.server_cpu]
    parts = (len(here.nodes), len(pids) - len(_family(here.redis.pid)))
    return Cost(run, sum(each[: parts[0]]), sum(each[parts[0] : parts[1]]), sum(each[parts[1] :]))


def _family(pid: int) -> list[int]:
    """A process with its children that stay; none where it does not run."""
    if not pid:
        return []
    children = psutil.Process(pid).children(recursive=True)
    titles = [(child.pid, " ".join(child.cmdline())) for child in children]
    return [pid, *(child for child, title in titles if "autovacuum worker" not in title)]


async def compare(rounds: int, seconds: float) -> list[str]:
    """The table, as Markdown."""
    lines = [
        "| nodes | messages/s | deliveries/s | p50, p99 at 50 messages/s |"
        " CPU of the nodes | of PostgreSQL | of Redis |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        program = compile_load(Path(name))
        for number in (1, 2, 3):
            found: dict[str, list[Cost]] = {}
            for turn in range(rounds):
                folder = Path(name) / f"{number}-{turn}"
                folder.mkdir()
                async with site(folder, number) as here:
                    for kind, load in LOADS.items():
                        made = await asyncio.to_thread(measure, program, here, load, seconds)
                        found.setdefault(kind, []).append(made)
                    if number == 3:
                        await here.redis.stop()
                        made = await asyncio.to_thread(measure, program, here, LOADS["steady"], 2 * seconds)
                        found.setdefault("without", []).append(made)
            lines.append(_row(str(number), found["saturated"], found["steady"]))
            print(lines[-1], flush=True)
            if "without" in found:
                lines.append(_row("3, Redis away", [], found["without"]))
                print(lines[-1], flush=True)
    return lines


def _row(name: str, saturated: list[Cost], steady: list[Cost]) -> str:
    def median(of: Callable[[Cost], float], costs: list[Cost]) -> float:
        return statistics.median(map(of, costs))

    rates = ["–", "–"]
    if saturated:
        rates = [
            f"{median(lambda cost: cost.run.posts_per_second, saturated):,.0f}",
            f"{median(lambda cost: cost.run.deliveries_per_second, saturated):,.0f}",
        ]
    p50 = median(lambda cost: cost.run.latency_us.p50, steady) / 1000
    p99 = median(lambda cost: cost.run.latency_us.p99, steady) / 1000
    cells = [name, *rates, f"{p50:,.1f}, {p99:,.1f} ms"]
    cells += [f"{median(lambda cost: cost.nodes, steady):,.0f} µs"]
    cells += [f"{median(lambda cost: cost.database, steady):,.0f} µs"]
    cells += [f"{median(lambda cost: cost.redis, steady):,.0f} µs"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/scaling.md")
    given = parser.parse_args()
    lines = asyncio.run(compare(given.rounds, given.seconds))
    if given.write_docs:
        PAGE.write_text(replaced(PAGE.read_text("utf-8"), "nodes", lines), "utf-8")


if __name__ == "__main__":
    main()
