"""Tornado's HTTP server with limits that fit a server on a network with strangers.

Tornado's own defaults wait an hour for a header, read 100 MB into memory and count no connections.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError
from tornado.web import Application

from chatbox.rules.hosts import canonical_address, is_trusted
from chatbox.settings import Settings
from chatbox.web.base import BODY_BYTES
from chatbox.web.doors import Address, Door, Lobby, arrival_of
from chatbox.web.logs import log

HEADER_BYTES = 16 * 1024
IDLE_SECONDS = 20.0
BODY_SECONDS = 60.0
REFUSAL_SECONDS = 2.0
ADDRESSES_REMEMBERED = 100  # that have no WebSocket any more; beyond that they are looked for and forgotten
REFUSALS = 16  # at once; more are not told why
# Windows' select takes 512 sockets; a few stay for refusals, listening, the database and the browser's start.
SELECT_HAS_ROOM_FOR = 480 if sys.platform == "win32" else sys.maxsize

_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
    b"Retry-After: 2\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s"
)
_JSON = b'{"error":{"code":"busy","message":"Too many connections from here. Try again.","retry_in":2}}'
_PAGE = b"""\
<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Chatbox is full</title>
<h1>Chatbox is full just now</h1>
<p>It has as many connections as it can take, in all or from your address. This page tries again every few
seconds. It helps to close windows with Chatbox that nobody needs.</p></html>
"""


class Listener(HTTPServer):
    """Speaks HTTP, and HTTPS too once it was told how to `encrypt`.

    The connections of each address are counted: one that became a WebSocket until its stream closes."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        self._most: int = kwargs.pop("most")
        self._trusted = kwargs.pop("trusted")
        self._live: Callable[[], int] = kwargs.pop("sockets")
        self._open: Counter[str] = Counter()
        self._detached: dict[str, WeakSet[IOStream]] = {}
        self._refusals: set[asyncio.Task[None]] = set()
        self._doors: list[Door] = []
        self._beside: Listener | None = None
        self._lobby = Lobby(self.handle_stream, kwargs["max_buffer_size"])
        super().initialize(*args, **kwargs)

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak HTTPS too, with this context for all connections that come from now on."""
        self._lobby.context = context

    def share_room(self, other: Listener) -> None:
        """Have no more connections together with another one than the system takes."""
        self._beside, other._beside = other, self

    @property
    def waiting(self) -> int:
        """How many connections have not shown yet whether they speak TLS, or have not agreed on keys."""
        return self._lobby.waiting.total()

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on these listening sockets, which are closed by `stop`."""
        self._doors += [Door(each, self._arrive) for each in sockets]

    def stop(self) -> None:
        """Accept nothing more; what is connected stays. A second call does nothing."""
        doors, self._doors = self._doors, []
        for door in doors:
            door.close()
        self._lobby.close()

    def _arrive(self, accepted: socket.socket, address: Address) -> None:
        arrival = arrival_of(accepted, address)
        excess = self._excess(arrival.peer)
        if excess >= REFUSALS:
            accepted.close()
        else:
            self._lobby.enter(arrival, IDLE_SECONDS if excess < 0 else REFUSAL_SECONDS)

    def handle_stream(self, stream: IOStream, address: Address) -> None:
        peer = canonical_address(str(address[0])) if address else ""
        if self._excess(peer) >= 0:
            return self._refuse(stream)
        self._open[peer] += 1
        super().handle_stream(stream, address)
        return None

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        if isinstance(server_conn, HTTP1ServerConnection):
            peer = canonical_address(str(server_conn.context))
            self._open[peer] -= 1
            if not self._open[peer]:
                del self._open[peer]
            if not server_conn.stream.closed():
                self._detached.setdefault(peer, WeakSet()).add(server_conn.stream)
                if len(self._detached) > 2 * self._live() + ADDRESSES_REMEMBERED:
                    self._detached = {peer: streams for peer, streams in self._detached.items() if streams}

    def _excess(self, peer: str) -> int:
        """How many connections this address, or all, have over the limit; below 0 there is room for one."""
        waiting = self._lobby.waiting
        beside = 0 if self._beside is None else self._beside._total()
        excess = self._total() + beside - SELECT_HAS_ROOM_FOR
        if self._most and not is_trusted(peer, self._trusted):
            excess = max(excess, self._open[peer] + self._sockets_of(peer) + waiting[peer] - self._most)
        return excess

    def _total(self) -> int:
        return self._open.total() + self._live() + self.waiting

    def _sockets_of(self, peer: str) -> int:
        """How many WebSockets this address has."""
        return sum(not stream.closed() for stream in self._detached.get(peer, ()))

    def _refuse(self, stream: IOStream) -> None:
        if len(self._refusals) > REFUSALS:
            return stream.close()
        task = asyncio.create_task(_refuse(stream))
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)
        return None


def make_listener(app: Application, settings: Settings, sockets: Callable[[], int]) -> Listener:
    """The server for this application, not listening yet. `sockets` tells how many WebSockets are open."""
    frames = settings.limits.frame_bytes or 16 * 2**20
    return Listener(
        app,
        idle_connection_timeout=IDLE_SECONDS,
        body_timeout=BODY_SECONDS,
        max_header_size=HEADER_BYTES,
        max_body_size=BODY_BYTES,
        max_buffer_size=max(BODY_BYTES, 2 * frames),
        most=settings.limits.connections_per_address,
        trusted=settings.server.trusted_proxies,
        sockets=sockets,
    )


async def _refuse(stream: IOStream) -> None:
    """Read the request first: closing with bytes unread makes the other side lose the answer."""
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            asked = await stream.read_until(b"\r\n\r\n", max_bytes=HEADER_BYTES)
            await stream.write(_refusal(asked))
    except (StreamClosedError, UnsatisfiableReadError, TimeoutError):
        log.debug("a connection over the limit went away")
    stream.close()


def _refusal(asked: bytes) -> bytes:
    """A page for whoever opens one, JSON for programs and for the client that is open already."""
    if re.search(rb"^accept:[^\r]*text/html", asked, re.IGNORECASE | re.MULTILINE):
        return _REFUSAL % (b"text/html; charset=utf-8", len(_PAGE), _PAGE)
    return _REFUSAL % (b"application/json", len(_JSON), _JSON)
