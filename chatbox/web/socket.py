"""`/ws`: one WebSocket. This is the one file that touches Tornado's stream.

`on_message` returns once the command is queued. While something it returned is pending Tornado reads nothing
from that client, no pongs either, and would close it as dead; so it only ever waits for the rate limit, and
at most two seconds.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from chatbox.chat.context import Caller
from chatbox.errors import Busy, ChatboxError, Invalid, RateLimited, Restarting, SignedOut
from chatbox.live.connection import Connection
from chatbox.protocol import events, parse
from chatbox.protocol.commands import Hello
from chatbox.protocol.fields import Command
from chatbox.protocol.frames import OVERLOADED, RESTARTING, SIGNED_OUT, Close
from chatbox.web import dispatch, reading
from chatbox.web.base import Handler
from chatbox.web.headers import HANDSHAKE_SECURITY
from chatbox.web.logs import log

SEND_BUFFER = 128 * 1024  # small, so that a silent reader is noticed; the kernel would take megabytes
RECEIVE_BUFFER = 64 * 1024  # small as well: what a client sends waits with the client, not in the kernel here
PING_SECONDS = 20
PONG_SECONDS = 9  # and five more that Tornado waits for the closing frame: a dead peer is gone within 35
READS_AT_ONCE = 16  # commands of one connection that are waiting for data
REFUSED_SECONDS = 0.2  # without reading after somebody was too fast
NO_HEADERS = HTTPHeaders()
PINGS_A_SECOND = 200  # protocol pings, which Tornado answers at once and all by itself


class StreamSink:
    """Writes frames that are ready-made to Tornado's stream, several in one go.

    While nothing waits in the stream's buffer the bytes go to the socket itself, which halves what a delivery
    costs; what the socket does not take goes through the stream. On TLS that is sound because the stream then
    begins with the same bytes: OpenSSL has encrypted the first of them already (SSL_write(3), "Warnings").
    """

    def __init__(self, handler: Socket, stream: IOStream) -> None:
        self._handler = handler
        self._stream = stream
        self._send = stream.socket.send
        self._sent = 0

    def write(self, data: bytes | memoryview) -> int:
        stream = self._stream
        if not stream._write_buffer:
            try:
                sent = self._send(data)
            except OSError:  # full for now, or closed: the stream will find out which
                sent = 0
            self._sent += sent
            if sent == len(data):
                return 0
            data = memoryview(data)[sent:]  # not copied: many wait for the same bytes
        with suppress(StreamClosedError):  # on_close follows
            stream.write(data)
        return self.unsent()[0]

    def unsent(self) -> tuple[int, int]:
        stream = self._stream
        waiting = stream._write_buffer  # None once the stream is closed
        return (len(waiting) if waiting else 0), self._sent + stream._total_write_done_index

    def ping(self) -> None:
        self._handler.ask_whether_there()

    def close(self, code: int, reason: str) -> None:
        self._handler.close(code, reason)


class MessageSink:
    """Does the same with public calls only, frame by frame, where Tornado's stream is not as expected."""

    def __init__(self, handler: Socket) -> None:
        self._handler = handler
        self._written = 0
        self._waiting = 0

    def write(self, data: bytes) -> int:
        while data:
            size, start = data[1] & 0x7F, 2
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(data[2:start], "big")
            self._send(data[start : start + size])
            data = data[start + size :]
        return self._waiting

    def _send(self, payload: bytes) -> None:
        try:
            future = self._handler.write_message(payload.decode())
        except WebSocketClosedError:
            return
        self._waiting += len(payload)
        future.add_done_callback(partial(self._sent, len(payload)))

    def _sent(self, size: int, future: asyncio.Future[None]) -> None:
        self._waiting -= size
        if not future.cancelled() and future.exception() is None:
            self._written += size

    def unsent(self) -> tuple[int, int]:
        return self._waiting, self._written

    def ping(self) -> None:
        self._handler.ask_whether_there()

    def close(self, code: int, reason: str) -> None:
        self._handler.close(code, reason)


