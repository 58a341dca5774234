"""The values that everything else speaks of. Frozen; what is None or empty is left out on the wire."""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType


class Message(Struct, frozen=True, omit_defaults=True, gc=False):
    """A stored message, in the shape in which it goes to clients.

    `seq` is its place in the room for ever, `rev` the number of its latest change. `parts` and `files`
    are JSON as stored. Times are milliseconds since 1970, UTC.
    """

    room: int
    seq: int
    rev: int
    user: int
    nonce: str
    text: str
    at: int
    parts: Raw | UnsetType = UNSET
    mentions: Raw | UnsetType = UNSET
    edited: int | None = None
    deleted: int | None = None
    reply_to: int | None = None
    files: Raw | UnsetType = UNSET


class Draft(Struct, frozen=True, gc=False):
    """A message before it is stored. `session` is the sign-in that sent it, `parts` JSON."""

    room: int
    user: int
    session: int
    nonce: str
    text: str
    parts: bytes | None = None
    mentions: tuple[int, ...] = ()
    reply_to: int | None = None
    files: tuple[str, ...] = ()


class Posted(Struct, frozen=True, omit_defaults=True, gc=False):
    """The answer to a post: where the message stands. `duplicate` marks the answer to a resend."""

    room: int
    seq: int
    rev: int
    at: int
    duplicate: bool = False


class Person(Struct, frozen=True, omit_defaults=True, gc=False):
    """A user as everybody sees them. `gone`: disabled or deleted, listed for the sake of old messages."""

    id: int
    name: str
    full_name: str = ""
    admin: bool = False
    bot: bool = False
    status: str = ""
    gone: bool = False


class OwnAddress(Struct, frozen=True, omit_defaults=True):
    """An address to tell others.

    `kind` is `chosen` (in the settings), `name`, `local` (a name on this network
    alone), `loopback` (this machine alone), `wifi`, `cable`, `vpn`,
    `container`, `virtual` (machines), `direct` (from device to device), `self_assigned` (nobody gave this
    machine one) or `other`. `adapter` is what the system calls it; empty for names.
    """

    url: str
    kind: str
    adapter: str = ""
