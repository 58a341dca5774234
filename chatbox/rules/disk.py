"""How full a disk may get: when admins are warned, and what is left to messages alone."""

from __future__ import annotations

RESERVE = 64 * 2**20  # bytes that nothing but messages may use

_UPLOADS_LEAVE = 500 * 10**6
_WARNING_BELOW = 100 * 10**9  # a tenth of a disk of terabytes is no trouble


def left_by_uploads(total: int) -> int:
    """The bytes that uploads leave free on a disk of this size: 5 %, at most 500 MB, at least the reserve."""
    return max(RESERVE, min(total // 20, _UPLOADS_LEAVE))


def takes_uploads(total: int, free: int, size: int = 0) -> bool:
    """Whether an upload of this size may be stored."""
    return free - size >= left_by_uploads(total)


def is_low(total: int, free: int) -> bool:
    """Whether an admin should make room: less than 10 % is free, or uploads are about to stop."""
    return free < max(min(total // 10, _WARNING_BELOW), left_by_uploads(total))


def shown_size(size: int) -> str:
    """A number of bytes for a person."""
    for unit, step in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= step:
            return f"{size / step:,.1f} {unit}"
    return f"{size} bytes"
