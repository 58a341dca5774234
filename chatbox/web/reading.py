"""How frames are read: whole pieces at a time, and a few frames of each client in turn.

Tornado's own loop awaits every part of a frame, and goes on with one client for up to 256 frames while all
others wait. This one takes apart what has arrived (RFC 6455, section 5) and yields after a few frames, so
that whoever sends much is read no sooner than whoever sends little. It stands on names inside Tornado that
its minor version fixes: `is_known` tries it once, and without it Tornado's own loop serves.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import Future
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import tornado
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, StreamClosedError
from tornado.util import _websocket_mask
from tornado.websocket import WebSocketProtocol13, _WebSocketParams

from chatbox.protocol.frames import BROKEN_FRAME, FRAME_TOO_BIG, NOT_UTF8, Close

CHUNK = 16 * 1024  # bytes asked for at a time, and the most that is kept of a client that has to wait
FRAMES_A_TURN = 4
BYTES_A_FRAME = 16 * 1024  # a longer one counts as several
LINGERING = 1024 * 1024  # bytes that are read and dropped before a connection is closed
MOST_FRAGMENTS = 1024  # of one message: an endless one would keep the server busy for nothing

_FIN, _RESERVED, _OPCODE, _CONTROL = 0x80, 0x70, 0x0F, 0x08
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Head(NamedTuple):
    """The head of a frame. Its payload lies from `start` to `end`, which may not have arrived yet."""

    opcode: int
    final: bool
    reserved: bool
    mask: bytes | None
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return self.end - self.start


def head_of(data: bytes, at: int) -> Head | None:
    """The head of the frame that begins there; None while it has not arrived as a whole."""
    if len(data) < at + 2:
        return None
    first, size, start = data[at], data[at + 1] & 0x7F, at + 2
    if size > 125:
        start += 2 if size == 126 else 8
        size = int.from_bytes(data[at + 2 : start], "big")
    mask = None
    if data[at + 1] & 0x80:
        start += 4
        mask = data[start - 4 : start]
    if len(data) < start:
        return None
    return Head(first & _OPCODE, first >= _FIN, bool(first & _RESERVED), mask, start, start + size)


def close_problem(payload: bytes) -> Close | None:
    """What is wrong with the payload of a close frame (RFC 6455, sections 5.5.1 and 7.4), if anything."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return BROKEN_FRAME
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    return None


