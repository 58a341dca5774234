"""Slow, dead, hasty and leaving connections, and a server that is asked to stop."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from tests.harness.client import Client, Lost, Refused
from tests.harness.http import Http
from tests.harness.process import Person, Server, serving
from tests.harness.raw import CLOSE, PING, TEXT, RawSocket
from tests.harness.running import chance, on_a_loop

LONG = "x" * 16_000
NORMAL = {"limits.messages_per_second": "5", "limits.messages_burst": "20"}


@on_a_loop()
async def test_who_reads_nothing_is_closed_as_too_slow_and_nobody_waits(tmp_path: Path) -> None:
    async with serving(tmp_path, people=3) as (server, people):
        slow = await RawSocket.open(server, people[1], buffer=4096)
        slow.command(1, "hello")
        assert "ok" in await slow.reply(1)
        quick, talker = Client(server, people[2]), Client(server, people[0])
        await quick.connect()
        await talker.connect()
        for _ in range(15):
            await asyncio.gather(*(talker.post(1, LONG) for _ in range(10)))
        await quick.barrier()
        assert len(quick.mirror.rooms[1].messages) == 150
        assert await slow.close_code() == 4008
        slow.abort()
        again = Client(server, people[1])
        await again.connect()
        await again.settle()
        assert len(again.mirror.rooms[1].messages) == 150
        for client in (quick, talker, again):
            await client.close()


@on_a_loop()
async def test_the_dead_and_the_stuck_are_gone_within_35_seconds(tmp_path: Path) -> None:
    """The one slow test: a peer that answers no ping, and one that takes nothing for ten seconds."""
    async with serving(tmp_path, people=3) as (server, people):
        dead = await RawSocket.open(server, people[1])
        begin = time.monotonic()
        stuck = await RawSocket.open(server, people[2], buffer=4096)
        stuck.command(1, "hello")
        assert "ok" in await stuck.reply(1)
        talker = Client(server, people[0])
        await talker.connect()
        await asyncio.gather(*(talker.post(1, LONG) for _ in range(30)))

        reading = asyncio.create_task(_pings_until_gone(dead))
        while await _connections(server) > 2:  # noqa: ASYNC110 - another process tells of no event
            await asyncio.sleep(0.2)
        assert 9 < time.monotonic() - begin < 25
        assert await reading == 1
        assert 25 < time.monotonic() - begin < 35
        dead.abort()
        stuck.abort()
        await talker.close()


async def _pings_until_gone(raw: RawSocket) -> int:
    """How many pings come before the end."""
    pings = 0
    while (frame := await raw.read()) is not None:
        pings += frame.opcode == PING
    return pings


async def _connections(server: Server) -> int:
    """How many are live, by the server's own count."""
    http = Http(server.port)
    text = (await http.ask("GET", "/metrics")).body.decode()
    await http.close()
    (line,) = [line for line in text.splitlines() if line.startswith("chatbox_connections ")]
    return int(float(line.split()[1]))


@on_a_loop()
async def test_over_the_rate_it_gets_slower_before_it_is_refused(tmp_path: Path) -> None:
    random = chance()
    async with serving(tmp_path, NORMAL, people=2) as (server, people):
        alone = Client(server, people[0])
        await alone.connect()
        begin = time.monotonic()
        await asyncio.gather(*(alone.post(1, f"alone {number}") for number in range(27)))
        assert 0.8 < time.monotonic() - begin < 20, "27 posts at 20 at once and 5 a second"
        many = [Client(server, people[1]) for _ in range(16)]
        for client in many:
            await client.connect()
        texts = [f"many {number}" for number in range(48)]
        random.shuffle(texts)
        refused: list[Refused] = []

        async def post(client: Client, text: str) -> None:
            while True:
                try:
                    await client.post(1, text, f"nonce-of-{text.replace(' ', '-')}")
                except Refused as error:
                    refused.append(error)
                    await asyncio.sleep((error.retry_in or 0) * (1 + random.random()))
                else:
                    return

        await asyncio.gather(*(post(many[number % 16], text) for number, text in enumerate(texts)))
        assert refused, "nobody was ever refused"
        assert {error.code for error in refused} == {"rate_limited"}
        assert all(0 < (error.retry_in or 0) < 10 for error in refused)
        assert server.rows("SELECT count(*) FROM messages WHERE text LIKE 'many %'") == [(48,)]
        for client in [alone, *many]:
            await client.close()


