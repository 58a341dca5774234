"""Replies and events as JSON bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Raw, json

from chatbox.errors import ChatboxError
from chatbox.model import Message

_encoder = json.Encoder()
encode = _encoder.encode
PROTOCOL = 1


def messages(
    room: int, after: int, head: int, changed: Iterable[Message], members: Iterable[dict[str, Any]] = ()
) -> bytes:
    """Everything that changed in (`after`, `head`] of a room, in its current state, by `rev`."""
    event: dict[str, Any] = {
        "ev": "messages",
        "room": room,
        "after": after,
        "head": head,
        "messages": sorted(changed, key=lambda message: message.rev),
    }
    if found := list(members):
        event["members"] = found
    return encode(event)


def reply(id: int | None, result: Any) -> bytes:
    """The answer to a command that went well. `result` is a dict, a struct or JSON as bytes."""
    return encode({"re": id, "ok": Raw(result) if isinstance(result, bytes) else result})


def error_body(error: ChatboxError) -> dict[str, Any]:
    """An error as clients read it."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.field is not None:
        body["field"] = error.field
    if error.retry_in is not None:
        body["retry_in"] = round(error.retry_in, 2)
    return body


def refusal(id: int | None, error: ChatboxError) -> bytes:
    """The answer to a command that failed."""
    return encode({"re": id, "error": error_body(error)})
