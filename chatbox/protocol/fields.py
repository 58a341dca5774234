"""What commands are made of: their base, and the types of their fields, which carry the limits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Nonce = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}\Z")]
Limit = Annotated[int, Meta(ge=1, le=500)]
Line = Annotated[str, Meta(max_length=400)]
Secret = Annotated[str, Meta(min_length=1, max_length=200)]
Password = Annotated[str, Meta(max_length=1024)]
FileId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}\Z")]
RoomKey = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,15}\Z")]


class Command(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", kw_only=True):
    """What every command may carry: over a WebSocket `do` names it, and the reply repeats `id` as `re`."""

    id: int | None = None
