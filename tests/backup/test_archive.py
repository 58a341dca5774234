"""What a backup holds, and what stands in its way."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
import zipfile
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from chatbox.backup import archive
from chatbox.backup.files import Paced
from chatbox.chat import backups
from chatbox.chat.files import remove_unreferenced
from chatbox.errors import ChatboxError, Conflict, Invalid, Restarting, StorageFull, Unavailable
from chatbox.operations import OPERATIONS
from chatbox.progress import told_to
from tests.backup.support import back_up, manifest_of, take_back, upload, upload_file
from tests.chat.support import World, error_of, in_world
from tests.chat.talk import post

Disk = namedtuple("Disk", "total used free")

TAKEN: dict[str, tuple[type[ChatboxError], str]] = {  # names that no backup gets
    "letter.txt": (Conflict, "is there already and is no backup."),
    "other.zip": (Conflict, "is there already and is no backup."),
    "chatbox.sqlite3": (Conflict, "is there already and is no backup."),
    "older.zip": (Conflict, "is there already: an older backup."),
    "uploads": (Invalid, "is a folder."),
    "nowhere/b.zip": (Invalid, "There is no folder"),
    f"{'long' * 100}.zip": (Invalid, "cannot be written"),
}


def left_over(folder: Path) -> list[str]:
    """What a backup that failed has left beside the data."""
    return [path.name for path in folder.glob(".*.part")]


@in_world
async def test_a_backup_holds_the_database_and_every_upload_with_their_hashes(world: World) -> None:
    ada = await world.set_up()
    await post(world, ada, text="before")
    hash = await upload(world, ada, b"a picture of a tram" * 9000)
    target = await back_up(world, world.folder / "b.zip")
    await post(world, ada, text="after")
    manifest = manifest_of(target)
    assert manifest["counts"] == {"people": 1, "rooms": 1, "messages": 2, "files": 1}
    assert manifest["uploads"] == {hash: 19 * 9000}
    assert manifest["missing"] == []
    with zipfile.ZipFile(target) as opened:
        assert set(opened.namelist()) == {"chatbox.sqlite3", f"uploads/{hash[:2]}/{hash}", "manifest.json"}
        database = opened.read("chatbox.sqlite3")
        assert hashlib.sha256(opened.read(f"uploads/{hash[:2]}/{hash}")).hexdigest() == hash
    assert (len(database), hashlib.sha256(database).hexdigest()) == (manifest["size"], manifest["sha256"])
    (world.folder / "copy").write_bytes(database)
    with closing(sqlite3.connect(world.folder / "copy")) as copy:
        assert copy.execute("SELECT text FROM messages ORDER BY seq").fetchall() == [("before",), ("",)]
    if os.name == "posix":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600


@in_world
async def test_a_backup_takes_the_place_of_nothing_but_an_older_one_that_is_given_up(world: World) -> None:
    ada = await world.set_up()
    older = await back_up(world, world.folder / "older.zip")
    before = older.read_bytes()
    (world.folder / "letter.txt").write_text("Dear Ben,")
    (world.folder / "other.zip").write_bytes(b"PK not quite")
    (world.folder / "uploads").mkdir(exist_ok=True)
    for name, (error, words) in TAKEN.items():
        for force in {False, name != older.name}:
            values = {"file": str(world.folder / name), "force": force}
            refusal = await error_of(OPERATIONS["backup"](world.ctx, values))
            assert isinstance(refusal, error), name
            assert words in refusal.message
    assert (world.folder / "letter.txt").read_text() == "Dear Ben,"
    assert older.read_bytes() == before
    assert left_over(world.folder) == []
    await post(world, ada, text="newer")
    await OPERATIONS["backup"](world.ctx, {"file": str(older), "force": True})
    assert manifest_of(older)["counts"]["messages"] == 1
    (world.folder / "empty.zip").touch()
    await OPERATIONS["backup"](world.ctx, {"file": str(world.folder / "empty.zip")})


@in_world
async def test_the_command_wants_a_full_path(world: World) -> None:
    refusal = await error_of(OPERATIONS["backup"](world.ctx, {"file": "b.zip"}))
    assert "full path" in refusal.message


@in_world
async def test_a_damaged_upload_is_left_out_and_told(world: World) -> None:
    ada = await world.set_up()
    whole = await upload(world, ada, b"whole")
    for damage in (lambda file: file.write_bytes(b"changed"), Path.unlink):
        broken = await upload(world, ada, b"to be broken")
        damage(upload_file(world, broken))
        target = world.folder / "b.zip"
        answer = await OPERATIONS["backup"](world.ctx, {"file": str(target), "force": True})
        assert answer["missing"] == 1
        assert manifest_of(target)["missing"] == [broken]
        assert manifest_of(target)["uploads"] == {whole: 5}


@in_world
async def test_a_damaged_database_gives_no_backup(world: World) -> None:
    ada = await world.set_up()
    for number in range(200):
        await post(world, ada, text=f"{number}: {'tram ' * 200}")
    await world.restart()
    path = world.folder / "chatbox.sqlite3"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(16384))
    refusal = await error_of(backups.write(world.ctx, world.folder / "b.zip"))
    assert isinstance(refusal, Unavailable)
    assert "damaged" in refusal.message
    assert not (world.folder / "b.zip").exists()
    assert left_over(world.folder) == []


def full_disks(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10**12, 10**12 - free, free))


def test_a_backup_is_refused_where_the_disk_would_fill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_world
    async def scenario(world: World) -> None:
        ada = await world.set_up()
        await upload(world, ada, b"x" * 3_000_000)
        for free in (0, 64 * 2**20 + 200_000, 64 * 2**20 + 3_000_000):
            full_disks(monkeypatch, free)
            refusal = await error_of(backups.write(world.ctx, world.folder / "b.zip"))
            assert isinstance(refusal, StorageFull)
            assert "not enough room" in refusal.message
        assert left_over(world.folder) == []
        full_disks(monkeypatch, 64 * 2**20 + 9_000_000)
        await back_up(world, world.folder / "b.zip")

    scenario(tmp_path)


@in_world
async def test_what_is_deleted_while_a_backup_is_made_stays_until_it_is_done(world: World) -> None:
    ada = await world.set_up()
    hash = await upload(world, ada, b"soon gone")
    async with world.ctx.blobs.keeping():
        await take_back(world, ada, hash)
        assert await remove_unreferenced(world.ctx, [hash]) == 0
        assert upload_file(world, hash).exists()
    assert await remove_unreferenced(world.ctx, [hash]) == 1
    assert not upload_file(world, hash).exists()


@in_world
async def test_a_backup_ends_when_the_server_stops(world: World) -> None:
    await world.set_up()
    world.ctx.server.stopping = True
    refusal = await error_of(backups.write(world.ctx, world.folder / "b.zip"))
    assert isinstance(refusal, Restarting)
    assert left_over(world.folder) == []
    assert not (world.folder / "b.zip").exists()


def test_a_disk_that_fills_meanwhile_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, block: bytes) -> int:
        raise OSError(28, "No space left on device")

    @in_world
    async def scenario(world: World) -> None:
        await world.set_up()
        monkeypatch.setattr(Paced, "write", full)
        for work in (backups.write(world.ctx, world.folder / "b.zip"), backups.run(world.ctx)):
            refusal = await error_of(work)
            assert isinstance(refusal, StorageFull)
            assert "is full" in refusal.message
        assert left_over(world.folder) == []
        assert not (world.folder / "b.zip").exists()
        assert world.ctx.backups.shelf.runs() == []

    scenario(tmp_path)


@in_world
async def test_what_a_kill_has_left_goes_with_the_next(world: World) -> None:
    await world.set_up()
    (world.folder / ".b.zip.part").mkdir()
    (world.folder / ".b.zip.part" / "chatbox.sqlite3").write_text("half")
    await back_up(world, world.folder / "b.zip")
    assert left_over(world.folder) == []


def test_what_cannot_be_read_back_gets_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_world
    async def scenario(world: World) -> None:
        ada = await world.set_up()
        await upload(world, ada, b"on its way" * 1000)
        write = archive._write

        def write_badly(draft: Path, *rest: object) -> object:
            manifest = write(draft, *rest)  # type: ignore[arg-type]
            content = bytearray(draft.read_bytes())
            content[content.index(b"on its way")] ^= 1
            draft.write_bytes(content)
            return manifest

        monkeypatch.setattr(archive, "_write", write_badly)
        refusal = await error_of(backups.write(world.ctx, world.folder / "b.zip"))
        assert isinstance(refusal, Unavailable)
        assert "could not be read back" in refusal.message
        assert not (world.folder / "b.zip").exists()

    scenario(tmp_path)


@in_world
async def test_the_steps_are_told(world: World) -> None:
    await world.set_up()
    told: list[str] = []
    with told_to(told.append):
        await back_up(world, world.folder / "b.zip")
    assert [text.partition(" …")[0] for text in told] == [
        "Copying the database",
        "Packing the database",
        "Adding uploads",
        "Checking the backup",
    ]
