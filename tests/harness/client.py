"""A foreign client: the `websockets` package, a mirror of what it was told, an outbox with nonces."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.harness.mirror import Mirror, Room
from tests.harness.process import Door, Person

LOST = (ConnectionClosed, InvalidHandshake, OSError, EOFError, TimeoutError)


class Refused(Exception):
    """The server's refusal of a command."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.field: str | None = error.get("field")
        self.retry_in: float | None = error.get("retry_in")


class Lost(Exception):
    """The connection went away before the answer: nobody knows whether the command was carried out."""


class Client:
    """One connection after another of one person. Sent again is what was posted and not answered."""

    def __init__(self, server: Door, person: Person) -> None:
        self.server = server
        self.person = person
        self.mirror = Mirror()
        self.outbox: dict[str, dict[str, Any]] = {}  # by nonce, the fields of the command
        self.answers: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.keep_events = False
        self.online = asyncio.Event()  # caught up, and everything from before was sent again
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._hellos: set[int] = set()
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    # -- the connection ------------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def open(self) -> None:
        """Connect, without hello: commands are answered, no events come. Raises one of LOST."""
        address = self.server.url.replace("http", "ws", 1) + "/ws"
        self._socket = await connect(
            address, additional_headers=self.person.headers, compression=None, max_size=None, max_queue=None,
            ping_interval=None, proxy=None, close_timeout=2,
        )  # fmt: skip
        self.server.transports.append(self._socket.transport)
        self.close_code = None
        self._reader = asyncio.create_task(self._read(self._socket))

    async def connect(self) -> None:
        """Connect, catch up, and send again what was not answered. Raises `Lost` or one of LOST."""
        await self.open()
        await self.hello()
        await self.resend()
        self.online.set()

    async def hello(self) -> dict[str, Any]:
        """A snapshot, and what changed since the last one."""
        id = next(self._ids)
        self._hellos.add(id)
        reply = await self._ask(id, "hello", self.mirror.positions())
        await self.repair()
        return reply

    async def drop(self) -> None:
        """Cut the line without a word."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self._gone()

    async def close(self) -> None:
        """Leave as one should."""
        if self._socket is not None:
            await self._socket.close()
        await self._gone()

    async def closed(self) -> int:
        """Wait until the server ends the connection; returns the close code."""
        await self._gone()
        assert self.close_code is not None
        return self.close_code

    async def _gone(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader])  # which does not cancel the reader where this is cancelled
            self._reader.result()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.close_code = socket.close_code
            self.mirror.online = False
            self.online.clear()
            waiting, self._waiting = self._waiting, {}
            for future in waiting.values():
                if not future.done():
                    future.set_exception(Lost())

    def _take(self, frame: dict[str, Any]) -> None:
        if "ev" in frame:
            if self.keep_events:
                self.events.append(frame)
            self.mirror.apply(frame)
            return
        id = frame["re"]
        if id in self._hellos and "ok" in frame:
            self.mirror.hello(frame["ok"])
        future = self._waiting.pop(id, None)
        if future is None:
            self.mirror.complaints.append(f"a reply to nothing: {frame}")
        elif not future.done():
            future.set_result(frame)

    # -- commands ------------------------------------------------------------------------------------------

    async def call(self, do: str, /, **fields: Any) -> dict[str, Any]:
        """The reply to a command. Raises `Refused` or `Lost`."""
        return await self._ask(next(self._ids), do, fields)

    async def _ask(self, id: int, do: str, fields: dict[str, Any]) -> dict[str, Any]:
        frame = await (await self.send(id, do, fields))
        if "error" in frame:
            raise Refused(frame["error"])
        return dict(frame["ok"])

    async def send(self, id: int | None, do: str, fields: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """Send a command; the future gives the whole reply, or raises `Lost`."""
        id = next(self._ids) if id is None else id
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._socket is None or not self.connected:
            raise Lost
        self._waiting[id] = future
        try:
            await self._socket.send(json.dumps({"id": id, "do": do, **fields}))
        except ConnectionClosed:
            raise Lost from None
        return future

    async def post(self, room: int, text: str, nonce: str = "", **fields: Any) -> dict[str, Any]:
        """Post, and keep the draft until it is answered. Raises `Refused` (then it is dropped) or `Lost`."""
        nonce = nonce or secrets.token_urlsafe(12)
        self.outbox[nonce] = {"room": room, "text": text, **fields}
        return await self._send_draft(nonce)

    async def resend(self) -> None:
        """Send once more what was refused for the moment. Raises `Lost`."""
        for nonce in list(self.outbox):
            if nonce in self.outbox:  # it was not answered meanwhile
                with suppress(Refused):
                    await self._send_draft(nonce)

    async def _send_draft(self, nonce: str) -> dict[str, Any]:
        try:
            reply = await self.call("message.post", nonce=nonce, **self.outbox[nonce])
        except Refused as error:
            if error.retry_in is None:
                self.outbox.pop(nonce, None)
            raise
        self.outbox.pop(nonce, None)
        self.answers[nonce] = reply
        return reply

    # -- being up to date ----------------------------------------------------------------------------------

    async def barrier(self) -> None:
        """Everything that was published before this call has arrived, and nothing is missing.

        Between the ping and its reply other things may happen: then it is asked once more."""
        missing: list[str] = []
        for _ in range(10):
            await self.repair()
            if self.mirror.stale:
                await self.hello()
            missing = self.mirror.missing(await self.call("ping"))
            if not missing and not self.mirror.behind() and not self.mirror.stale:
                return
        raise AssertionError(f"{self.person.name} misses {missing}")

    async def repair(self) -> None:
        """Ask for what is missing in rooms that are behind."""
        for room in self.mirror.behind():
            while room.wanted > room.position and room.id in self.mirror.rooms:
                try:
                    await self._changes(room)
                except Refused as error:
                    if error.code != "not_found":
                        raise
                    return  # removed meanwhile

    async def _changes(self, room: Room) -> None:
        """All pages first, then all at once: counting goes by `seq`, the pages by `rev`."""
        after, found, more = room.position, [], True
        while more:
            page = await self.call("room.changes", room=room.id, after=after)
            found += page["messages"]
            after, more = page["to"], page["more"]
        self.mirror.stale |= room.advance(after, found, self.mirror.me)

    async def load(self, page: int = 500) -> None:
        """Have every message of every room, through the history."""
        for room in list(self.mirror.rooms.values()):
            if room.loaded:
                continue
            before: dict[str, int] = {}
            more = True
            while more:
                reply = await self.call("room.history", room=room.id, limit=page, **before)
                room.merge(reply["messages"])
                more = reply["more"]
                if more:
                    before = {"before": reply["messages"][0]["seq"]}
            room.loaded = True

    async def settle(self) -> None:
        """Be up to date with everything loaded, and have nothing to complain about."""
        await self.load()
        await self.barrier()
        assert not self.mirror.complaints, self.mirror.complaints[:5]
