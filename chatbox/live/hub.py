"""Who listens to what on this node, and how a publication reaches them."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable

from chatbox.bus.base import Publication
from chatbox.clock import Clock
from chatbox.live.connection import Connection
from chatbox.live.publisher import ALL_SESSIONS
from chatbox.protocol.frames import SIGNED_OUT, text_frame

Watcher = Callable[[Publication], None]
_TURN = 200  # connections that are written to in one turn of the event loop
_GAP = 0.001  # seconds between two flushes while more is to come


class Hub:
    """The live connections by topic. Everything here runs on the event loop, so nothing needs a lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._users: dict[int, dict[Connection, None]] = {}
        self.count = 0  # of live connections; asked with every one that is accepted
        self._rooms: dict[int, dict[Connection, None]] = {}
        self._heads: dict[int, int] = {}
        self._generations: dict[int, int] = {}
        self._watchers: list[Watcher] = []
        self._due: dict[Connection, None] = {}
        self._soon = False  # flush runs with the next turn of the event loop
        self._later: asyncio.TimerHandle | None = None  # or then
        self._round: deque[Connection] = deque()  # those whose turn to be flushed comes
        self._flushed_at = 0.0
        self.more_comes: Callable[[], bool] = bool  # whether there will be more to deliver in a moment
        self.delivered = 0
        self.closes: Counter[int] = Counter()  # connections that were closed from here, by code
        self.empty = asyncio.Event()  # set while there is no connection
        self.empty.set()

    @property
    def connections(self) -> list[Connection]:
        """Every live connection."""
        return [connection for own in self._users.values() for connection in own]

    def of_user(self, user: int) -> list[Connection]:
        """The live connections of one user."""
        return list(self._users.get(user, ()))

    def users(self) -> Iterable[int]:
        """Every user with a connection."""
        return self._users.keys()

    def generation(self, user: int) -> int:
        """A number that changes with each change of what this user may see."""
        return self._generations.get(user, 0)

    def watch(self, watcher: Watcher) -> None:
        """Call this with every publication, before it is delivered."""
        self._watchers.append(watcher)

    def attach(self, connection: Connection) -> None:
        """Register a connection for its user's own topic and `all`."""
        own = self._users.setdefault(connection.user, {})
        if connection not in own:
            own[connection] = None
            self.count += 1
        self.empty.clear()

    def detach(self, connection: Connection) -> None:
        """Forget a connection. It may be closed already."""
        connection.closed = True
        self.subscribe(connection, ())
        own = self._users.get(connection.user)
        if own is not None and connection in own:
            del own[connection]
            self.count -= 1
            if not own:
                del self._users[connection.user]
            if connection.code is not None:
                self.closes[connection.code] += 1
        if not self._users:
            self.empty.set()
        self._due.pop(connection, None)

    def subscribe(self, connection: Connection, rooms: Iterable[int]) -> None:
        """Let a connection hear exactly these rooms."""
        wanted = set(rooms)
        for room in connection.rooms - wanted:
            self._leave(connection, room)
        for room in wanted - connection.rooms:
            self._enter(connection, room)
        connection.rooms = set(wanted)  # a copy is half as large as what grew

    def restrict(self, user: int, rooms: Collection[int]) -> set[int]:
        """Let no connection of a user hear other rooms than these, which are what the database says. Gives
        those that not all of them hear."""
        wanted, unheard = set(rooms), set[int]()
        for connection in self.of_user(user):
            if not connection.rooms <= wanted:
                self._changed(user)
                self.subscribe(connection, connection.rooms & wanted)
            unheard |= wanted - connection.rooms
        return unheard

    def admit(self, user: int, room: int, head: int, event: bytes) -> None:
        """Let a user hear a room, which is at this head; the event is for those connections that did not."""
        frame = text_frame(event)
        for connection in self.of_user(user):
            if room not in connection.rooms:
                self._changed(user)  # a snapshot that is being read may not have it
                self._enter(connection, room)
                if connection.deliver(frame):
                    self._due[connection] = None
        self.note_head(room, head)
        self._schedule()

    def heads(self, connection: Connection) -> dict[str, int]:
        """The heads of the connection's rooms, as last queued to it."""
        return {str(room): self._heads.get(room, 0) for room in connection.rooms}

    def crowd(self, room: int) -> int:
        """How many connections listen to a room."""
        return len(self._rooms.get(room, ()))

    def note_head(self, room: int, head: int) -> None:
        """A snapshot told this head; events up to it may still be on their way."""
        if head > self._heads.get(room, 0):
            self._heads[room] = head

    def forget_heads(self) -> None:
        """The history is another one, whose heads may be lower."""
        self._heads.clear()

    def receive(self, publication: Publication) -> None:
        """Apply and deliver one publication: memberships first, so that whoever left gets nothing more."""
        for watcher in self._watchers:
            watcher(publication)
        kind, _, number = publication.topic.partition(":")
        if kind == "room":
            self._receive_room(int(number), publication)
        elif kind == "user":
            own = self._users.get(int(number), {})
            self._send(own, publication.event)
            self._end(int(number), publication.ended)
        else:
            for own in list(self._users.values()):
                self._send(own, publication.event)

    def _receive_room(self, room: int, publication: Publication) -> None:
        for user in publication.left:
            self._changed(user)
            for connection in self._users.get(user, ()):
                self._leave(connection, room)
        for user in publication.joined:
            self._changed(user)
            for connection in self._users.get(user, ()):
                self._enter(connection, room)
        listeners = self._rooms.get(room)
        if listeners:
            if publication.head > publication.after:
                self.note_head(room, publication.head)
            self._send(listeners, publication.event)
            self._send(listeners, publication.description)

    def _end(self, user: int, sessions: tuple[int, ...]) -> None:
        if not sessions:
            return
        self._changed(user)
        for connection in self.of_user(user):
            if ALL_SESSIONS in sessions or connection.session in sessions:
                self.flush_one(connection)
                connection.close(SIGNED_OUT)
                self.detach(connection)

    def _changed(self, user: int) -> None:
        self._generations[user] = self._generations.get(user, 0) + 1

    def _enter(self, connection: Connection, room: int) -> None:
        connection.rooms.add(room)
        self._rooms.setdefault(room, {})[connection] = None

    def _leave(self, connection: Connection, room: int) -> None:
        connection.rooms.discard(room)
        listeners = self._rooms.get(room)
        if listeners is not None:
            listeners.pop(connection, None)
            if not listeners:
                del self._rooms[room]
                self._heads.pop(room, None)

    def _send(self, listeners: Iterable[Connection], event: bytes) -> None:
        if not event:
            return
        frame = text_frame(event)
        due = self._due
        for connection in listeners:
            if connection.deliver(frame):
                due[connection] = None
                self.delivered += 1
        self._schedule()

    def send(self, connection: Connection, payload: bytes) -> None:
        """Queue a payload to one connection, such as a reply."""
        if connection.send(text_frame(payload)):
            self._due[connection] = None
            self._schedule()

    def release(self, connection: Connection, reply: bytes) -> None:
        """Queue a snapshot's reply, then every event that was kept back while it was made."""
        connection.release(text_frame(reply))
        self._due[connection] = None
        self._schedule()

    def _schedule(self) -> None:
        """Flush at once, or where more is to come not before a moment after the last flush: a write is dear,
        whatever its size."""
        if self._soon or not self._due:
            return
        loop = asyncio.get_running_loop()
        wait = self._flushed_at + _GAP - loop.time() if self.more_comes() else 0.0
        if wait > 0:
            self._later = self._later or loop.call_later(wait, self.flush)
        else:
            self._soon = True
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is due, to some connections in each turn of the event loop: what arrives meanwhile is
        read and committed, and goes out in the same write to those whose turn has not come."""
        self._soon = False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        waiting = self._round
        if not waiting:
            waiting.extend(self._due)
            self._due.clear()
        now = self._clock.monotonic()
        for _ in range(min(_TURN, len(waiting))):
            waiting.popleft().flush(now)
        loop = asyncio.get_running_loop()
        if waiting:
            self._soon = True
            loop.call_soon(self.flush)
        else:
            self._flushed_at = loop.time()
            self._schedule()

    def flush_one(self, connection: Connection) -> None:
        """Write what is due to one connection, before it is closed."""
        self._due.pop(connection, None)
        connection.flush(self._clock.monotonic())

    def check(self) -> None:
        """Close every connection that took nothing for too long. Called once a second."""
        now = self._clock.monotonic()
        for connection in self.connections:
            connection.check(now)
