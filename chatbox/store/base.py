"""What the upper floors may ask of the store, and how a transaction is written.

A transaction is a generator that yields statements and receives rows::

    def head(room: int) -> Steps[int]:
        rows = yield one("SELECT head FROM rooms WHERE id = ?", room)
        return rows[0][0]

The engine decides how it runs: SQLite runs the whole of it in one hop to the writer thread; an engine
over a network awaits each statement. So there is one set of queries, and it does no I/O itself.

A change is a generator function that is given the `Batch` it is part of. It checks first (raising
`ChatboxError` before its first write), then writes, and tells the batch what has to be published. What
it returns is the reply to the command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from chatbox.model import Draft, Message

T = TypeVar("T")
Row = Any  # a tuple whose shape the statement that asks for it knows
Rows = list[Row]


class Statement(NamedTuple):
    """One SQL statement with `?` placeholders; with `many`, once for each row of `rows`."""

    sql: str
    params: Sequence[Any] = ()
    many: bool = False


Steps = Generator[Statement, Rows, T]


def one(sql: str, *params: Any) -> Statement:
    """A statement with its parameters."""
    return Statement(sql, params)


def many(sql: str, rows: Iterable[Sequence[Any]]) -> Statement:
    """A statement that is run once for each row of parameters; it gives no rows back."""
    return Statement(sql, list(rows), True)


ADVANCE = "UPDATE rooms SET head = head + 1 WHERE id = ? RETURNING head"


class RoomChanges:
    """What one batch changed in one room: everything in (`after`, `head`]."""

    __slots__ = ("after", "head", "members", "messages", "settings", "torn")

    def __init__(self, after: int) -> None:
        self.after = after
        self.head = after
        self.messages: dict[int, Message] = {}
        self.members: dict[int, dict[str, Any]] = {}
        self.settings = False
        self.torn = False  # others gave out numbers in between, from one transaction of the batch to the next


class Batch:
    """What the changes of one transaction did, for publishing after COMMIT."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.rooms: dict[int, RoomChanges] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.ended: list[tuple[int, int | None]] = []
        self.joined: set[int] = set()  # users who came into some room

    def advance(self, room: int) -> Steps[int]:
        """Give the room's next number to a change that is no post.

        Returns the number. The caller writes it as the `rev` of what it changed."""
        rows = yield one(ADVANCE, room)
        head: int = rows[0][0]
        self.moved(room, head - 1, head)
        return head

    def moved(self, room: int, after: int, head: int) -> RoomChanges:
        """Note that the room's numbers in (`after`, `head`] were given out by this batch."""
        changes = self.rooms.get(room)
        if changes is None:
            changes = self.rooms[room] = RoomChanges(after)
        changes.torn |= after > changes.head
        changes.head = head
        return changes

    def message(self, message: Message) -> None:
        """Note a message's new state, after its room was advanced."""
        messages = self.rooms[message.room].messages
        messages.pop(message.seq, None)
        messages[message.seq] = message

    def absorb(self, part: Batch) -> None:
        """Take over what a part of this batch noted, in order."""
        for room, changes in part.rooms.items():
            mine = self.moved(room, changes.after, changes.head)
            for seq, message in changes.messages.items():
                mine.messages.pop(seq, None)
                mine.messages[seq] = message
            mine.members.update(changes.members)
            mine.settings |= changes.settings
        self.events += part.events
        self.ended += part.ended
        self.joined |= part.joined

    def member(self, room: int, user: int, rev: int, role: str | None) -> None:
        """Note that a user is a member with this role, or with None is one no more."""
        state: dict[str, Any] = {"user": user, "rev": rev}
        state |= {"left": True} if role is None else {"role": role}
        self.rooms[room].members[user] = state

    def settings(self, room: int) -> None:
        """Note that what the room's description tells (name, topic, count ...) changed."""
        self.rooms[room].settings = True

    def publish(self, topic: str, event: dict[str, Any]) -> None:
        """Queue an event for a topic such as `user:3` or `all`; it leaves before the rooms' events."""
        self.events.append((topic, event))

    def end_sessions(self, user: int, session: int | None = None) -> None:
        """After COMMIT, close this session's connections (or with None all of this user's) with 4001."""
        self.ended.append((user, session))


Change = Callable[[Batch], Steps[Any]]


def personal(change: Change) -> Change:
    """Mark a change that writes nothing but what is one user's own, and gives a room no number.

    Where several servers write, others run beside it; all other changes run one after the other."""
    change.personal = True  # type: ignore[attr-defined]
    return change


def is_personal(change: Change) -> bool:
    """Whether it is marked so."""
    return getattr(change, "personal", False)


class Committed(NamedTuple):
    """What came of a batch: a reply or an error for each change, in order, and what to publish."""

    replies: list[Any]
    batch: Batch
    descriptions: dict[int, dict[str, Any]]  # of the rooms whose settings or members changed, after the batch

    def absorb(self, part: Committed) -> None:
        """Take over what came of a part of the batch that was a transaction of its own."""
        self.replies.extend(part.replies)
        self.batch.absorb(part.batch)
        self.descriptions.update(part.descriptions)


class Store(Protocol):
    """Durable state of one server.

    Reads see everything that was committed before they began. Commits take effect in the order of the
    calls. After an error whose outcome is unknown the store reopens itself before the next call.
    """

    def commit(self, changes: Sequence[Draft | Change]) -> Awaitable[Committed]:
        """Run all changes in one transaction, in order; queued to the writer before this returns.

        A change that raises `ChatboxError` is refused alone. Nothing is durable unless the awaitable
        gives a result; then all of it is. Raises `StorageFull` or `Unavailable` for the whole batch.
        """
        ...

    def read(self, steps: Steps[T], *, slow: bool = False) -> Awaitable[T]:
        """Run reads in one read transaction. Raises what the steps raise, or `Unavailable`.

        Reads that may be `slow` wait for each other, and no other read waits for them."""
        ...

    def as_file(self, folder: Path) -> AbstractAsyncContextManager[Path]:
        """A database of SQLite that has everything that was committed before, to be copied: the store's own
        file, or one that is made in this folder and goes afterwards. Raises `Unavailable`."""
        ...

    def backing_up(self) -> AbstractAsyncContextManager[bool]:
        """Be the only one of the servers on this database that makes a backup. Gives False where another one
        makes one. Raises `Unavailable`."""
        ...

    async def others_back_up(self) -> bool:
        """Whether one of several servers on this database makes a backup; a server that has it alone knows
        that itself. Raises `Unavailable`."""
        ...

    async def close(self) -> None:
        """Checkpoint and close. Nothing may be called afterwards."""
        ...
