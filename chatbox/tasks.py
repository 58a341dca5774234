"""Ending what runs beside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

_AGAIN = 1.0  # seconds


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel these, and wait until they have ended.

    They are told again while they go on: up to Python 3.11 `asyncio.wait_for`, which libraries use, loses a
    cancellation that comes in the moment in which its work is done (python/cpython issue 86296)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN)
