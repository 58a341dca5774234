"""Backups of a server whose uploads are in a bucket: the same as of a folder, and none while it is away."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from chatbox.chat import backups
from chatbox.chat.files import sweep
from chatbox.errors import Unavailable
from chatbox.instance import close_instance
from chatbox.operations import check
from chatbox.settings import Settings
from chatbox.settings import Storage as Place
from chatbox.store import bucket
from tests.backup.support import back_up, take_back, upload
from tests.chat.support import DAY, SetClock, World, error_of
from tests.harness.s3 import BUCKET, SECRET, Storage, storage_in

Test = Callable[[World, Storage], Coroutine[Any, Any, None]]


def with_a_bucket(test: Test) -> Callable[[Path], None]:
    """Make a pytest test of a coroutine that is given a world and the storage of its uploads."""

    async def live(folder: Path, storage: Storage) -> None:
        world = World(folder / "data", SetClock())
        world.folder.mkdir()
        world.settings = Settings(storage=Place(uploads=f"s3://{BUCKET}/uploads"), s3=storage.settings)
        await world.start()
        try:
            await test(world, storage)
        finally:
            await close_instance(world.ctx)

    def run(tmp_path: Path) -> None:
        with storage_in(tmp_path) as storage:
            asyncio.run(live(tmp_path, storage))

    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run


@with_a_bucket
async def test_backups_have_what_is_in_the_bucket(world: World, storage: Storage) -> None:
    ada = await world.set_up()
    whole, damaged = await upload(world, ada, b"whole"), await upload(world, ada, b"damaged")
    storage.file(damaged).write_bytes(b"DAMAGED")
    archive = await back_up(world, world.folder / "b.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.read(f"uploads/{whole[:2]}/{whole}") == b"whole"
        assert f"uploads/{damaged[:2]}/{damaged}" not in opened.namelist()
    assert SECRET.encode() not in archive.read_bytes()
    (problem,) = (await check(world.ctx, {}))["problems"]
    assert problem == f"The upload {damaged[:12]}… (7 bytes) does not match its checksum."
    run = await backups.run(world.ctx)
    assert run.manifest.missing == [damaged]
    with run.open_upload(whole) as file:
        assert hashlib.sha256(file.read()).hexdigest() == whole
    assert list(world.ctx.blobs.incoming.iterdir()) == []
    packed = await backups.pack_for_download(world.ctx, run.name)
    with zipfile.ZipFile(packed) as opened:
        assert opened.read(f"uploads/{whole[:2]}/{whole}") == b"whole"


@with_a_bucket
async def test_without_the_bucket_there_is_no_backup_and_the_older_ones_stay(
    world: World, storage: Storage
) -> None:
    ada = await world.set_up()
    await upload(world, ada, b"first")
    first = await backups.run(world.ctx)
    await upload(world, ada, b"second")
    world.clock.forward(ms=DAY)
    storage.stop()
    assert isinstance(await error_of(backups.run(world.ctx)), Unavailable)
    assert isinstance(await error_of(back_up(world, world.folder / "b.zip")), Unavailable)
    assert not (world.folder / "b.zip").exists()
    assert str(await error_of(check(world.ctx, {}))).startswith(f"The bucket {BUCKET}/uploads at 127.0.0.1:")
    assert [run.name for run in world.ctx.backups.shelf.runs()] == [first.name]


@with_a_bucket
async def test_a_sweep_waits_for_the_bucket_and_takes_what_nobody_needs(
    world: World, storage: Storage
) -> None:
    ada = await world.set_up()
    kept, gone = await upload(world, ada, b"kept"), await upload(world, ada, b"gone")
    await take_back(world, ada, gone)
    storage.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bucket, "_RESTS", 0.0)
        assert isinstance(await error_of(sweep(world.ctx)), Unavailable)
    storage.start()
    for hash in (kept, gone):
        storage.age(hash)
    await sweep(world.ctx)
    assert storage.file(kept).exists()
    assert not storage.file(gone).exists()
