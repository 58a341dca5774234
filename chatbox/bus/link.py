"""Connections to Redis, given up as soon as it does not answer: nothing in it is the only copy.

The library is imported when the first connection is made: a server without Redis does not pay for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

TIMEOUT = 1.5  # seconds for connecting, and for an answer

Command = tuple[str | bytes | int | float, ...]


class Away(Exception):
    """Redis does not answer, or refuses. The text says how."""


class Wire:
    """One connection, on which nothing is tried twice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self) -> None:
        """Connect. Raises `Away`."""
        await _given_up(self._connection.connect())  # type: ignore[no-untyped-call]

    async def send(self, *commands: Command) -> None:
        """Send, without waiting for an answer. Raises `Away`."""
        if not self._connection.is_connected:
            raise Away("the connection was lost")
        packed = self._connection.pack_commands(commands)
        await _given_up(self._connection.send_packed_command(packed, check_health=False))

    async def read(self, *, patient: bool = False) -> Any:
        """The next answer; whoever is `patient` waits for it without end. Raises `Away`."""
        return await _given_up(self._connection.read_response(timeout=math.inf if patient else None))

    async def close(self) -> None:
        """End it, without waiting for the other side."""
        await _given_up(self._connection.disconnect(nowait=True))


async def _given_up(work: Any) -> Any:
    from redis.exceptions import RedisError

    try:
        return await work
    except (RedisError, OSError) as error:
        raise Away(str(error) or type(error).__name__) from error


class Link:
    """Where Redis is, and whether it is there: `up` is kept by the bus, which notices first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.up = False
        self.times = 0  # that it came up

    def came(self) -> None:
        """Redis is there, and may be another one."""
        self.up = True
        self.times += 1

    def wire(self) -> Wire:
        """A new connection, not opened yet. Raises `ValueError` where the address has wrong options."""
        from redis.asyncio.connection import Connection, parse_url

        options: dict[str, Any] = {"socket_timeout": TIMEOUT, **parse_url(self._url)}
        kind = options.pop("connection_class", Connection)
        return Wire(kind(**options | {"protocol": 2, "decode_responses": False}))

    def line(self) -> Line:
        """A connection that is opened when something is asked."""
        return Line(self)


class Line:
    """Asks one after the other. While the link is down it does not even try."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._turn = asyncio.Lock()
        self._wire: Wire | None = None
        self._opened = 0  # at which time that the link came up

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """The answers. Raises `Away`, also where Redis refuses one of them."""
        async with self._turn:
            if not self._link.up:
                raise Away("Redis is away")
            if self._opened != self._link.times:
                await self._drop()
            try:
                if self._wire is None:
                    self._opened = self._link.times
                    self._wire = self._link.wire()
                    await self._wire.open()
                await self._wire.send(*commands)
                return [await self._wire.read() for _ in commands]
            except BaseException:  # answers may be left in it
                await self._drop()
                raise

    async def close(self) -> None:
        """End the connection."""
        async with self._turn:
            await self._drop()

    async def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()
