"""What a client knows in the end is what a newcomer loads, and what the database holds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from tests.harness.client import Client
from tests.harness.node import NodeClient
from tests.harness.process import Person, Server


async def check_client(server: Server, client: Client) -> None:
    """Whoever followed all the way knows what a newcomer loads, and that is what the database holds."""
    await client.settle()
    fresh = await _newcomer(server, client.person)
    assert client.mirror.state() == fresh.mirror.state(), client.person.name
    for room in fresh.mirror.rooms.values():
        query = "SELECT seq, rev, text FROM messages WHERE room = ? ORDER BY seq"
        stored = await asyncio.to_thread(server.rows, query, room.id)
        known = [(seq, message["rev"], message["text"]) for seq, message in sorted(room.messages.items())]
        assert known == stored, (client.person.name, room.id)


async def check_web(server: Server, web: NodeClient) -> None:
    """The same for a web client, which asks for new counts after a random pause."""
    rooms: dict[int, Any] = (await _newcomer(server, web.person)).mirror.state()["rooms"]
    wanted = {id: {key: room[key] for key in room if key != "settings"} for id, room in rooms.items()}
    await web.ask("sync")
    found = await web.state()
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            while found != wanted:
                await asyncio.sleep(0.2)
                found = await web.state()
    assert found.keys() == wanted.keys()
    for id, room in wanted.items():
        for part in room:
            assert found[id][part] == room[part], f"{part} of room {id}"


async def _newcomer(server: Server, person: Person) -> Client:
    """All that this person can load now."""
    fresh = Client(server, person)
    await fresh.connect()
    await fresh.settle()
    await fresh.close()
    return fresh