class FairProtocol(WebSocketProtocol13):
    """Tornado's protocol with a reading loop of its own."""

    # With these in its dictionary, Python could not share that one's keys between instances (1.3 KiB each).
    __slots__ = ("_fragments", "_give_up", "_message", "_message_opcode", "_pay", "ping_sleep_time")

    def __init__(
        self,
        handler: Any,
        params: _WebSocketParams,
        give_up: Callable[[Close], None],
        pay: Callable[[bool], float] = lambda answered: 0.0,
    ) -> None:
        """`give_up` sends the closing frame after a frame that nobody should have sent. `pay` is called for
        every frame that ends no message, with whether it is answered, as pings are; it gives the seconds to
        wait before the next one is read."""
        super().__init__(handler, mask_outgoing=False, params=params)
        self._give_up = give_up
        self._pay = pay
        self._message: bytearray | None = None  # begun, in fragments
        self._message_opcode = _TEXT
        self._fragments = 0

    async def _receive_frame_loop(self) -> None:
        try:
            problem = await self._read_frames()
            if problem is not None:
                await self._linger(problem)
        except StreamClosedError:
            self._abort()
        finally:
            self._let_go()
            self.handler.on_ws_connection_close(self.close_code, self.close_reason)

    def _let_go(self) -> None:
        """A stream and the error that ended it hold each other, by the frames that the error came through,
        and with them all that was read, until the next collection of garbage, which may be far."""
        if error := getattr(self.stream, "error", None):
            error.__traceback__ = None

    async def _read_frames(self) -> Close | None:
        """Read until the client leaves, or sends what ends the connection: then what to close with."""
        data, at, turn = b"", 0, 0
        while not self.client_terminated:
            head = head_of(data, at)
            if head is not None and (problem := self._problem(head)):
                return problem
            if head is None or head.end > len(data):
                # A long frame is read as a whole: growing it piece by piece would copy it again and again.
                missing = head.end - len(data) if head else 1
                rest, data, at = data[at:], b"", 0  # nothing else is kept while waiting
                data = rest + await (
                    self._next_piece() if missing <= CHUNK else self.stream.read_bytes(missing)
                )
                continue
            assert head.mask is not None
            taken = self._take(head, _websocket_mask(head.mask, data[head.start : head.end]))
            at = head.end
            if isinstance(taken, Close):
                return taken
            if at == len(data):
                data, at = b"", 0
            if taken is not None:
                await taken
            if (head.opcode & _CONTROL or not head.final) and (wait := self._pay(head.opcode == _PING)):
                await asyncio.sleep(wait)
                self._look_whether_it_was_reset()
            turn += 1 + head.size // BYTES_A_FRAME
            if turn >= FRAMES_A_TURN:
                turn = 0
                await asyncio.sleep(0)
                if self.stream.closed():  # by us or by them: what came before is for nobody
                    return None
        return None

    def _look_whether_it_was_reset(self) -> None:
        """Tornado looks at the socket only where it reads or writes, and whoever waits does neither."""
        stream = self.stream
        if stream.closed() or stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise StreamClosedError

    def _next_piece(self) -> Awaitable[bytes]:
        """What has arrived, or arrives next. Tornado would ask the socket first, which mostly has none. With
        TLS it must be asked, because what is there may be in OpenSSL's buffer already."""
        stream = self.stream
        if type(stream) is not IOStream or stream._read_buffer_size or stream.closed():
            return stream.read_bytes(CHUNK, partial=True)
        future = stream._start_read()
        stream._read_bytes, stream._read_partial = CHUNK, True
        stream._add_io_state(IOLoop.READ)
        return future

    def _problem(self, head: Head) -> Close | None:
        """What is wrong with a frame whose payload was not read yet, if anything."""
        if head.reserved or head.mask is None:
            return BROKEN_FRAME
        if head.opcode & _CONTROL:
            fits = head.final and head.size < 126 and head.opcode in (_CLOSE, _PING, _PONG)
            return None if fits else BROKEN_FRAME
        if head.opcode > _BINARY or (head.opcode == _CONTINUATION) == (self._message is None):
            return BROKEN_FRAME
        size = head.size + len(self._message or b"")
        return FRAME_TOO_BIG if size > self.params.max_message_size else None

    def _take(self, head: Head, payload: bytes) -> Future[None] | Close | None:
        """Handle a frame: what to wait for before the next one, or what to close with."""
        opcode = head.opcode
        if opcode & _CONTROL:
            problem = close_problem(payload) if opcode == _CLOSE else None
            return problem or self._handle_message(opcode, payload)
        if opcode == _CONTINUATION or not head.final:
            message = self._join(opcode, payload)
            if message is None or not head.final:
                return None if message is not None else FRAME_TOO_BIG
            opcode, payload, self._message = self._message_opcode, bytes(message), None
        if opcode == _BINARY:
            return self._run_callback(self.handler.on_message, payload)
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return NOT_UTF8
        return self._run_callback(self.handler.on_message, text)

    def _join(self, opcode: int, payload: bytes) -> bytearray | None:
        """Add a fragment to its message; None where it has too many."""
        if self._message is None:
            self._message, self._message_opcode, self._fragments = bytearray(), opcode, 0
        self._message += payload
        self._fragments += 1
        return self._message if self._fragments <= MOST_FRAGMENTS else None

    async def _linger(self, problem: Close) -> None:
        """Say why, and read some of what is still coming: closing with bytes unread would make the other side
        lose the closing frame. Tornado ends it after five seconds at the latest."""
        self._give_up(problem)
        if not self.stream.closed() and not self.stream.writing():
            with suppress(OSError):
                self.stream.socket.shutdown(socket.SHUT_WR)
        left = LINGERING
        while left > 0:
            left -= len(await self._next_piece())
            await asyncio.sleep(0)  # what is there already makes nobody wait
        self._abort()


@cache
def is_known() -> bool:
    """Whether this Tornado's insides are those that `FairProtocol` stands on: its version says so, and two
    messages, one in fragments and both in crumbs, arrive as they were sent."""
    if tornado.version_info[:2] != (6, 6):
        return False
    delegate = _Trial(b"\x81\x82abcd\x09\x0b\x01\x81abcd\x09\x80\x81efgh\x0c")
    protocol = FairProtocol(
        delegate, _WebSocketParams(max_message_size=CHUNK), give_up=delegate.refused.append
    )
    protocol.stream = delegate  # type: ignore[assignment]  # it has what is asked for
    reading = protocol._receive_frame_loop()
    with suppress(StopIteration):
        while True:  # nothing in it waits for an event loop but to let others run
            reading.send(None)
    return delegate.messages == ["hi", "hi"] and not delegate.refused and delegate.ended


class _Trial:
    """A handler and a stream in one, for the trial of `is_known`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.messages: list[str | bytes] = []
        self.refused: list[Close] = []
        self.ended = False

    async def read_bytes(self, size: int, partial: bool) -> bytes:
        piece, self._data = self._data[:3], self._data[3:]
        if not piece:
            raise StreamClosedError
        return piece

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)

    def on_ws_connection_close(self, code: int | None, reason: str | None) -> None:
        self.ended = True

    def close(self) -> None:
        pass
