"""What takes its time after the clock was set: the hourly sweep, pings, who is told to be gone.

Part of `make faults` only: each of these waits for about a minute.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.faults.faked_clock import DAY, TEN_YEARS, FakedClock
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.http import Http
from tests.harness.process import PASSWORD, Person, Server, serving
from tests.harness.raw import PING, PONG, RawSocket
from tests.harness.running import on_a_loop

CONTENT = b"waits for its message"


@on_a_loop(300)
async def test_a_sweep_while_the_clock_is_ten_years_ahead_ends_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, {"tls.mode": "off"})  # certificates do end within ten years
    clock = FakedClock(server, tmp_path)
    async with serving(tmp_path, people=2, server=server) as (server, people):
        ada, ben = people
        live = Client(server, ada)
        await live.connect()
        shared = await _sign_in_shared(server, ben)
        file = await _upload(server, ben)
        invite = (await server.command(ada, "invite.create", days=7)).json["secret"]
        stray = server.data / "uploads" / "ab" / ("ab" + "0" * 62)
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"nobody needs it")
        clock.set(TEN_YEARS)
        while stray.exists():  # noqa: ASYNC110 - the last thing that the sweep does, in another process
            await asyncio.sleep(0.5)
        for ahead in (TEN_YEARS, 0):
            clock.set(ahead)
            for person in (ada, ben, shared):
                assert (await server.command(person, "session.list")).status == 200, (person.name, ahead)
        assert (await server.command(ben, "link.check", secret=invite)).status == 200
        assert await _download(server, ben, file) == CONTENT
        await live.post(1, "with the file of before")
        answer = await server.command(ben, "message.post", room=1, nonce="file-nonce", text="", files=[file])
        assert answer.status == 200, answer.body
        await live.close()


async def _sign_in_shared(server: Server, person: Person) -> Person:
    http = Http(server.port)
    answer = await http.command("session.create", name=person.name, password=PASSWORD, shared=True)
    await http.close()
    return person._replace(cookie=answer.headers["set-cookie"].partition(";")[0])


async def _upload(server: Server, person: Person) -> str:
    http = Http(server.port, person.headers)
    answer = await http.ask("POST", "/files?name=a.txt", CONTENT)
    await http.close()
    return str(answer.json["id"])


async def _download(server: Server, person: Person, file: str) -> bytes:
    http = Http(server.port, person.headers)
    answer = await http.ask("GET", f"/files/{file}/a.txt")
    await http.close()
    return answer.body


@on_a_loop(300)
async def test_after_a_step_back_the_dead_are_found_and_the_absent_told(tmp_path: Path) -> None:
    server = Server(tmp_path, {"tls.mode": "off"})  # certificates do end within ten years
    clock = FakedClock(server, tmp_path)
    async with serving(tmp_path, people=3, server=server) as (server, people):
        watcher, leaver = Client(server, people[0]), Client(server, people[1])
        watcher.keep_events = True
        await watcher.connect()
        await leaver.connect()
        dead = await RawSocket.open(server, people[2])
        while (frame := await dead.read()) is not None and frame.opcode != PING:
            pass
        dead.frame(PONG, b"")
        clock.set(-DAY)
        begin = time.monotonic()
        await leaver.drop()
        gone = asyncio.create_task(_told_offline(watcher, people[1].id))
        pings = 0
        while (frame := await dead.read()) is not None:
            pings += frame.opcode == PING
        record("a dead peer is closed after a step back of a day", time.monotonic() - begin, "s")
        assert pings == 1
        assert time.monotonic() - begin < 50
        assert 9 < await gone - begin < 20
        dead.abort()
        await watcher.close()


async def _told_offline(watcher: Client, user: int) -> float:
    """When the watcher was told so, on the monotonic clock."""
    while not any(user in event.get("offline", ()) for event in watcher.events):
        watcher.events.clear()
        await watcher.call("ping")
        await asyncio.sleep(0.1)
    return time.monotonic()
