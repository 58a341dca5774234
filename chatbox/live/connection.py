"""One live WebSocket, without the socket: what is due to it, and what it may cost.

The sink that writes bytes is handed in. Everything due in one turn of the event loop goes out in one write,
because a write costs the same whatever its size.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Protocol

from chatbox.protocol.frames import TOO_SLOW, Close

BYTE_BUDGET = 1 << 20
TIME_BUDGET = 10.0  # seconds without progress
_JOINED = 1 << 17  # bytes that are copied into one write, at most

_ids = itertools.count(1)


class Sink(Protocol):
    """Where a connection's bytes go."""

    def write(self, data: bytes) -> int:
        """Write, and queue what cannot be written now; returns how many bytes wait. Never raises or waits."""
        ...

    def unsent(self) -> tuple[int, int]:
        """How many bytes wait to be written, and how many were written since the beginning."""
        ...

    def ping(self) -> None:
        """Ask the other side whether it is there; close where it does not answer in time."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Begin to close."""
        ...


class Connection:
    """What one browser or program hears. Made by the socket, owned by the hub."""

    def __init__(self, sink: Sink, user: int, session: int, address: str) -> None:
        self.id = next(_ids)
        self.user = user
        self.session = session
        self.address = address
        self.rooms: set[int] = set()
        self.ready = False  # hello was answered: events come
        self.away = False
        self.closed = False
        self.code: int | None = None  # with which it was closed from here
        self._sink = sink
        self._due: list[bytes] = []
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._snapshots = 0  # that are being made
        self.snapshot_turn = asyncio.Lock()  # one after the other: none may be older than the one before it
        self._stuck_since: float | None = None
        self._waiting = 0  # bytes that the sink could not write yet
        self._written = 0

    def hold(self) -> None:
        """Keep events back until `release` or `unhold`: a snapshot is being made."""
        self._snapshots += 1

    def unhold(self) -> None:
        """There will be no snapshot. Whoever had one before gets what was kept back."""
        self._snapshots -= 1
        if self._snapshots:  # an event must not come before a snapshot that may be older than it
            return
        held, self._held = self._held, []
        self._held_bytes = 0
        for frame in held:
            self.deliver(frame)

    def release(self, reply: bytes) -> None:
        """Queue the snapshot's reply, then every event that was kept back meanwhile."""
        self.ready = True
        self.send(reply)
        self.unhold()

    def deliver(self, frame: bytes) -> bool:
        """Queue an event's frame. Returns whether the connection must be flushed."""
        if self._snapshots:
            self._keep(frame)
            return False
        if self.closed or not self.ready:
            return False
        self._due.append(frame)
        return True

    def _keep(self, frame: bytes) -> None:
        if self.closed:
            return
        self._held.append(frame)
        self._held_bytes += len(frame)
        if self._held_bytes > BYTE_BUDGET:
            self.close(TOO_SLOW)

    def send(self, frame: bytes) -> bool:
        """Queue a frame whatever the state. Returns whether the connection must be flushed."""
        if self.closed:
            return False
        self._due.append(frame)
        return True

    def flush(self, now: float) -> None:
        """Write everything due in one go, unless the connection is over its budget.

        What no socket takes in one go stays in its frames: they are the same bytes for everybody."""
        if self.closed or not self._due:
            return
        due, self._due = self._due, []
        size = sum(map(len, due))
        if self._waiting:
            self._watch(now)
            if self._waiting and self._waiting + size > BYTE_BUDGET:
                self.close(TOO_SLOW)
                return
        for data in due if size > _JOINED else (b"".join(due),):
            self._waiting = self._sink.write(data)
        if self._waiting and self._stuck_since is None:
            self._watch(now)

    def check(self, now: float) -> None:
        """Close the connection where it took nothing for too long."""
        if self._waiting:
            self._watch(now)
        if self._stuck_since is not None and now - self._stuck_since > TIME_BUDGET:
            self.close(TOO_SLOW)

    def ping(self) -> None:
        """Find out at once whether the other side is still there."""
        if not self.closed:
            self._sink.ping()

    def _watch(self, now: float) -> None:
        self._waiting, written = self._sink.unsent()
        if not self._waiting:
            self._stuck_since = None
        elif self._stuck_since is None or written != self._written:
            self._stuck_since = now
        self._written = written

    def close(self, close: Close) -> None:
        """Send nothing more from this moment, and close."""
        if not self.closed:
            self.closed = True
            self.code = close.code
            self._due.clear()
            self._held.clear()
            self._sink.close(close.code, close.reason)
