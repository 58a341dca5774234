"""What the tests of rooms and messages do: commands in one line each, and what was published."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable
from typing import Any

from msgspec import json

from chatbox.bus.base import Publication
from chatbox.chat.context import Caller
from chatbox.live.connection import Connection
from chatbox.protocol import parse
from chatbox.web import dispatch
from tests.chat.support import World, error_of
from tests.live.support import KeptSink, flushed

GENERAL = 1

_numbers = itertools.count(1)


class Published:
    """Everything published since the last look: topic and event, in order."""

    def __init__(self, world: World) -> None:
        self._found: list[tuple[str, dict[str, Any]]] = []
        world.ctx.hub.watch(self._hear)

    def _hear(self, publication: Publication) -> None:
        for event in filter(None, (publication.event, publication.description)):
            self._found.append((publication.topic, json.decode(event)))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        found, self._found = self._found, []
        return found

    def shapes(self) -> list[tuple[str, str]]:
        """Only where each went and what it was."""
        return [(topic, event["ev"]) for topic, event in self.take()]


async def do(world: World, caller: Caller, name: str, /, **fields: Any) -> Any:
    """The reply to a command, as it goes out."""
    result = dispatch.begin(world.ctx, caller, parse.parse_named(name, json.encode(fields)))
    return json.decode(json.encode(await result if isinstance(result, Awaitable) else result))


async def refused(world: World, caller: Caller, name: str, /, **fields: Any) -> str:
    """The code with which a command is refused, and the field that it names."""
    error = await error_of(do(world, caller, name, **fields))
    return f"{error.code} {error.field}" if error.field else error.code


async def make_room(
    world: World, caller: Caller, name: str = "ops", *others: Caller, kind: str = "public"
) -> int:
    """A room of this caller, with these others in it."""
    made = await do(world, caller, "room.create", name=name, kind=kind)
    for other in others:
        await do(world, caller, "room.invite", room=made["room"]["id"], user=other.user)
    return int(made["room"]["id"])


async def post(world: World, caller: Caller, room: int = GENERAL, text: str = "hello") -> int:
    """Post a message; where it stands."""
    reply = await do(world, caller, "message.post", room=room, nonce=new_nonce(), text=text)
    return int(reply["seq"])


def new_nonce() -> str:
    return f"nonce-{next(_numbers):06}"


async def room_of(world: World, caller: Caller, room: int = GENERAL) -> dict[str, Any]:
    """A room as this caller sees it."""
    listed = (await do(world, caller, "room.list"))["rooms"]
    return next(dict(each) for each in listed if each["id"] == room)


async def counts(world: World, caller: Caller, room: int = GENERAL) -> tuple[int, int, int]:
    """Read position, unread and mentions."""
    seen = await room_of(world, caller, room)
    return seen["read"], seen["unread"], seen["mentions"]


def connect(world: World, caller: Caller) -> tuple[Caller, KeptSink]:
    """The caller on a connection that has not said hello; and what is written to it."""
    sink = KeptSink()
    connection = Connection(sink, caller.user, caller.session, caller.address)
    world.ctx.hub.attach(connection)
    return caller.on(connection), sink


async def greet(world: World, caller: Caller, **fields: Any) -> dict[str, Any]:
    """The snapshot for a connection, queued as the socket does it."""
    reply = await do(world, caller, "hello", **fields)
    assert caller.connection is not None
    world.ctx.hub.release(caller.connection, json.encode({"ok": reply}))
    world.ctx.presence.update(caller.user)
    await flushed(world.ctx.hub)
    return dict(reply)
