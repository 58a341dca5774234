"""Backups of the schedule: what a run holds, which stay, and what becomes of a failure."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock, patch

import pytest

from chatbox.backup.shelf import Run
from chatbox.chat import backups
from chatbox.errors import Conflict, StorageFull
from chatbox.operations import OPERATIONS
from tests.backup.support import take_back, upload, upload_file
from tests.backup.test_archive import full_disks
from tests.chat.support import DAY, HOUR, World, error_of, in_world
from tests.chat.talk import Published, do, post

EVERY_DAY = 20 * DAY  # far enough from the beginning of 1970 for any time zone


def stored(world: World) -> set[str]:
    folder = world.ctx.backups.shelf.folder / "files"
    return {path.name for path in folder.rglob("*") if path.is_file()}


@in_world
async def test_a_run_is_a_checked_copy_and_each_upload_is_stored_once(world: World) -> None:
    ada = await world.set_up()
    hash = await upload(world, ada, b"picture")
    first = await backups.run(world.ctx)
    world.clock.forward(ms=DAY)
    later = await upload(world, ada, b"later")
    second = await backups.run(world.ctx)
    assert [run.name for run in world.ctx.backups.shelf.runs()] == [second.name, first.name]
    assert stored(world) == {hash, later}
    assert set(first.manifest.uploads) == {hash}
    assert set(second.manifest.uploads) == {hash, later}
    with closing(sqlite3.connect(second.folder / "chatbox.sqlite3")) as copy:
        assert copy.execute("SELECT count(*) FROM files").fetchone() == (2,)
    if os.name == "posix":
        assert upload_file(world, hash).stat().st_nlink == 2  # no room is taken twice on one disk
        assert first.folder.stat().st_mode & 0o077 == 0


@in_world
async def test_where_no_links_can_be_made_uploads_are_copied(world: World) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    ada = await world.set_up()
    hash = await upload(world, ada, b"picture" * 100_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "link", refuse)
        run = await backups.run(world.ctx)
    upload_file(world, hash).write_bytes(b"damaged")
    with run.open_upload(hash) as file:
        assert file.read() == b"picture" * 100_000


@in_world
async def test_a_damaged_upload_is_left_out_until_it_is_whole(world: World) -> None:
    ada = await world.set_up()
    hash = await upload(world, ada, b"picture")
    upload_file(world, hash).write_bytes(b"PICTURE")
    assert (await backups.run(world.ctx)).manifest.missing == [hash]
    assert stored(world) == set()
    upload_file(world, hash).write_bytes(b"picture")
    world.clock.forward(ms=DAY)
    assert (await backups.run(world.ctx)).manifest.missing == []


@in_world
async def test_old_runs_go_and_with_them_the_uploads_that_none_needs(world: World) -> None:
    ada = await world.set_up()
    hash = await upload(world, ada, b"deleted on the second day")
    await backups.run(world.ctx)
    await take_back(world, ada, hash)
    for _ in range(40):
        world.clock.forward(ms=DAY)
        await backups.run(world.ctx)
    made = [run.made for run in world.ctx.backups.shelf.runs()]
    newest = made[0]
    assert {newest - timedelta(days=days) for days in range(7)} <= set(made)
    assert 8 <= len(made) <= 12
    assert hash in stored(world) or len({(at.year, at.month) for at in made}) == 2
    for _ in range(400):
        world.clock.forward(ms=DAY)
        await backups.run(world.ctx)
    assert hash not in stored(world)


@in_world
async def test_what_a_run_that_was_killed_has_left_goes_with_the_next(world: World) -> None:
    ada = await world.set_up()
    await upload(world, ada, b"picture")
    shelf = world.ctx.backups.shelf
    (shelf.folder / "runs" / "2001-09-09_000000.part").mkdir(parents=True)
    (shelf.folder / "runs" / "2001-09-08_000000").mkdir()
    (shelf.folder / "files" / "ab").mkdir(parents=True)
    (shelf.folder / "files" / "ab" / "x.part").write_text("half")
    assert shelf.runs() == []
    run = await backups.run(world.ctx)
    assert [path.name for path in (shelf.folder / "runs").iterdir()] == [run.name]
    assert "x.part" not in stored(world)


@in_world
async def test_a_run_restores_by_its_folder(world: World) -> None:
    ada = await world.set_up()
    hash = await upload(world, ada, b"picture")
    run = await backups.run(world.ctx)
    await post(world, ada, text="lost")
    for path in (run.folder, run.folder / "manifest.json"):
        told = await OPERATIONS["restore"](world.ctx, {"file": str(path)})
        assert told["summary"].startswith(f"{run.name}, the backup of")
    await world.restart()
    assert await world.rows("SELECT text FROM messages") == [("",)]
    assert upload_file(world, hash).read_bytes() == b"picture"


@in_world
async def test_a_run_that_lost_a_part_is_refused_with_words(world: World) -> None:
    ada = await world.set_up()
    hash = await upload(world, ada, b"picture")
    run = await backups.run(world.ctx)
    file = world.ctx.backups.shelf.folder / "files" / hash[:2] / hash
    restore = {"file": str(run.folder)}
    for damage, words in (
        (lambda: file.unlink(), "A part of it cannot be read"),
        (lambda: file.write_bytes(b"PICTURE"), "does not match its checksum"),
        (lambda: (run.folder / "chatbox.sqlite3").write_bytes(b"x"), "does not match its checksum"),
        (lambda: (run.folder / "chatbox.sqlite3").unlink(), "A part of it cannot be read"),
        (lambda: (run.folder / "manifest.json").write_bytes(b"x"), "list of contents cannot be read"),
        (lambda: (run.folder / "manifest.json").unlink(), "cannot be read: Is a directory"),
    ):
        damage()
        refusal = await error_of(OPERATIONS["restore"](world.ctx, restore))
        assert words in refusal.message
        assert not (world.folder / "restore").exists()


# -- the schedule ---------------------------------------------------------------------------------------


@in_world
async def test_one_is_due_each_day_and_none_before_the_setup(world: World) -> None:
    world.clock.forward(ms=EVERY_DAY)
    assert not await backups.is_due(world.ctx)
    await world.set_up()
    assert await backups.is_due(world.ctx)
    await backups.run(world.ctx)
    assert not await backups.is_due(world.ctx)
    world.clock.forward(ms=25 * HOUR)
    assert await backups.is_due(world.ctx)


@in_world
async def test_what_is_made_while_the_schedule_waits_is_not_made_twice(world: World) -> None:
    await world.set_up()
    with patch.object(backups, "is_due", AsyncMock(side_effect=[True, False])):
        await backups.run_if_due(world.ctx)
    assert world.ctx.backups.shelf.runs() == []
    await backups.run_if_due(world.ctx)
    assert len(world.ctx.backups.shelf.runs()) == 1


def test_the_schedule_makes_what_was_missed_and_tries_again_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_SETTLED", 0.0)
    monkeypatch.setattr(backups, "_AGAIN", 0.01)

    @in_world
    async def scenario(world: World) -> None:
        await world.set_up()
        published = Published(world)
        full_disks(monkeypatch, 0)
        task = asyncio.create_task(backups.keep_up(world.ctx))
        while not (found := published.take()):  # noqa: ASYNC110 - the schedule tells nobody when it sleeps
            await asyncio.sleep(0.01)
        assert [(topic, event["ev"]) for topic, event in found] == [("user:1", "notices")]
        assert found[0][1]["notices"][0]["kind"] == "backup_failed"
        assert "not enough room" in found[0][1]["notices"][0]["message"]
        full_disks(monkeypatch, 10**12)
        while not (found := published.take()):  # noqa: ASYNC110 - the schedule tells nobody when it sleeps
            await asyncio.sleep(0.01)
        assert found == [("user:1", {"ev": "notices", "notices": []})]
        assert len(world.ctx.backups.shelf.runs()) == 1
        task.cancel()

    scenario(tmp_path)


# -- for admins -----------------------------------------------------------------------------------------


@in_world
async def test_an_admin_makes_one_and_sees_them_all(world: World) -> None:
    ada = await world.set_up()
    assert (await do(world, ada, "backup.list"))["backups"] == []
    assert await do(world, ada, "backup.create") == {}
    assert isinstance(await error_of(do(world, ada, "backup.create")), Conflict)
    assert (await do(world, ada, "backup.list"))["doing"]
    assert world.ctx.backups.task is not None
    await world.ctx.backups.task
    listed = await do(world, ada, "backup.list")
    assert "doing" not in listed
    assert listed["same_disk"] is True
    assert listed["folder"] == str(world.folder / "backups")
    assert listed["keep"] == [7, 4, 12]
    ((one,),) = ([listed["backups"]],)
    assert one[0]["counts"] == {"people": 1, "rooms": 1, "messages": 0, "files": 0}
    assert one[0]["at"] == world.clock.now()


def test_a_failure_is_shown_until_one_goes_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_world
    async def scenario(world: World) -> None:
        ada = await world.set_up()
        ben = await world.register("ben")
        full_disks(monkeypatch, 0)
        assert isinstance(await error_of(backups.run(world.ctx)), StorageFull)
        assert "not enough room" in (await do(world, ada, "backup.list"))["failure"]["message"]
        (notice,) = (await do(world, ada, "hello"))["notices"]
        assert notice["kind"] == "backup_failed"
        assert "notices" not in await do(world, ben, "hello")
        full_disks(monkeypatch, 10**12)
        await backups.run(world.ctx)
        assert "failure" not in await do(world, ada, "backup.list")
        assert (await do(world, ada, "hello"))["notices"] == []

    scenario(tmp_path)


@in_world
async def test_a_new_run_stays_even_where_older_ones_are_from_the_future(world: World) -> None:
    await world.set_up()
    world.clock.step(400 * DAY)
    wrong = await backups.run(world.ctx)
    world.clock.step(-400 * DAY)
    right = await backups.run(world.ctx)
    assert {run.name for run in world.ctx.backups.shelf.runs()} == {wrong.name, right.name}
    assert not await backups.is_due(world.ctx)


@in_world
async def test_a_run_is_named_by_its_time_and_two_in_one_second_differ(world: World) -> None:
    await world.set_up()
    runs = [await backups.run(world.ctx) for _ in range(2)]
    at = datetime.fromtimestamp(world.clock.now() / 1000, UTC)
    assert runs[0].name == at.strftime("%Y-%m-%d_%H%M%S")
    assert runs[1].name == (at + timedelta(seconds=1)).strftime("%Y-%m-%d_%H%M%S")
    assert isinstance(world.ctx.backups.shelf.run(runs[1].name), Run)
