"""How the server describes itself to clients: in `hello`, and in the event that tells of a change.

Not to be called from within a change, which runs on another thread."""

from __future__ import annotations

from typing import Any

from chatbox.chat.context import Server
from chatbox.protocol.events import PROTOCOL
from chatbox.settings import Settings


def server(known: Server) -> dict[str, Any]:
    """The server itself; `logo` is the hash of its picture, empty where it has none."""
    return {
        "id": known.id,
        "name": known.name,
        "logo": known.logo,
        "version": known.version,
        "protocol": PROTOCOL,
        "addresses": known.addresses(),
    }


def limits(settings: Settings) -> dict[str, int]:
    """What a client should know before it sends."""
    found = settings.limits
    return {"text_bytes": found.text_bytes, "file_bytes": found.file_bytes, "frame_bytes": found.frame_bytes}


def link(known: Server, kind: str, secret: str) -> str:
    """Where a one-time link leads; on a server that knows no address, the part after the address."""
    addresses = known.addresses()
    return f"{addresses[0] if addresses else ''}/#{kind}={secret}"
