"""Thousands of light connections in one process, each of which follows #general and comes back when cut off.

A frame that many of them get is decoded once: the server sends the same bytes to all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import msgspec

from tests.harness.checker import State, Transcript
from tests.harness.process import Door, Person

GENERAL = 1
OPENING = 10.0  # seconds for a connection and its handshake, as in the web client
LONGEST = 30.0  # seconds between two tries
ABNORMAL = 1006  # the connection was lost without a close frame
RESTARTING = 1012
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_EVENT, _HELLO, _CHANGES = b'{"ev":"messages"', b'{"re":1,', b'{"re":2,'
_REFUSALS = (b'{"re":1,"error"', b'{"re":2,"error"')
_KEY, _TAIL = 120, 40  # bytes at the two ends of a long frame that tell it from all others


class _Message(msgspec.Struct):
    seq: int
    rev: int
    user: int
    nonce: str
    text: str
    deleted: int = 0

    @property
    def state(self) -> State:
        return State(self.rev, self.user, self.nonce, self.text, bool(self.deleted))


class _Event(msgspec.Struct):
    room: int
    after: int
    head: int
    messages: list[_Message]


class _Room(msgspec.Struct):
    id: int
    head: int


class _Hello(msgspec.Struct):
    epoch: str
    mine: int
    people_rev: int
    rooms: list[_Room]
    changes: dict[str, list[_Message] | str] = {}


class _Page(msgspec.Struct):
    messages: list[_Message]
    to: int
    more: bool


class _HelloReply(msgspec.Struct):
    ok: _Hello


class _PageReply(msgspec.Struct):
    ok: _Page


_read_event = msgspec.json.Decoder(_Event).decode
_read_hello = msgspec.json.Decoder(_HelloReply).decode
_read_page = msgspec.json.Decoder(_PageReply).decode


class News(NamedTuple):
    """What an event said, decoded once for everybody."""

    after: int
    head: int
    states: Transcript


class Crowd:
    """The members, and what is common to them. Everybody is gone at the end of its block."""

    def __init__(self, door: Door, random: Random) -> None:
        self.members: list[Member] = []
        self.random = random
        address = urlsplit(door.url)
        self.host, self.port = address.hostname or "", address.port or 0
        self.staying = True  # whoever is cut off comes back
        self.ready = 0
        self.closes: Counter[int] = Counter()  # by code, of connections that were ready
        self.refusals: list[bytes] = []  # first lines of answers that were no handshake
        self.greeted: list[float] = []  # times of the event loop at which a hello was answered
        self.returns: list[float] = []  # seconds from a loss to the next answered hello
        self.heard: Callable[[Member, News], None] = lambda member, news: None
        self._news: dict[bytes, News] = {}
        self._states: dict[State, State] = {}
        self._changed = asyncio.Event()
        self._dialling: set[asyncio.Task[None]] = set()

    async def come(self, people: Sequence[Person], at_once: int = 100) -> list[Member]:
        """A connection for each of these, so many at a time; returns them once all are ready."""
        fresh = [Member(self, person) for person in people]
        self.members += fresh
        for start in range(0, len(fresh), at_once):
            some = fresh[start : start + at_once]
            for member in some:
                self.dial(member)
            await self.until(lambda some=some: all(member.ready for member in some))  # type: ignore[misc]
        return fresh

    async def __aenter__(self) -> Crowd:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    def hurry(self) -> None:
        """Whoever waits tries at once, as where somebody presses "Try now"."""
        for member in self.members:
            member.hurry()

    async def dismiss(self, members: list[Member]) -> None:
        """These go, without a word, and stay away."""
        leaving = set(members)
        self.members = [member for member in self.members if member not in leaving]
        for member in members:
            member.staying = False
            member.abort()
        await self.until(lambda: not any(member.connected for member in members))

    async def leave(self) -> None:
        """Everybody goes, without a word, and stays away."""
        self.staying = False
        for task in list(self._dialling):
            task.cancel()
        for member in self.members:
            member.abort()
        await self.until(lambda: not any(member.connected for member in self.members))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds; looked at whenever somebody's state changed."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def all_at(self, head: int) -> None:
        """Wait until everybody is ready and has followed the room so far."""
        await self.until(
            lambda: self.ready == len(self.members) and all(m.position >= head for m in self.members)
        )

    def changed(self) -> None:
        """Somebody's state did."""
        self._changed.set()

    def news(self, payload: bytes) -> News | None:
        """What this event says; None where it is of another room."""
        key = payload if len(payload) < 2 * _KEY else payload[:_KEY] + payload[-_TAIL:]
        found = self._news.get(key)
        if found is None:
            event = _read_event(payload)
            if event.room != GENERAL:
                return None
            found = News(event.after, event.head, self.shared(event.messages))
            self._news[key] = found
        return found

    def shared(self, messages: list[_Message]) -> Transcript:
        """These messages, each of which is kept once for everybody."""
        return {m.seq: self._states.setdefault(m.state, m.state) for m in messages}

    def dial(self, member: Member) -> None:
        """Let a member connect."""
        task = asyncio.create_task(self._dial(member))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _dial(self, member: Member) -> None:
        try:
            async with asyncio.timeout(OPENING):
                await asyncio.get_running_loop().create_connection(lambda: member, self.host, self.port)
        except OSError:  # TimeoutError is one
            member.come_back()


