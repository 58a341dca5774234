"""Accepting connections, and telling HTTPS from HTTP, which share a port, by the first byte.

TLS begins with a record of a handshake, whose first byte is 22 (RFC 8446, 5.1); no method of HTTP begins so.
Whoever sends that byte late, or never, holds up nobody else.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, SSLIOStream

from chatbox.rules.hosts import canonical_address
from chatbox.web.logs import log

TLS_RECORD = b"\x16"
ACCEPTED_AT_ONCE = 128
NO_SOCKET_SECONDS = 0.2
TOLD_SECONDS = 60.0  # between two lines of the log that say so
HANDSHAKE_SECONDS = 10.0

Address = tuple[Any, ...]


class Arrival(NamedTuple):
    """A connection of which nothing was read yet. `peer` is its address in canonical form."""

    socket: socket.socket
    address: Address
    peer: str


class TlsStream(SSLIOStream):
    """Ends without a trace where the other side breaks TLS, as plain streams do where it breaks the line."""

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        try:
            return super().read_from_fd(buf)
        except ssl.SSLError as error:
            raise ConnectionResetError(errno.ECONNRESET, f"TLS was broken: {error.reason}") from error

    def close_fd(self) -> None:
        """Say goodbye first (RFC 8446, 6.1): else the other side must think that something is missing."""
        with suppress(OSError, ValueError):  # it has gone already, or not shaken hands yet
            self.socket.unwrap()
        super().close_fd()


class Door:
    """One listening socket."""

    def __init__(self, listening: socket.socket, arrive: Callable[[socket.socket, Address], None]) -> None:
        self._socket = listening
        self._arrive = arrive
        self._pause: asyncio.TimerHandle | None = None
        self._told = float("-inf")
        self._open()

    def close(self) -> None:
        """Accept nothing more, and close the socket."""
        if self._pause is not None:
            self._pause.cancel()
        else:
            IOLoop.current().remove_handler(self._socket)
        self._socket.close()

    def _open(self) -> None:
        self._pause = None
        IOLoop.current().add_handler(self._socket, self._accept, IOLoop.READ)

    def _accept(self, *_: object) -> None:
        for __ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, address = self._socket.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                self._wait(error)
                return
            accepted.setblocking(False)
            self._arrive(accepted, address)

    def _wait(self, error: OSError) -> None:
        """Without a pause this is called again at once, for ever, where no file descriptor is left."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._told > TOLD_SECONDS:
            self._told = loop.time()
            log.warning("no connection can be accepted for now: %s", error.strerror)
        IOLoop.current().remove_handler(self._socket)
        self._pause = loop.call_later(NO_SOCKET_SECONDS, self._open)


class Lobby:
    """The connections that have not shown yet whether they speak TLS, or have not agreed on keys.

    `welcome` is given the stream of each that has. Without a `context` those that speak TLS are cut at once:
    else they would wait for an answer that never comes."""

    def __init__(self, welcome: Callable[[IOStream, Address], None], max_buffer_size: int) -> None:
        self.context: ssl.SSLContext | None = None
        self.waiting: Counter[str] = Counter()  # by peer
        self._welcome = welcome
        self._buffer = max_buffer_size
        self._silent: dict[Arrival, asyncio.TimerHandle] = {}
        self._handshakes: set[TlsStream] = set()

    def enter(self, arrival: Arrival, patience: float) -> None:
        """Take a connection that may be silent for so many seconds."""
        first = _first_byte(arrival.socket)
        if first is not None:
            return self._admit(arrival, first)
        self.waiting[arrival.peer] += 1
        IOLoop.current().add_handler(arrival.socket, lambda *_: self._come(arrival), IOLoop.READ)
        self._silent[arrival] = asyncio.get_running_loop().call_later(patience, self._give_up, arrival)
        return None

    def close(self) -> None:
        """Send everybody away who waits here."""
        for arrival in list(self._silent):
            self._give_up(arrival)
        for stream in list(self._handshakes):
            stream.close()

    def _come(self, arrival: Arrival) -> None:
        first = _first_byte(arrival.socket)
        if first is not None:
            self._leave(arrival)
            self._admit(arrival, first)

    def _give_up(self, arrival: Arrival) -> None:
        self._leave(arrival)
        arrival.socket.close()

    def _leave(self, arrival: Arrival) -> None:
        IOLoop.current().remove_handler(arrival.socket)
        self._silent.pop(arrival).cancel()
        self._uncount(arrival.peer)

    def _uncount(self, peer: str) -> None:
        self.waiting[peer] -= 1
        if not self.waiting[peer]:
            del self.waiting[peer]

    def _admit(self, arrival: Arrival, first: bytes) -> None:
        if first == TLS_RECORD and self.context is not None:
            self._shake_hands(arrival, self.context)
        elif first and first != TLS_RECORD:
            self._welcome(IOStream(arrival.socket, max_buffer_size=self._buffer), arrival.address)
        else:
            arrival.socket.close()

    def _shake_hands(self, arrival: Arrival, context: ssl.SSLContext) -> None:
        try:
            wrapped = context.wrap_socket(arrival.socket, server_side=True, do_handshake_on_connect=False)
        except OSError:  # it was reset meanwhile
            return arrival.socket.close()
        stream = TlsStream(wrapped, max_buffer_size=self._buffer)
        if is_gone(wrapped):  # Tornado does not begin a handshake then, and tells nobody
            return stream.close()
        timer = asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, stream.close)
        self.waiting[arrival.peer] += 1
        self._handshakes.add(stream)
        stream.wait_for_handshake().add_done_callback(partial(self._shaken, arrival, stream, timer))
        return None

    def _shaken(
        self, arrival: Arrival, stream: TlsStream, timer: asyncio.TimerHandle, done: asyncio.Future[Any]
    ) -> None:
        timer.cancel()
        self._handshakes.discard(stream)
        self._uncount(arrival.peer)
        if error := done.exception():
            log.debug("no TLS with %s: %s", arrival.peer, error)
        elif not stream.closed():
            self._welcome(stream, arrival.address)


def _first_byte(connection: socket.socket) -> bytes | None:
    """Left where it is. None while it has not come; empty where it never will."""
    try:
        return connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def is_gone(connection: socket.socket) -> bool:
    """Whether it was reset."""
    try:
        connection.getpeername()
    except OSError:
        return True
    return False


def arrival_of(accepted: socket.socket, address: Address) -> Arrival:
    """A connection as it was accepted."""
    return Arrival(accepted, address, canonical_address(str(address[0])) if address else "")
