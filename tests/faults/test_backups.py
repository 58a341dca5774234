"""Backups while everybody writes: sending stays quick, and each holds what was acknowledged before it."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from random import Random

from chatbox.backup.applying import apply_staged
from chatbox.backup.staging import stage_file
from chatbox.operations import run_offline
from chatbox.settings import Settings
from tests.faults import archive
from tests.faults.writers import Pace
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.http import Http
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

WRITERS = 4
UPLOADS = 40  # before the first backup


class Senders:
    """Some people who post at an even pace, and how long each message took to be acknowledged."""

    def __init__(self, server: Server, people: list[Person], per_second: int) -> None:
        self._clients = [Client(server, person) for person in people]
        self._pace = Pace(per_second)
        self._posting: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._last: asyncio.Task[None] | None = None
        self.acknowledged: list[str] = []  # nonces
        self.took: list[float] = []  # seconds

    async def begin(self) -> None:
        for client in self._clients:
            await client.connect()
        self._task = asyncio.create_task(self._send())

    async def end(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await asyncio.gather(*self._posting)
        for client in self._clients:
            await client.close()

    async def reach(self, count: int) -> list[float]:
        """Wait until so many more are acknowledged; how long these took."""
        first = len(self.took)
        while len(self.took) < first + count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return self.took[first:]

    async def _send(self) -> None:
        for number in itertools.count():
            await self._pace.turn()
            task = asyncio.create_task(self._post(self._clients[number % len(self._clients)], number))
            self._posting.add(task)
            task.add_done_callback(self._posting.discard)

    async def _post(self, client: Client, number: int) -> None:
        nonce, begin = f"under-load-{number:07}", time.perf_counter()
        await client.post(1, f"text {number}", nonce)
        self.took.append(time.perf_counter() - begin)
        self.acknowledged.append(nonce)


async def upload(server: Server, person: Person, random: Random, count: int, size: int) -> None:
    http = Http(server.port, person.headers)
    for number in range(count):
        answer = await http.ask("POST", f"/files?name=f{number}.bin", random.randbytes(size))
        fields = {"room": 1, "nonce": f"with-file-{number:05}", "text": "", "files": [answer.json["id"]]}
        assert (await http.command("message.post", **fields)).status == 200
    await http.close()


def restored(archive: Path, folder: Path) -> tuple[set[str], list[str]]:
    """The nonces in a backup that is put in place in an empty folder, and what `chatbox check` says of it."""
    folder.mkdir()
    stage_file(archive, folder, folder / "uploads", 1_800_000_000_000)
    assert apply_staged(folder, folder / "uploads") is not None
    with closing(sqlite3.connect(folder / "chatbox.sqlite3")) as database:
        nonces = {nonce for (nonce,) in database.execute("SELECT nonce FROM messages")}
    return nonces, run_offline(Settings(), folder, "check", {})["problems"]


def p99(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[98] * 1000


@on_a_loop(3600)
async def test_backups_under_load_hold_all_and_slow_nobody(tmp_path: Path) -> None:
    random, count = chance(), amount("BACKUPS", 2)
    rate, sample = amount("BACKUP_RATE", 50), amount("BACKUP_SAMPLE", 100)
    async with serving(tmp_path, people=WRITERS) as (server, people):
        await upload(server, people[0], random, UPLOADS, amount("BACKUP_UPLOAD_BYTES", 20_000))
        if stored := amount("BACKUP_ARCHIVE", 2000):
            assert await server.stop() == 0
            await archive.fill(server.data, stored, people[0].id, [1], random)
            await server.start()
        senders = Senders(server, people, rate)
        await senders.begin()
        quiet, busy = list[float](), list[float]()
        made: list[tuple[Path, list[str]]] = []
        for number in range(count):
            quiet += await senders.reach(sample)
            target, known, first = tmp_path / f"{number}.zip", list(senders.acknowledged), len(senders.took)
            begin = time.monotonic()
            code, printed = await server.run("backup", str(target))
            assert code == 0, printed
            busy += senders.took[first:]
            made.append((target, known))
            print(f"backup {number}: {time.monotonic() - begin:.1f} s, {len(known)} acknowledged before")
        await senders.end()
    for number, (target, known) in enumerate(made):
        nonces, problems = await asyncio.to_thread(restored, target, tmp_path / f"restored{number}")
        assert set(known) <= nonces
        assert problems == []
    _report(count, quiet, busy)


def _report(count: int, quiet: list[float], busy: list[float]) -> None:
    record("backups under load, every one restored", count)
    record("messages sent meanwhile", len(busy))
    record("send to acknowledgement p99, without a backup", p99(quiet), "ms")
    record("send to acknowledgement p99, while one is made", p99(busy), "ms")
    if ratio := amount("BACKUP_RATIO", 0):
        assert p99(busy) <= ratio * p99(quiet)
