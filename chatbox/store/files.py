"""The rows of uploaded files: whose they are, and which message they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, json

from chatbox.errors import Invalid, RateLimited, SignedOut
from chatbox.store.base import Batch, Steps, one

UNPOSTED_MOST = 50  # files of one person that wait for their message

_PLACES = 500  # placeholders in one statement; SQLite before 3.32 allowed 999


class File(Struct, frozen=True, gc=False):
    """An uploaded file. `hash` is the SHA-256 of its content in hex, `size` in bytes, pictures in pixels."""

    id: str
    hash: str
    name: str
    size: int
    type: str
    width: int | None = None
    height: int | None = None

    def described(self) -> dict[str, Any]:
        """As it stands in a message and in the answer to its upload."""
        shown: dict[str, Any] = {"id": self.id, "name": self.name, "size": self.size, "type": self.type}
        return shown | ({"width": self.width, "height": self.height} if self.width else {})


_COLUMNS = "id, hash, name, size, type, width, height"
CLAIM = f"SELECT {_COLUMNS} FROM files WHERE id = ? AND user = ? AND room IS NULL"


def may_upload(user: int) -> Steps[None]:
    """Raises RateLimited where too many files of this user wait unposted."""
    ((waiting,),) = yield one("SELECT count(*) FROM files WHERE room IS NULL AND user = ?", user)
    if waiting >= UNPOSTED_MOST:
        message = f"{waiting} of your files wait for a message. Send them, or try again tomorrow."
        raise RateLimited(message, retry_in=3600.0)


def add(batch: Batch, file: File, user: int, session: int) -> Steps[dict[str, Any]]:
    """Store the row of a finished upload, whose content is in its place already. Gives its description.

    Raises SignedOut where the sign-in ended meanwhile, RateLimited where too many files wait unposted."""
    if not (
        yield one(
            "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user"
            " WHERE s.id = ? AND s.user = ? AND u.state = 'active'",
            session,
            user,
        )
    ):
        raise SignedOut
    yield from may_upload(user)
    yield one(
        f"INSERT INTO files ({_COLUMNS}, user, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        file.id, file.hash, file.name, file.size, file.type, file.width, file.height, user, batch.now,
    )  # fmt: skip
    return file.described()


def readable(id: str, user: int) -> Steps[File | None]:
    """The file, if this user may read it now: a member of its room, or before it is posted its uploader."""
    rows = yield one(
        f"SELECT {_COLUMNS} FROM files f WHERE f.id = ? AND CASE WHEN f.room IS NULL THEN f.user = ?"
        " ELSE EXISTS (SELECT 1 FROM memberships m WHERE m.user = ? AND m.room = f.room"
        " AND m.left_at IS NULL) END",
        id, user, user,
    )  # fmt: skip
    return File(*rows[0]) if rows else None


def claim(ids: Sequence[str], user: int) -> Steps[list[dict[str, Any]]]:
    """Descriptions of files that this user is about to post, in the order given.

    Raises Invalid (field "files") where one is not there, not theirs, or posted already."""
    described = []
    for id in ids:
        rows = yield one(CLAIM, id, user)
        if not rows:
            raise Invalid("A file is not there any more. Attach it again.", field="files")
        described.append(File(*rows[0]).described())
    return described


def attach(ids: Sequence[str], room: int, seq: int) -> Steps[None]:
    """Bind claimed files to the message that they were posted with."""
    for id in ids:
        yield one("UPDATE files SET room = ?, seq = ? WHERE id = ?", room, seq, id)


def detach(room: int, seq: int) -> Steps[list[str]]:
    """Delete the files of a message that is being deleted, before its text goes. Gives their hashes.

    Their contents on disk go with the next `chat.files.remove_unreferenced`."""
    rows = yield one("SELECT files FROM messages WHERE room = ? AND seq = ? AND files IS NOT NULL", room, seq)
    hashes = []
    for file in json.decode(rows[0][0]) if rows else ():
        gone = yield one("DELETE FROM files WHERE id = ? AND room = ? RETURNING hash", file["id"], room)
        hashes += [row[0] for row in gone]
    return hashes


def delete_unposted(before: int) -> Steps[int]:
    """Delete the rows of files that were uploaded before this time (ms) and never posted. Gives how many."""
    return len((yield one("DELETE FROM files WHERE room IS NULL AND created_at < ? RETURNING id", before)))


def delete_unposted_of(user: int) -> Steps[None]:
    """Delete the rows of files that this user uploaded and never posted."""
    yield one("DELETE FROM files WHERE room IS NULL AND user = ?", user)


def size() -> Steps[tuple[int, int]]:
    """Bytes of all contents on disk, each counted once, and how many files people sent."""
    ((stored,),) = yield one(
        "SELECT coalesce(sum(size), 0) FROM (SELECT max(size) AS size FROM files GROUP BY hash) contents"
    )
    ((number,),) = yield one("SELECT count(*) FROM files")
    return int(stored), int(number)


def contents() -> Steps[list[tuple[str, int]]]:
    """The hash and the size of every content that a row refers to."""
    return [(row[0], row[1]) for row in (yield one("SELECT DISTINCT hash, size FROM files ORDER BY hash"))]


def unreferenced(hashes: Sequence[str]) -> Steps[list[str]]:
    """Those of these contents that no row needs any more."""
    needed: set[str] = set()
    for start in range(0, len(hashes), _PLACES):
        part = hashes[start : start + _PLACES]
        places = ", ".join("?" * len(part))
        needed |= {row[0] for row in (yield one(f"SELECT hash FROM files WHERE hash IN ({places})", *part))}
    return [hash for hash in hashes if hash not in needed]