@on_a_loop()
async def test_a_frame_that_is_too_big_is_1009_and_the_largest_fits(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, people):
        raw = await RawSocket.open(server, people[0])
        raw.frame(TEXT, b'{"id": 1, "do": "ping"' + b" " * (65_536 - 23) + b"}")
        assert "ok" in await raw.reply(1)
        raw.frame(TEXT, b'{"id": 2, "do": "ping"' + b" " * (65_537 - 23) + b"}")
        assert await raw.close_code() == 1009
        raw.abort()
        client = Client(server, people[0])
        await client.connect()
        with pytest.raises(Lost):
            await client.call("message.post", room=1, nonce="too-big-nonce", text="x" * 70_000)
        assert await client.closed() == 1009


@on_a_loop()
async def test_before_hello_no_events_come_and_a_second_one_is_a_new_snapshot(tmp_path: Path) -> None:
    async with serving(tmp_path, people=2) as (server, people):
        client, other = Client(server, people[0]), Client(server, people[1])
        client.keep_events = True
        await other.connect()
        await client.open()
        await other.post(1, "before hello")
        assert len((await client.call("room.history", room=1))["messages"]) == 1
        assert not client.events
        first = await client.hello()
        await other.post(1, "between")
        await client.barrier()
        second = await client.hello()
        heads = [reply["rooms"][0]["head"] for reply in (first, second)]
        assert heads[1] == heads[0] + 1
        assert second["people"] == []
        client.mirror.epoch = "another history"
        third = await client.hello()
        assert third["changes"] == {"1": "reset"}
        assert len(third["people"]) == 2
        await client.settle()
        for each in (client, other):
            await each.close()


@on_a_loop()
async def test_a_stop_loses_nothing_and_tells_everybody_to_come_back(tmp_path: Path) -> None:
    async with serving(tmp_path, people=3) as (server, people):
        clients = [Client(server, person) for person in people]
        for client in clients:
            await client.connect()

        async def talk(client: Client) -> None:
            try:
                for number in range(10_000):
                    await client.post(1, f"{client.person.name} {number}")
            except (Lost, Refused):
                return

        talking = [asyncio.create_task(talk(client)) for client in clients]
        while sum(len(client.answers) for client in clients) < 200:
            await clients[0].call("ping")
        assert await server.stop() == 0
        await asyncio.gather(*talking)
        assert [await client.closed() for client in clients] == [1012] * 3
        assert not list(server.data.glob("*-wal")), "the log was not taken into the database"
        stored = dict(server.rows("SELECT nonce, seq FROM messages"))
        for client in clients:
            assert all(stored[nonce] == answer["seq"] for nonce, answer in client.answers.items())
        await server.start()
        for client in clients:
            await client.connect()
            assert not client.outbox
            await client.settle()
        assert clients[0].mirror.rooms[1].messages == clients[1].mirror.rooms[1].messages
        for client in clients:
            await client.close()


@on_a_loop()
async def test_asked_twice_it_stops_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, people):
        took = [await _stop_hastily(server, people[0])]
        while min(took) > 0.8 and len(took) < 3:  # where the machine is busy it takes longer
            await server.start()
            took.append(await _stop_hastily(server, people[0]))
        assert min(took) < 0.8, took


async def _stop_hastily(server: Server, person: Person) -> float:
    """Ask twice while there are connections that never answer a close; seconds from the second time on."""
    raws = [await RawSocket.open(server, person) for _ in range(3)]
    server.signal(signal.SIGTERM)
    assert [await _first_close(raw) for raw in raws] == [1012] * 3
    await asyncio.sleep(1.05)  # two signals within a second count as one
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    for raw in raws:
        raw.abort()
    return time.monotonic() - begin


async def _first_close(raw: RawSocket) -> int | None:
    while (frame := await raw.read()) is not None:
        if frame.opcode == CLOSE:
            return frame.close_code
    return None


@on_a_loop()
async def test_a_second_process_on_the_folder_is_told_where_the_first_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, people):
        port, server.port = server.port, 0
        second = await server.launch()
        server.port = port
        assert await second.wait() == 0
        assert f"already running with this data folder (process {server.pid})" in server.said
        assert f"Open  {server.url}" in server.said
        client = Client(server, people[0])
        await client.connect()
        await client.post(1, json.dumps("still here"))
        await client.close()
