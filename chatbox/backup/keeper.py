"""What is known of the schedule's backups while the server runs: one is made at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from chatbox.backup.shelf import Shelf


class Keeper:
    """`shelf` is where they are. Whoever changes it, or relies on it for a while, holds `lock`."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.lock = asyncio.Lock()
        self.doing = ""  # what is being done, for a person; empty where nothing is
        self.failure: dict[str, Any] | None = None  # of the latest try: at, message
        self.task: asyncio.Task[None] | None = None  # one that an admin asked for
        self.arriving = False  # whether one to restore comes in
        self.end: asyncio.Task[None] | None = None  # the clearing up after one that came in no further

    async def close(self) -> None:
        """Wait for what is still being done."""
        for task in (self.task, self.end):
            if task is not None:
                await task
