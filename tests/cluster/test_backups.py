"""The nodes of a cluster, each with its own store on one PostgreSQL, make one backup a day among them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from chatbox.backup.shelf import Run, Shelf
from chatbox.chat import backups
from chatbox.chat.files import remove_unreferenced
from chatbox.errors import Conflict, StorageFull
from tests.backup.support import take_back, upload, upload_file
from tests.chat.support import DAY, HOUR, error_of
from tests.chat.talk import do
from tests.cluster.support import PATIENCE, Node, Town, town_in
from tests.harness import postgres


def in_town(test: Callable[[Town], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Make a pytest test of a coroutine that is given a town on PostgreSQL."""

    def run(tmp_path: Path) -> None:
        async def live(database: str) -> None:
            async with town_in(tmp_path, database=database) as town:
                await test(town)

        asyncio.run(live(postgres.server().wiped()))

    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run


@asynccontextmanager
async def being_made(node: Node) -> AsyncIterator[asyncio.Task[Run]]:
    """For so long a backup is being made there: the database is copied, and the uploads are not yet."""
    begun, go_on = threading.Event(), threading.Event()
    shelf = node.ctx.backups.shelf
    take = shelf._take_uploads

    def held(*given: Any) -> Any:
        begun.set()
        go_on.wait(PATIENCE)
        return take(*given)

    with patch.object(shelf, "_take_uploads", held):
        task = asyncio.create_task(backups.run(node.ctx))
        try:
            assert await asyncio.to_thread(begun.wait, PATIENCE)
            yield task
        finally:
            go_on.set()
            await task


@in_town
async def test_one_is_due_once_a_day_whichever_node_makes_it(town: Town) -> None:
    one, two = town.one.ctx, town.two.ctx
    while backups._local(town.clock.now()).hour != 4:  # an hour after the one of the night
        town.clock.forward(ms=HOUR)
    for _ in range(3):
        assert await backups.is_due(one)
        assert await backups.is_due(two)
        await backups.run_if_due(one)
        for hours in (1, 11, 11):  # until the next night
            assert not await backups.is_due(one)
            await backups.run_if_due(two)
            town.clock.forward(ms=hours * HOUR)
        town.clock.forward(ms=HOUR)
    assert len(one.backups.shelf.runs()) == 3
    assert two.backups.shelf.runs() == []
    await do(town.two, town.ada, "backup.create")  # by hand counts as well
    assert two.backups.task is not None
    await two.backups.task
    assert not await backups.is_due(one)
    town.clock.forward(ms=DAY)
    assert await backups.is_due(one)


@in_town
async def test_while_one_node_makes_a_backup_no_other_begins_one(town: Town) -> None:
    one, two = town.one.ctx, town.two.ctx
    two.backups.shelf = Shelf(one.backups.shelf.folder)  # [backup] folder, where all of them see it
    async with being_made(town.one) as making:
        target = town.two.folder / "b.zip"
        for refusal in (
            await error_of(backups.run_if_due(two)),
            await error_of(backups.write(two, target)),
            await error_of(do(town.two, town.ada, "backup.create")),
        ):
            assert isinstance(refusal, Conflict)
            assert refusal.message == "A backup is being made already."
        assert not target.exists()
        assert "failure" not in await do(town.two, town.ada, "backup.list")
    made = making.result()
    assert [run.name for run in two.backups.shelf.runs()] == [made.name]
    await do(town.two, town.ada, "backup.create")
    assert two.backups.task is not None
    await two.backups.task
    assert made.name not in {run.name for run in one.backups.shelf.runs()}  # one a day stays


@in_town
async def test_what_is_deleted_while_another_node_makes_a_backup_stays_until_it_is_done(town: Town) -> None:
    town.two.ctx.blobs.folder = town.one.ctx.blobs.folder  # which all nodes share
    hash = await upload(town.one, town.ada, b"soon gone")
    os.utime(upload_file(town.one, hash), (0, 0))  # else it would stay for a day anyway
    async with being_made(town.one) as making:
        await take_back(town.two, town.ada, hash)
        assert await remove_unreferenced(town.two.ctx, [hash]) == 0
    assert set(making.result().manifest.uploads) == {hash}
    assert making.result().manifest.missing == []
    assert await remove_unreferenced(town.two.ctx, [hash]) == 1
    assert not upload_file(town.one, hash).exists()


@in_town
async def test_what_failed_on_one_node_another_one_makes_at_once(town: Town) -> None:
    one, two = town.one.ctx, town.two.ctx
    with patch.object(one.backups.shelf, "add", side_effect=StorageFull):
        assert isinstance(await error_of(backups.run_if_due(one)), StorageFull)
    await backups.run_if_due(two)
    assert len(two.backups.shelf.runs()) == 1
    assert not await backups.is_due(one)
