"""A store on a real file, two people in #general, and drafts to put into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from chatbox.model import Draft
from chatbox.store import rooms, users
from chatbox.store.base import Batch, Committed, Steps, one
from chatbox.store.sqlite import SqliteStore, open_store
from tests.chat.support import SetClock

GENERAL = 1


class Bench:
    """A store and what tests do with it."""

    def __init__(self, store: SqliteStore, path: Path) -> None:
        self.store = store
        self.path = path
        self.ada = 0
        self.ben = 0

    async def add_person(self, name: str, role: str = "member") -> int:
        def change(batch: Batch) -> Steps[int]:
            made = yield from users.add(batch, name=name, key=name, full_name="", role=role, password="")
            yield from rooms.add_member(batch, GENERAL, made.id)
            return made.id

        return int((await self.commit(change))[0])

    async def commit(self, *changes: Any) -> list[Any]:
        """The replies to changes that are one batch."""
        return (await self.batch(*changes)).replies

    async def batch(self, *changes: Any) -> Committed:
        return await self.store.commit(list(changes))

    async def rows(self, sql: str, *params: Any) -> list[Any]:
        def steps() -> Steps[list[Any]]:
            return (yield one(sql, *params))

        return await self.store.read(steps())

    async def head(self, room: int = GENERAL) -> int:
        return int((await self.rows("SELECT head FROM rooms WHERE id = ?", room))[0][0])


def draft(user: int, nonce: str, text: str = "hello", room: int = GENERAL, **more: Any) -> Draft:
    """A draft whose nonce is long enough."""
    return Draft(room, user, 0, f"nonce-{nonce}", text, **more)


def on_bench(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Make a pytest test of a coroutine that is given a bench."""

    async def live(folder: Path) -> None:
        path = folder / "chatbox.sqlite3"
        bench = Bench(await open_store(path, SetClock()), path)
        try:
            bench.ada = await bench.add_person("ada", "admin")
            bench.ben = await bench.add_person("ben")
            await test(bench)
        finally:
            await bench.store.close()

    def run(tmp_path: Path) -> None:
        asyncio.run(live(tmp_path))

    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run