class Member(asyncio.Protocol):
    """One connection after another of one person."""

    def __init__(self, crowd: Crowd, person: Person) -> None:
        self.person = person
        self.position = 0
        self.began = 0  # the position to begin with: what was before is not known
        self.transcript: Transcript = {}
        self.ready = False
        self.staying = True
        self._crowd = crowd
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._open = False
        self._tries = 0
        self._code = ABNORMAL
        self._lost_at = 0.0  # time of the event loop
        self._known: dict[str, Any] = {}  # of the next hello, but for the position
        self._wanted = 0  # a head that was heard of
        self._asking = False
        self._opening: asyncio.TimerHandle | None = None
        self._waiting: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        return self._transport is not None

    def abort(self) -> None:
        """Cut the line."""
        if self._transport is not None:
            self._transport.abort()

    def pause(self, paused: bool = True) -> None:
        """Read nothing any more, or again."""
        if self._transport is not None:
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def send(self, text: bytes, opcode: int = _TEXT) -> None:
        """A frame, masked with nothing (RFC 6455, 5.3, allows any mask)."""
        if self._transport is None:
            return
        size = len(text)
        long = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(bytes((0x80 | opcode,)) + long + b"\0\0\0\0" + text)

    # -- the connection ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._open, self._rest, self._code = False, b"", ABNORMAL
        lines = [
            "GET /ws HTTP/1.1",
            f"Host: {self._crowd.host}:{self._crowd.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            *(f"{name}: {value}" for name, value in self.person.headers.items()),
        ]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())
        self._opening = asyncio.get_running_loop().call_later(OPENING, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._opening is not None:
            self._opening.cancel()
        self._transport = None
        if self.ready:
            self.ready = False
            self._crowd.ready -= 1
            self._crowd.closes[self._code] += 1
            self._lost_at = asyncio.get_running_loop().time()
        if self._code == RESTARTING:
            self._tries = max(self._tries, 1)
        self._crowd.changed()
        self.come_back()

    def come_back(self) -> None:
        """After a wait as docs/protocol.md asks for, which is other for everybody."""
        if not (self.staying and self._crowd.staying):
            return
        wait = self._crowd.random.random() * min(LONGEST, 0.5 * 2**self._tries)
        self._tries += 1
        self._waiting = asyncio.get_running_loop().call_later(wait, self._dial)

    def hurry(self) -> None:
        """Wait no longer."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._dial()

    def _dial(self) -> None:
        self._waiting = None
        if self._crowd.staying:
            self._crowd.dial(self)

    # -- frames --------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            at = end + 4
            self._opened(data[:end])
        size = len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length > 125:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : start], "big")
            if size < start or size < start + length:
                break
            self._take(data[at] & 0x0F, data[start : start + length])
            at = start + length
        self._rest = data[at:]

    def _opened(self, answer: bytes) -> None:
        first = answer.partition(b"\r\n")[0]
        if b" 101 " not in first:
            self._crowd.refusals.append(first)
            self.abort()
            return
        if self._opening is not None:
            self._opening.cancel()
        self._open, self._asking = True, False
        heads = {"heads": {str(GENERAL): self.position}} if self._known else {}
        self.send(msgspec.json.encode({"id": 1, "do": "hello", **self._known, **heads}))

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            if payload.startswith(_EVENT):
                self._hear(payload)
            elif payload.startswith(_REFUSALS):
                self.abort()
            elif payload.startswith(_HELLO):
                self._greet(_read_hello(payload).ok)
            elif payload.startswith(_CHANGES):
                self._repair(_read_page(payload).ok)
        elif opcode == _PING:
            self.send(payload, _PONG)
        elif opcode == _CLOSE:
            self._code = int.from_bytes(payload[:2], "big")
            self.send(payload[:2], _CLOSE)

    # -- following the room ----------------------------------------------------------------------------------

    def _greet(self, hello: _Hello) -> None:
        (head,) = [room.head for room in hello.rooms if room.id == GENERAL]
        changes = hello.changes.get(str(GENERAL), [])
        if not self._known:
            self.position = self.began = head
        elif isinstance(changes, list):
            self._learn(self._crowd.shared(changes))
            self.position = head
        self._known = {"epoch": hello.epoch, "mine": hello.mine, "people": hello.people_rev}
        self._wanted = max(self._wanted, head)
        self._tries = 0
        self.ready = True
        self._crowd.ready += 1
        now = asyncio.get_running_loop().time()
        self._crowd.greeted.append(now)
        if self._lost_at:
            self._crowd.returns.append(now - self._lost_at)
        self._ask()
        self._crowd.changed()

    def _hear(self, payload: bytes) -> None:
        news = self._crowd.news(payload)
        if news is None or news.head <= self.position:
            return
        self._wanted = max(self._wanted, news.head)
        if news.after <= self.position and not self._asking:
            self._learn(news.states)
            self.position = news.head
            self._crowd.heard(self, news)
            self._crowd.changed()
        self._ask()

    def _repair(self, page: _Page) -> None:
        self._learn(self._crowd.shared(page.messages))
        self.position = max(self.position, page.to)
        self._asking = False
        self._ask()
        self._crowd.changed()

    def _ask(self) -> None:
        if self._wanted > self.position and not self._asking:
            self._asking = True
            asked = {"id": 2, "do": "room.changes", "room": GENERAL, "after": self.position}
            self.send(msgspec.json.encode(asked))

    def _learn(self, states: Transcript) -> None:
        for seq, state in states.items():
            known = self.transcript.get(seq)
            if known is None or state.rev > known.rev:
                self.transcript[seq] = state
