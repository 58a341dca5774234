"""Everybody is cut off at once: they come back one after the other, by their tokens, and miss nothing."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.harness.assembly import Assembly, assembled
from tests.harness.figures import record
from tests.harness.http import Http
from tests.harness.population import populated
from tests.harness.process import Server
from tests.harness.proxy import Proxy
from tests.harness.running import amount, chance, on_a_loop

CLIENTS = amount("STORM_CLIENTS", 60)
PEOPLE = max(3, CLIENTS // 3)
BACK_WITHIN = 60  # seconds
PAUSE = 0.5  # seconds between two posts of a writer
WINDOW = 0.1  # seconds, in which no more than ...
AT_ONCE = amount("STORM_AT_ONCE", 100) / 100  # ... this share of all tries to come back may fall
TRIES = 3  # because other programs may hold this process up, which then sees everybody at once


async def _come_back(assembly: Assembly, server: Server, proxy: Proxy, what: str) -> float:
    """After everybody was cut off; returns the largest share of all tries that came within the window."""
    loop = asyncio.get_running_loop()
    begin, tries = loop.time(), len(proxy.accepted)
    greeted = len(assembly.light.greeted)
    await assembly.all_lost()
    await assembly.all_back(server)
    seconds = loop.time() - begin
    record(f"{what}: all back and caught up after", seconds, "s")
    assert seconds < BACK_WITHIN
    record(f"{what}: greeted within 1 s, at most", _most(assembly.light.greeted[greeted:], 1), "of all")
    return _most(proxy.accepted[tries:], WINDOW)


def _most(times: list[float], window: float) -> float:
    """The largest share of these times that lies within so many seconds."""
    first = most = 0
    for last, time in enumerate(times):
        while times[first] < time - window:
            first += 1
        most = max(most, last - first + 1)
    return most / len(times)


async def _more_files(server: Server, wanted: int) -> int:
    """How many more files the server has open than these, once what is kept alive for HTTP is over."""
    for _ in range(300):
        if server.open_files() <= wanted:
            break
        await asyncio.sleep(0.1)
    return server.open_files() - wanted


@on_a_loop(300 + CLIENTS / 10)
async def test_everybody_comes_back_from_a_storm(tmp_path: Path) -> None:
    random = chance()
    async with populated(tmp_path, PEOPLE) as (server, people):
        proxy = Proxy(server.port, random)
        await proxy.start()
        files = server.open_files()
        guests = [proxy.guest(person) for person in people]
        async with assembled(proxy, guests, CLIENTS, PAUSE, 1, random) as assembly:
            assembly.talk()
            await server.kill()
            await server.start()
            await _come_back(assembly, server, proxy, "kill -9 and start")
            shares: list[float] = []
            while not shares or (shares[-1] > AT_ONCE and len(shares) < TRIES):
                for link in list(proxy.links):
                    link.reset()
                shares.append(await _come_back(assembly, server, proxy, "all cut"))
            record("all cut: tries within 100 ms, at most", min(shares), "of all")
            assert min(shares) <= AT_ONCE
            await assembly.fall_silent()
            await assembly.check(server)
            assert not assembly.light.refusals, assembly.light.refusals[:5]
            assert await _more_files(server, files + CLIENTS) <= 0
        record("files left open", await _more_files(server, files))
        assert server.open_files() <= files
        assert (await server.metrics())["chatbox_passwords_hashed_total"] == 0
        await _sign_in_wrongly(server)
        assert (await server.metrics())["chatbox_passwords_hashed_total"] == 1
        await proxy.close()
        await server.check()


@on_a_loop()
async def test_a_crowd_may_wait_to_be_accepted(tmp_path: Path) -> None:
    """More than a kernel holds by itself come while the server does something else."""
    async with populated(tmp_path, 1) as (server, _):
        server.signal(signal.SIGSTOP)
        try:
            with ExitStack() as stack:
                for _ in range(300):
                    plain = stack.enter_context(socket.socket())
                    plain.settimeout(10)
                    plain.connect(("127.0.0.1", server.port))
        finally:
            server.signal(signal.SIGCONT)


@on_a_loop()
async def test_the_server_may_have_as_many_connections_as_the_system_allows(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        async with populated(tmp_path, 1) as (server, _):
            assert server.file_limit() > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _sign_in_wrongly(server: Server) -> None:
    http = Http(server.port)
    answer = await http.command("session.create", name="person0", password="plum-trout-lantern-8")
    await http.close()
    assert answer.status == 403
