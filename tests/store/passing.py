"""A store that passes everything on to another one: for those that do one thing differently."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

from chatbox.model import Draft
from chatbox.store.base import Change, Committed, Steps, Store

T = TypeVar("T")


class Passing:
    def __init__(self, store: Store) -> None:
        self._store = store

    def commit(self, changes: Sequence[Draft | Change]) -> Awaitable[Committed]:
        return self._store.commit(changes)

    def read(self, steps: Steps[T], *, slow: bool = False) -> Awaitable[T]:
        return self._store.read(steps, slow=slow)

    def as_file(self, folder: Path) -> AbstractAsyncContextManager[Path]:
        return self._store.as_file(folder)

    def backing_up(self) -> AbstractAsyncContextManager[bool]:
        return self._store.backing_up()

    async def others_back_up(self) -> bool:
        return await self._store.others_back_up()

    async def close(self) -> None:
        await self._store.close()
