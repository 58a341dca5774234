"""A checksum per message, and what must be true of a whole database."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from chatbox.store.base import Row, Steps, one

CHECKED = "room, seq, rev, user, nonce, text, at, edited_at, deleted_at, reply_to, parts, mentions, files"
SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
DAMAGE = "PRAGMA integrity_check"
DANGLING = "PRAGMA foreign_key_check"
_PAGE = 5000


def message_crc(*state: int | str | None) -> int:
    """CRC-32 over the state of a message: the values of the columns `CHECKED`, in their order."""
    return crc32("\0".join(["" if value is None else str(value) for value in state]).encode())


def _stored_crc(state: list[bytes | None]) -> int:
    """The same over values that were read as bytes."""
    return crc32(b"\0".join([value or b"" for value in state]))


def size() -> Steps[int]:
    """Bytes that the database takes, without those that are only in its log."""
    ((size,),) = yield one(SIZE)
    return int(size)


def check() -> Steps[list[str]]:
    """What is wrong with this database, in sentences; an empty list where nothing is."""
    problems: list[str] = []
    for (verdict,) in (yield one(DAMAGE)):
        if verdict != "ok":
            problems.append(f"The database file is damaged: {verdict}.")
    problems += yield from _messages()
    problems += yield from _rooms()
    for table, rowid in (yield from _dangling()):
        problems.append(f"A row of {table} (number {rowid}) refers to something that is not there.")
    return problems


def _messages() -> Steps[list[str]]:
    # As bytes: what was damaged may be no text any more, which SQLite's module refuses to read.
    state = ", ".join(f"CAST({column} AS BLOB)" for column in CHECKED.split(", "))
    problems, last = [], 0
    while True:
        rows = yield one(
            f"SELECT id, room, seq, crc, {state} FROM messages WHERE id > ? ORDER BY id LIMIT ?", last, _PAGE
        )
        for _, room, seq, crc, *values in rows:
            if crc != _stored_crc(values):
                problems.append(f"Message {seq} of room {room} does not match its checksum.")
        if len(rows) < _PAGE:
            return problems
        last = rows[-1][0]


def _rooms() -> Steps[list[str]]:
    rows = yield one(
        "SELECT r.id, r.head, r.posts, r.rev, r.members,"
        " (SELECT coalesce(max(m.rev), 0) FROM messages m WHERE m.room = r.id),"
        " (SELECT count(*) FROM messages m WHERE m.room = r.id),"
        " (SELECT coalesce(max(s.rev), 0) FROM memberships s WHERE s.room = r.id),"
        " (SELECT count(*) FROM memberships s WHERE s.room = r.id AND s.left_at IS NULL)"
        " FROM rooms r"
    )
    return [text for row in rows for text in _room_problems(row)]


def _room_problems(row: Row) -> list[str]:
    room, head, posts, rev, members, message_rev, stored, member_rev, present = row
    problems: list[Any] = [
        max(rev, message_rev, member_rev) > head and f"Room {room} gave out fewer numbers than it holds.",
        posts != stored and f"Room {room} counts {posts} posts and holds {stored}.",
        members != present and f"Room {room} counts {members} members and holds {present}.",
    ]
    return [problem for problem in problems if problem]


def _dangling() -> Steps[list[Row]]:
    return [(row[0], row[1]) for row in (yield one(DANGLING))]
