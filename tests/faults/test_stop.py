"""Asked to stop while everybody talks, the server loses nothing and tells everybody to come back."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.harness.assembly import Assembly, assembled
from tests.harness.crowd import RESTARTING
from tests.harness.figures import record
from tests.harness.population import populated
from tests.harness.process import Person, Server
from tests.harness.raw import RawSocket
from tests.harness.running import amount, chance, on_a_loop

CLIENTS = amount("STOP_CLIENTS", 20)
PEOPLE = max(3, CLIENTS // 3)
STOPS_WITHIN = 30  # seconds
HURRY = amount("STOP_HURRY", 20)  # seconds from being asked again to the end, at most
TRIES = 3  # because other programs may take the processor just then
POSTS = amount("STOP_POSTS", 20)  # before the first stop
PAUSE, BURST = 0.4, 5  # of each of three writers: about 40 messages a second


async def _stop(assembly: Assembly, server: Server) -> None:
    """Once: everybody is told, and everything that was queued is stored and taken into the database."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    assert await server.stop() == 0
    record("stop: seconds to the end", loop.time() - begin, "s")
    assert loop.time() - begin < STOPS_WITHIN
    await assembly.all_lost()
    assert assembly.light.closes == {RESTARTING: len(assembly.light.members)}
    assert (await assembly.web.closes())[RESTARTING] == assembly.webs
    assert [await writer.client.closed() for writer in assembly.writers] == [RESTARTING] * 3
    assert not list(server.data.glob("*-wal"))


def _end_of(pid: int) -> float:
    """When that process ended, by the monotonic clock. For a thread: the loop is busy with the clients."""
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
    return time.monotonic()


async def _stop_hastily(assembly: Assembly, server: Server, person: Person) -> float:
    """Asked again while there are some who never answer a close; the seconds from then to the end."""
    raws = [await RawSocket.open(server, person) for _ in range(3)]
    server.signal(signal.SIGTERM)
    await asyncio.sleep(1.5)  # two signals within a second count as one
    ending = asyncio.create_task(asyncio.to_thread(_end_of, server.pid))
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    seconds = await ending - begin
    for raw in raws:
        raw.abort()
    await assembly.all_lost()
    return seconds


@on_a_loop(300 + CLIENTS / 10)
async def test_a_stop_under_load_loses_nothing(tmp_path: Path) -> None:
    random = chance()
    async with (
        populated(tmp_path, PEOPLE) as (server, people),
        assembled(server, people, CLIENTS, PAUSE, BURST, random) as assembly,
    ):
        assembly.talk()
        await assembly.posts(POSTS)
        await _stop(assembly, server)
        await server.start()
        await assembly.hurry_back(server)
        took: list[float] = []
        while not took or (took[-1] > HURRY and len(took) < TRIES):
            took.append(await _stop_hastily(assembly, server, people[0]))
            await server.start()
            await assembly.hurry_back(server)
        record("stop at once: seconds to the end", min(took), "s")
        assert min(took) < HURRY
        await assembly.fall_silent()
        await assembly.check(server)
        await server.check()
        record("posts", sum(len(writer.sent.nonces) for writer in assembly.writers))
