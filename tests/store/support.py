"""A store on a real database, two people in #general, and drafts to put into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from chatbox.model import Draft
from chatbox.store import rooms, users
from chatbox.store.base import Batch, Committed, Steps, Store, one
from chatbox.store.postgres_opening import open_postgres
from chatbox.store.sqlite import SqliteStore, open_store
from tests.chat.support import SetClock
from tests.harness import postgres

GENERAL = 1


class Bench:
    """A store and what tests do with it."""

    def __init__(self, store: Store) -> None:
        self.store = store
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


B = TypeVar("B", bound=Bench)


class SqliteBench(Bench):
    """One on SQLite, whose insides can be looked at."""

    store: SqliteStore


class PostgresBench(Bench):
    """One on PostgreSQL, the address of whose database is `url`."""

    def __init__(self, store: Store, url: str) -> None:
        super().__init__(store)
        self.url = url


def draft(user: int, nonce: str, text: str = "hello", room: int = GENERAL, **more: Any) -> Draft:
    """A draft whose nonce is long enough."""
    return Draft(room, user, 0, f"nonce-{nonce}", text, **more)


def on_bench(test: Callable[[SqliteBench], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Make a pytest test of a coroutine that is given a bench on SQLite."""

    def run(tmp_path: Path) -> None:
        asyncio.run(_on_sqlite(test, tmp_path))

    return _named_as(test, run)


def on_postgres(test: Callable[[PostgresBench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The same on PostgreSQL."""

    def run() -> None:
        asyncio.run(_on_postgres(test, postgres.server().wiped()))

    return _named_as(test, run)


def on_both(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Two tests, one on each engine."""

    @pytest.mark.parametrize("engine", ["sqlite", "postgres"])
    def run(engine: str, tmp_path: Path) -> None:
        if engine == "sqlite":
            asyncio.run(_on_sqlite(test, tmp_path))
        else:
            asyncio.run(_on_postgres(test, postgres.server().wiped()))

    return _named_as(test, run)


async def _on_sqlite(test: Callable[[SqliteBench], Coroutine[Any, Any, None]], folder: Path) -> None:
    bench = SqliteBench(await open_store(folder / "chatbox.sqlite3", SetClock()))
    await _with_people(bench, test)


async def _on_postgres(test: Callable[[PostgresBench], Coroutine[Any, Any, None]], url: str) -> None:
    await _with_people(PostgresBench(await open_postgres(url, SetClock()), url), test)


async def _with_people(bench: B, test: Callable[[B], Coroutine[Any, Any, None]]) -> None:
    try:
        bench.ada = await bench.add_person("ada", "admin")
        bench.ben = await bench.add_person("ben")
        await test(bench)
    finally:
        await bench.store.close()


def _named_as(test: Callable[..., Any], run: Callable[..., None]) -> Callable[..., None]:
    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run
