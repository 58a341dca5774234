"""A TCP proxy that is a bad network: late, cut off, silent or stuck, and always in order."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from random import Random
from typing import cast

from tests.harness.process import Person

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing sends RST
_WAITING = 4096  # connections that the kernel may hold until they are accepted


class _End(asyncio.Protocol):
    """One of the two connections of a link. What it receives goes to the other one."""

    transport: asyncio.Transport | None = None
    other: _End

    def __init__(self, link: Link) -> None:
        self._link = link
        self._late: deque[tuple[float, bytes]] = deque()  # when each piece is due at the other end
        self._timer: asyncio.TimerHandle | None = None
        self.congested = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._link.joined(self)

    def data_received(self, data: bytes) -> None:
        if self._link.silent:
            return
        wait = self._link.lateness()
        if wait or self._late:
            now = asyncio.get_running_loop().time()
            last = self._late[-1][0] if self._late else 0.0
            self._late.append((max(last, now + wait), data))
            self._pass_on_later()
        else:
            self._link.pass_on(self, data)

    def _pass_on_later(self) -> None:
        if self._timer is None and self._late:
            self._timer = asyncio.get_running_loop().call_at(self._late[0][0], self._pass_on)

    def _pass_on(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._late and self._late[0][0] <= now:
            self._link.pass_on(self, self._late.popleft()[1])
        self._pass_on_later()

    def pause_writing(self) -> None:
        self.congested = True
        self.other.look()

    def resume_writing(self) -> None:
        self.congested = False
        self.other.look()

    def look(self) -> None:
        """Read, or let the sender feel that nobody does."""
        if self.transport is None or self.transport.is_closing():
            return
        reading = not self._link.frozen and not self.other.congested and self.other.transport is not None
        if reading != self.transport.is_reading():
            (self.transport.resume_reading if reading else self.transport.pause_reading)()

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(self)

    def end(self, *, reset: bool) -> None:
        """Close, or reset. What is late gets lost, as it does when a cable is pulled."""
        if self._timer is not None:
            self._timer.cancel()
        self._late.clear()
        if self.transport is None or self.transport.is_closing():
            return
        if reset:
            plain = self.transport.get_extra_info("socket")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()

    def finish(self) -> None:
        """The other end is closed: hand over what is still on its way, then close, too."""
        if not self.other._late:
            self.end(reset=False)
        else:
            wait = self.other._late[-1][0] - asyncio.get_running_loop().time()
            asyncio.get_running_loop().call_later(max(0, wait) + 0.01, lambda: self.end(reset=False))


class Link:
    """One connection of a client through the proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.client, self.server = _End(self), _End(self)
        self.client.other, self.server.other = self.server, self.client
        self.silent = False
        self.frozen = False
        self._left = proxy.length_of_life()

    @property
    def alive(self) -> bool:
        """Whether both connections are there and answer."""
        ends = (self.client.transport, self.server.transport)
        return not self.silent and all(end is not None and not end.is_closing() for end in ends)

    def reset(self) -> None:
        """Both sides are told at once."""
        for end in (self.client, self.server):
            end.end(reset=True)

    def silence(self) -> None:
        """Half-open: both sides think that they are connected, and nothing arrives any more."""
        self.silent = True

    def freeze(self, frozen: bool = True) -> None:
        """Nothing is read from either side, which both feel once the buffers are full; or no longer so."""
        self.frozen = frozen
        self.client.look()
        self.server.look()

    # -- for the two ends ----------------------------------------------------------------------------------

    def lateness(self) -> float:
        return self._proxy.lateness()

    def joined(self, end: _End) -> None:
        end.look()
        if end is self.server:
            self.client.look()
            if self.client.transport is None or self.client.transport.is_closing():
                end.end(reset=False)

    def pass_on(self, end: _End, data: bytes) -> None:
        other = end.other.transport
        if self.silent or other is None or other.is_closing():
            return
        if self._left is not None and len(data) > self._left:
            other.write(data[: self._left])
            self._proxy.counts["cut"] += 1
            self.client.end(reset=False)
            self.server.end(reset=False)
            return
        if self._left is not None:
            self._left -= len(data)
        other.write(data)

    def lost(self, end: _End) -> None:
        self._proxy.links.pop(self, None)
        if not self.silent:
            end.other.finish()


class Proxy:
    """Stands before the server on a port of its own. `counts` says how often what was done."""

    def __init__(self, port: int, random: Random) -> None:
        self.transports: list[asyncio.BaseTransport] = []
        self.latency = 0.0  # seconds that a piece may be late; it never overtakes
        self.cut = 0.0  # share of the connections that are cut at a random byte ...
        self.cut_within = 20_000  # ... among so many
        self.barred = False
        self.links: dict[Link, None] = {}
        self.accepted: list[float] = []  # times of the event loop
        self.counts: Counter[str] = Counter()
        self._server_port = port
        self._random = random
        self._listener: asyncio.Server | None = None
        self._dialling: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def guest(self, person: Person) -> Person:
        """The person as somebody who comes this way."""
        return person._replace(origin=self.url)

    async def start(self, host: str = "127.0.0.1") -> None:
        """Accept connections on a free port of this address."""
        self._listener = await asyncio.get_running_loop().create_server(
            self._accept, host, 0, backlog=_WAITING
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Accept nobody any more, and reset whoever is there."""
        if self._listener is not None:
            self._listener.close()
        for task in list(self._dialling):
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        for link in list(self.links):
            link.reset()
        if self._listener is not None:
            await self._listener.wait_closed()

    def bar(self, barred: bool = True) -> None:
        """Nobody gets through, and whoever had is reset; or everybody does again."""
        self.barred = barred
        for link in list(self.links) if barred else []:
            link.reset()

    def calm(self) -> None:
        """A good network from now on; whoever is on a connection that is of no use is told."""
        self.latency = self.cut = 0.0
        for link in list(self.links):
            link.freeze(False)
            if link.silent or link._left is not None:
                link.reset()

    def alive(self) -> list[Link]:
        """The links that work."""
        return [link for link in self.links if link.alive]

    def lateness(self) -> float:
        """How late the next piece is."""
        return self._random.random() * self.latency

    def length_of_life(self) -> int | None:
        """After how many bytes a new connection is cut; None for those that live."""
        return self._random.randrange(self.cut_within) if self._random.random() < self.cut else None

    def _accept(self) -> _End:
        link = Link(self)
        self.links[link] = None
        self.accepted.append(asyncio.get_running_loop().time())
        task = asyncio.create_task(self._dial(link))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)
        return link.client

    async def _dial(self, link: Link) -> None:
        if self.barred:
            link.client.end(reset=True)
            return
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: link.server, "127.0.0.1", self._server_port
            )
        except OSError:
            link.client.end(reset=True)
