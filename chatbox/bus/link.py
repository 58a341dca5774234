"""Connections to Redis, given up as soon as it does not answer: nothing in it is the only copy.

The library is imported when the first connection is made: a server without Redis does not pay for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from redis.asyncio.connection import Connection

TIMEOUT = 1.5  # seconds for connecting, and for an answer

Command = tuple[str | bytes | int | float, ...]


# All that nodes need to be allowed to. What it writes is gone in a second; HELLO is known since version 6.
_NEEDED: tuple[Command, ...] = (
    ("PING",),
    ("HELLO",),
    ("SET", "chatbox:try", "", "PX", 1000),
    ("EVAL", "return redis.call('TIME')", 0),
    ("PUBLISH", "chatbox:try", ""),
)


class Away(Exception):
    """Redis does not answer, or refuses. The text says how."""


class Refused(Away):
    """Redis is there, and does not let this node do what it must. The text says what to do."""


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
        if advice := _advice(error):
            raise Refused(advice) from error
        raise Away(str(error) or type(error).__name__) from error


def _advice(error: Exception) -> str:
    """What is wrong with the address or with Redis, and what to do; nothing where it may pass by itself."""
    from redis import exceptions as known

    told = str(error).rstrip(".")
    match error:
        case known.AuthenticationError() if "without any password" in told:
            return "it has no password, and the address holds one: take that out, or set requirepass there"
        case known.NoPermissionError():
            return f"{told}: allow its user everything under chatbox:, as +@all ~chatbox:* &chatbox:*"
        case known.AuthenticationError() if "required" in told:
            return "it asks for a password: write that into the address, redis://:PASSWORD@HOST"
        case known.AuthenticationError():
            return "it refuses the password: write the right one into the address, redis://:PASSWORD@HOST"
        case known.ReadOnlyError():
            return "it is a copy that cannot be written: name the one that it is a copy of"
        case known.InvalidResponse():
            return "what answers there is no Redis"
        case known.ResponseError() if "DB index" in told:
            return "it has no database of that number: leave the number out of the address"
        case known.ResponseError() if "unknown command" in told:
            return "it is older than version 6, or some of its commands are turned off"
        case known.ConnectionError() if "CERTIFICATE_VERIFY_FAILED" in told:
            return "its certificate does not hold: name the file of who made it, ?ssl_ca_certs=FILE"
    return ""


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
        """A new connection, not opened yet. Raises `Refused` where the address has wrong options."""
        from redis.asyncio.connection import Connection, parse_url

        try:
            options: dict[str, Any] = {"socket_timeout": TIMEOUT, **parse_url(self._url)}
            kind = options.pop("connection_class", Connection)
            return Wire(kind(**options | {"protocol": 2, "decode_responses": False}))
        except (TypeError, ValueError) as error:
            raise Refused("its address has an option after the ? that is not known, or not right") from error

    async def try_out(self) -> None:
        """Ask once for all that nodes need. Raises `Refused`, and `Away` where it may come by itself."""
        wire = self.wire()
        try:
            await wire.open()
            await wire.send(*_NEEDED)
            for _ in _NEEDED:
                await wire.read()
        except Refused:
            raise
        except Away as away:
            if await self._greeting() == b"-DENIED":
                raise Refused(
                    "it lets nobody in from other computers as long as it has no password: set requirepass "
                    "there, and write the same into the address, redis://:PASSWORD@HOST"
                ) from away
            raise
        finally:
            await wire.close()

    async def _greeting(self) -> bytes:
        """The first word that is said to whoever says nothing: where Redis refuses all, it is gone before one
        could ask."""
        parts = urlsplit(self._url)
        with contextlib.suppress(OSError, EOFError):
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 6379)
                try:
                    return (await reader.readuntil(b" "))[:-1]
                finally:
                    writer.close()
        return b""

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
