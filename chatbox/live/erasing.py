"""The deletion of a former member's messages, which goes on in the background."""

from __future__ import annotations

import asyncio


class Erasing:
    """`wake` is set while there may be something to delete; `turn` is held by whoever does it."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.turn = asyncio.Lock()
        self.wake.set()  # an earlier run may have left something