def stream_is_known(stream: Any) -> bool:
    """Whether Tornado's stream has what `StreamSink` reads; a test pins it to the installed Tornado."""
    return hasattr(stream, "_write_buffer") and isinstance(
        getattr(stream, "_total_write_done_index", None), int
    )


class Socket(Handler, WebSocketHandler):
    """One connection of a browser or a program, from the handshake to the close."""

    same_origin_always = True
    connection: Connection | None = None
    caller = Caller()
    _asked: asyncio.TimerHandle | None = None  # closes it where no pong comes
    _pings = (0, 0)  # a second of the monotonic clock, and how many came in it

    def set_default_headers(self) -> None:
        if "Upgrade" in self.request.headers:
            self.security = HANDSHAKE_SECURITY
        super().set_default_headers()

    @property
    def ping_interval(self) -> float:
        return PING_SECONDS

    @property
    def ping_timeout(self) -> float:
        return PONG_SECONDS

    @property
    def max_message_size(self) -> int:
        return self.ctx.settings.limits.frame_bytes or sys.maxsize

    def check_origin(self, origin: str) -> bool:
        """Checked in `prepare`, where Tornado cannot skip it."""
        return True

    async def admit(self) -> None:
        if self.ctx.server.stopping:
            raise Restarting
        self.caller = await self.identify()
        if self._too_many(self.caller.require_user()):
            raise RateLimited("You have too many windows open. Close one, then try again.", retry_in=5.0)

    def _too_many(self, user: int) -> bool:
        most = self.ctx.settings.limits.connections_per_user
        return bool(most) and len(self.ctx.hub.of_user(user)) >= most

    def open(self, *args: str, **kwargs: str) -> None:
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        assert stream is not None
        if stream.closed():  # it was reset before the handshake was answered
            return
        self.request.headers = self._headers = NO_HEADERS  # they are a tenth of what an idle connection costs
        stream.set_nodelay(True)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sink = StreamSink(self, stream) if stream_is_known(stream) else MessageSink(self)
        self.connection = Connection(sink, self.caller.user, self.caller.session, self.caller.address)
        self.caller = self.caller.on(self.connection)
        self._running: set[asyncio.Task[None]] = set()
        if self._too_many(self.caller.user):  # those whose handshakes overlapped were all admitted
            self.connection.close(OVERLOADED)
            return
        self.ctx.hub.attach(self.connection)
        log.debug(
            "connection %d of user %d opened from %s", self.connection.id, self.caller.user, self.client
        )
        if self.ctx.server.stopping:
            self.connection.close(RESTARTING)

    def get_websocket_protocol(self) -> Any:
        protocol: Any = super().get_websocket_protocol()
        if protocol is not None and reading.is_known():
            protocol = reading.FairProtocol(self, protocol.params, self._give_up, self._pay)
        if (
            protocol is not None
        ):  # Tornado plans pings by the wall clock: set back, it would be silent as long
            protocol.ping_sleep_time = lambda **_: PING_SECONDS - PONG_SECONDS
        return protocol

    def _pay(self, answered: bool) -> float:
        """For a frame that is no command: pings, pongs and fragments cost the server as well."""
        cost = dispatch.PING_COST if answered else dispatch.FRAME_COST
        return self.ctx.rate.slow(self.caller.user, cost)

    def _give_up(self, problem: Close) -> None:
        if self.connection is not None:
            self.connection.close(problem)

    def on_close(self) -> None:
        if self.connection is None:
            return
        self.ctx.hub.detach(self.connection)
        self.ctx.presence.update(self.connection.user)
        for task in self._running:
            task.cancel()
        if self._asked:
            self._asked.cancel()
        log.debug("connection %d closed with %s", self.connection.id, self.close_code)
        # They know this handler: a circle would keep all that it has read until the garbage is collected.
        self.connection, self.caller = None, Caller()

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self.connection is None or self.connection.closed:
            return None
        try:
            if isinstance(message, bytes):
                raise Invalid("Commands are text, not binary.")
            command = parse.parse(message)
        except ChatboxError as error:
            return self._refuse_slowly(parse.id_of(message), error, len(message))
        try:
            wait = dispatch.wait_for_turn(self.ctx, self.caller, command)
        except ChatboxError as error:
            return self._refuse_slowly(command.id, error, len(message))
        if wait:
            return self._begin_later(wait, command)
        self._begin(command)
        return None

    def _refuse_slowly(self, id: int | None, error: ChatboxError, size: int) -> Awaitable[None] | None:
        """Refusing costs the sender as well: else it would keep the server busy."""
        self._refuse(id, error)
        if isinstance(error, RateLimited):
            return asyncio.sleep(REFUSED_SECONDS)
        wait = self.ctx.rate.slow(self.caller.user, dispatch.cost_of_nonsense(size))
        return asyncio.sleep(wait) if wait else None

    def ask_whether_there(self) -> None:
        """Send a ping now, and close without further ado where no pong comes in time."""
        connection = self.ws_connection
        if connection is None or connection.stream is None or connection.stream.closed() or self._asked:
            return
        self._asked = asyncio.get_running_loop().call_later(PONG_SECONDS, connection.stream.close)
        with suppress(WebSocketClosedError):
            self.ping(b"")

    def on_pong(self, data: bytes) -> None:
        if self._asked:
            self._asked.cancel()
            self._asked = None

    def on_ping(self, data: bytes) -> None:
        """A flood of protocol pings ends the connection at once, without waiting for its closing frame."""
        second = int(self.ctx.clock.monotonic())
        self._pings = (second, self._pings[1] + 1 if self._pings[0] == second else 1)
        if self._pings[1] > PINGS_A_SECOND and self.ws_connection is not None:
            stream = self.ws_connection.stream
            self.close(OVERLOADED.code, OVERLOADED.reason)
            if stream is not None:
                stream.close()

    async def _begin_later(self, wait: float, command: Command) -> None:
        """Over the rate: read nothing more from this client meanwhile."""
        await asyncio.sleep(wait)
        if self.connection is not None and not self.connection.closed:
            self._begin(command)

    def _begin(self, command: Command) -> None:
        try:
            result = dispatch.begin(self.ctx, self.caller, command)
            if asyncio.iscoroutine(result):
                self._read(command, result)
            elif isinstance(result, asyncio.Future):
                result.add_done_callback(partial(self._answer, command))
            else:
                self._reply(command.id, result)
        except Exception as error:  # noqa: BLE001
            self._fail(command, error)

    def _read(self, command: Command, reading: Coroutine[Any, Any, Any]) -> None:
        if len(self._running) >= READS_AT_ONCE:
            reading.close()
            raise Busy("Too many requests at once. Wait for an answer first.")
        task = asyncio.get_running_loop().create_task(self._answer_once_read(command, reading))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: reading.close())  # where it was cancelled before it began

    async def _answer_once_read(self, command: Command, reading: Coroutine[Any, Any, Any]) -> None:
        """Queue the answer in the very step in which the caller's rights were last looked at: a callback runs
        later, when they may be gone."""
        try:
            self._reply(command.id, await reading, snapshot=isinstance(command, Hello))
        except Exception as error:  # noqa: BLE001
            self._fail(command, error)

    def _answer(self, command: Command, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            return
        if error := future.exception():
            self._fail(command, error)
        else:
            self._reply(command.id, future.result())

    def _fail(self, command: Command, error: BaseException) -> None:
        if not isinstance(error, ChatboxError):
            error = dispatch.unexpected(dispatch.name_of(command), error)
        self._refuse(command.id, error)

    def _reply(self, id: int | None, result: Any, *, snapshot: bool = False) -> None:
        if self.connection is None or self.connection.closed:
            return
        payload = events.reply(id, result)
        if snapshot:
            self.ctx.hub.release(self.connection, payload)
            self.ctx.presence.update(self.connection.user)
        else:
            self.ctx.hub.send(self.connection, payload)

    def _refuse(self, id: int | None, error: ChatboxError) -> None:
        connection = self.connection
        if connection is None or connection.closed:
            return
        self.ctx.hub.send(connection, events.refusal(id, error))
        if isinstance(error, SignedOut):
            self.ctx.hub.flush_one(connection)
            connection.close(SIGNED_OUT)
            self.ctx.hub.detach(connection)
