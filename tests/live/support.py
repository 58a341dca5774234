"""Connections without sockets: what would be written is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import json

from chatbox.bus.base import Publication
from chatbox.live.connection import Connection
from chatbox.live.hub import Hub
from tests.chat.support import SetClock


class KeptSink:
    """Takes everything at once, unless it is `stuck`."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed: list[tuple[int, str]] = []
        self.stuck = False
        self.pings = 0
        self.waiting = 0
        self.written = 0

    def write(self, data: bytes) -> int:
        self.writes.append(data)
        if self.stuck:
            self.waiting += len(data)
        else:
            self.written += len(data)
        return self.waiting

    def unsent(self) -> tuple[int, int]:
        return self.waiting, self.written

    def ping(self) -> None:
        self.pings += 1

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    @property
    def payloads(self) -> list[Any]:
        """What the frames hold."""
        found, data = [], b"".join(self.writes)
        while data:
            size, start = data[1], 2
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(data[2:start], "big")
            found.append(json.decode(data[start : start + size]))
            data = data[start + size :]
        return found


class Room:
    """A hub with a clock that is set."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.hub = Hub(self.clock)

    def enter(
        self, user: int, rooms: tuple[int, ...] = (7,), session: int = 1
    ) -> tuple[Connection, KeptSink]:
        """A connection that has had its hello."""
        sink = KeptSink()
        connection = Connection(sink, user, session, "127.0.0.1")
        self.hub.attach(connection)
        connection.hold()
        self.hub.subscribe(connection, rooms)
        connection.release(b"")
        connection.flush(self.clock.monotonic())
        sink.writes.clear()
        return connection, sink


def event(number: int, room: int = 7, **more: Any) -> Publication:
    """A room's event that can be told from others."""
    return Publication(f"room:{room}", json.encode({"number": number}), head=number, **more)


def on_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


async def flushed(hub: Hub) -> None:
    """Until everything that was due has been written."""
    async with asyncio.timeout(5):
        while hub._due or hub._round:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
