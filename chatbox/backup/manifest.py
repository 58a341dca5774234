"""What a backup says about itself, and where things are in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from chatbox.store.copies import Contents, Counted

FORMAT = 1
DATABASE = "chatbox.sqlite3"
MANIFEST = "manifest.json"
MANIFEST_BYTES = 2**28  # more than three million uploads

Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]  # SHA-256
ServerId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]  # the name of a cookie holds it


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """`made_at` in milliseconds since 1970; `size` and `sha256` are the database's; `uploads` has the bytes
    of each content by its SHA-256; `missing` are contents that were damaged or gone when it was made.

    Reading one stops at the first word that is none of these: a few kilobytes, packed, may unpack to a list
    that takes all memory."""

    format: int
    version: str
    made_at: int
    server: ServerId
    name: str
    schema: int
    counts: dict[Counted, int]
    size: int
    sha256: str
    uploads: dict[Hash, int]
    missing: list[Hash] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Of everything in it, unpacked."""
        return self.size + sum(self.uploads.values())

    def fits(self, contents: Contents) -> bool:
        """Whether this database is the one that it describes, with every upload that it needs."""
        return (
            (contents.server, contents.name, contents.schema, contents.counts)
            == (self.server, self.name, self.schema, self.counts)
        ) and contents.uploads.keys() == self.uploads.keys() | set(self.missing)


def upload_path(hash: str) -> str:
    """Where an upload is, in a backup as in the folder of uploads."""
    return f"{hash[:2]}/{hash}"


def stamp(at: int) -> str:
    """A time (ms) for a file's name: UTC, without colons, which Windows does not take."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d_%H%M%S")


def stamped(name: str) -> datetime:
    """The time in a name that `stamp` has made."""
    date, time = name.split("_")
    year, month, day = map(int, date.split("-"))
    return datetime(year, month, day, int(time[:2]), int(time[2:4]), int(time[4:]), tzinfo=UTC)


def shown_time(at: int) -> str:
    """A time (ms) for a person at the console, in the machine's own time zone."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def shown_counts(counts: dict[Counted, int]) -> str:
    """How much a backup holds, for a person."""
    words: dict[Counted, str] = {"people": "person", "rooms": "room", "messages": "message", "files": "file"}
    return ", ".join(f"{counts[key]:,} {one if counts[key] == 1 else key}" for key, one in words.items())
