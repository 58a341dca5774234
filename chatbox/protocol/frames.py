"""Payloads as WebSocket frames, and what close codes tell a client (RFC 6455, sections 5.2 and 7.4).

Frames from server to client are not masked, so one frame serves every receiver.
"""

from __future__ import annotations

from typing import NamedTuple

_TEXT = 0x81  # FIN and opcode 1


class Close(NamedTuple):
    """A close code, its reason, and whether the client should come back."""

    code: int
    reason: str
    reconnect: bool


SIGNED_OUT = Close(4001, "signed out", False)
TOO_SLOW = Close(4008, "too slow", True)
OVERLOADED = Close(4009, "overloaded", True)
RESTARTING = Close(1012, "restarting", True)
FRAME_TOO_BIG = Close(1009, "frame too big", True)
BROKEN_FRAME = Close(1002, "broken frame", False)
NOT_UTF8 = Close(1007, "not UTF-8", False)

CLOSES = (SIGNED_OUT, TOO_SLOW, OVERLOADED, RESTARTING, FRAME_TOO_BIG, BROKEN_FRAME, NOT_UTF8)


def text_frame(payload: bytes) -> bytes:
    """The unmasked text frame that carries this payload (UTF-8)."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65536:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload
