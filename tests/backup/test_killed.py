"""kill -9 at every step of a restore leaves the old state or the new one, never a mixture."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatbox.backup.applying import apply_staged
from chatbox.backup.staging import stage_file
from tests.backup.killed import run_killed
from tests.backup.support import back_up, upload
from tests.chat.support import World, in_world
from tests.chat.talk import post

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

State = tuple[list[str], list[str]]


def state_of(folder: Path) -> State:
    """The messages, and the contents of uploads."""
    with closing(sqlite3.connect(f"{(folder / 'chatbox.sqlite3').as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        texts = [text for (text,) in database.execute("SELECT text FROM messages ORDER BY seq")]
    found = (folder / "uploads").glob("[0-9a-f][0-9a-f]/*")
    return texts, sorted(path.read_text() for path in found)


@pytest.fixture
def prepared(tmp_path: Path) -> tuple[Path, Path, State, State]:
    """A folder, a backup to restore in it, and the states: the folder's own, and the backup's."""
    base = tmp_path / "base"
    base.mkdir()

    @in_world
    async def scenario(world: World) -> None:
        ada = await world.set_up()
        await upload(world, ada, b"in both")
        await upload(world, ada, b"in the backup")
        await back_up(world, tmp_path / "b.zip")
        await post(world, ada, text="in the folder")

    scenario(base)
    (base / "uploads" / "ff").mkdir(exist_ok=True)
    (base / "uploads" / "ff" / ("ff" * 32)).write_text("of the folder")
    both = ["in both", "in the backup"]
    return base, tmp_path / "b.zip", (["", "", "in the folder"], [*both, "of the folder"]), (["", ""], both)


def test_killed_while_it_is_put_in_place(prepared: tuple[Path, Path, State, State], tmp_path: Path) -> None:
    base, archive, old, new = prepared
    stage_file(archive, base, base / "uploads", 1_000_000_000_000)
    assert state_of(base) == old
    killed = run_killed("apply", base, tmp_path / "copies")
    assert len(killed) > 20
    for folder in killed[:-1]:
        apply_staged(folder, folder / "uploads")
    for folder in killed:
        assert state_of(folder) == new, folder
        (aside,) = folder.glob("before-restore-*")
        assert state_of(aside) == old
        assert not (folder / "restore").exists()
        shutil.rmtree(folder)


def test_killed_while_it_is_staged(prepared: tuple[Path, Path, State, State], tmp_path: Path) -> None:
    base, archive, old, new = prepared
    stage_file(archive, base, base / "uploads", 1_000_000_000_000)  # so that another one is taken back first
    killed = run_killed("stage", base, tmp_path / "copies", str(archive))
    assert len(killed) > 10
    outcomes = []
    for folder in killed:
        assert state_of(folder) == old, folder
        plan = apply_staged(folder, folder / "uploads")
        assert state_of(folder) == (old if plan is None else new), folder
        outcomes.append(plan is not None)
        shutil.rmtree(folder)
    assert outcomes[-1]
