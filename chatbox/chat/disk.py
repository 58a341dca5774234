"""Watching the disks of the data and the uploads, so that an admin knows before they are full."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path
from typing import Any

from chatbox.chat.context import Context
from chatbox.rules import disk

log = logging.getLogger("chatbox.disk")

LOW = "disk_low"
_EVERY = 30.0  # seconds


async def watch(ctx: Context) -> None:
    """Tell admins of a disk that fills, for as long as it is so."""
    while True:
        try:
            await look(ctx)
        except OSError as error:
            log.info("the free room on the disk is not known: %s", error)
        except Exception:
            log.exception("watching the disk failed")
        await asyncio.sleep(_EVERY)


async def look(ctx: Context) -> None:
    """Look once. Raises OSError."""
    found = await asyncio.to_thread(_lowest, (ctx.folder, ctx.blobs.folder))
    if found is None:
        ctx.notices.clear(LOW)
    else:
        ctx.notices.show(LOW, **found)


def _lowest(folders: tuple[Path, ...]) -> dict[str, Any] | None:
    """What is to be told of the first of these folders whose disk is low."""
    for folder in folders:
        if not folder.exists():
            continue
        usage = shutil.disk_usage(folder)
        if disk.is_low(usage.total, usage.free):
            percent = 100 * usage.free // usage.total  # in whole steps, so that it is not told every time
            stopped = not disk.takes_uploads(usage.total, usage.free)
            return {"folder": str(folder), "percent": percent, "uploads_stopped": stopped}
    return None
