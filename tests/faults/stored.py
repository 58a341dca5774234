"""The checker of the fault tests: what was acknowledged is stored, once, and where the answer said."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple

from tests.harness.client import Client
from tests.harness.node import NodeClient
from tests.harness.process import Person, Server


class Ledger:
    """What one person sent, and what came of it. `sent` has the nonces in the order of sending."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.sent: list[str] = []
        self.allowed: dict[str, set[str]] = {}  # nonce -> texts that may be stored; one, once acknowledged
        self.answers: dict[str, Place | None] = {}  # None where the client does not tell the place

    def send(self, nonce: str, text: str) -> None:
        """Note that a message is on its way."""
        self.sent.append(nonce)
        self.allowed[nonce] = {text}


class Place(NamedTuple):
    room: int
    seq: int


def check_messages(server: Server, ledgers: list[Ledger], *, in_order: bool = True) -> int:
    """Each acknowledged message is stored where the answer said; nothing is that was not sent; and each room
    has them in the order of sending, unless what was refused was sent again later. Returns how many.
    """
    found = 0
    for ledger in ledgers:
        rows = server.rows("SELECT nonce, room, seq, text FROM messages WHERE user = ?", ledger.user)
        stored = {nonce: (Place(room, seq), text) for nonce, room, seq, text in rows}
        assert len(stored) == len(rows), "a message is stored twice"
        for nonce, answer in ledger.answers.items():
            assert nonce in stored, f"{nonce} was acknowledged, and is lost"
            assert answer is None or stored[nonce][0] == answer, nonce
        for nonce, (_, text) in stored.items():
            assert text in ledger.allowed[nonce], (nonce, text, ledger.allowed[nonce])
        if in_order:
            _check_order([stored[nonce][0] for nonce in ledger.sent if nonce in stored])
        found += len(stored)
    return found


def _check_order(places: list[Place]) -> None:
    last: dict[int, int] = {}
    for room, seq in places:
        assert seq > last.get(room, 0), f"{room}, {seq} is stored before what was sent before it"
        last[room] = seq


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
