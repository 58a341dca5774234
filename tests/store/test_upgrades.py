"""Upgrading a database: room, a copy, one transaction; and what a failure or kill -9 leaves."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from chatbox.errors import UpgradeFailed
from chatbox.store import upgrades
from chatbox.store.schema import SCHEMA_1
from chatbox.store.sqlite import open_store
from tests.backup.killed import run_killed
from tests.chat.support import SetClock
from tests.store.later import COLUMNS, LATER, NEXT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "data" / "chatbox.sqlite3"
    made.parent.mkdir()

    async def make() -> None:
        await (await open_store(made, SetClock())).close()

    asyncio.run(make())
    return made


def upgrade(path: Path, migrations: Sequence[str] = LATER) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        upgrades.prepare(path, 7, connection, migrations)


def format_of(path: Path) -> int:
    """1 or 2, where it is wholly the one or the other."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        columns = {row[1] for row in connection.execute("PRAGMA table_info(rooms)")} & set(COLUMNS)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'marks'").fetchone()
        assert (len(columns), tables) == {1: (0, (0,)), 2: (len(COLUMNS), (1,))}[version]
        if version == 2:
            assert connection.execute("SELECT mark FROM marks").fetchall() == [("general",)]
        return int(version)


def test_it_is_told_whether_an_upgrade_waits(path: Path, tmp_path: Path) -> None:
    assert not upgrades.is_pending(path)
    assert upgrades.is_pending(path, LATER)
    upgrade(path)
    assert not upgrades.is_pending(path, LATER)
    assert not upgrades.is_pending(path)  # newer: refused, not upgraded
    (tmp_path / "text").write_text("no database at all, and longer than one would think" * 50)
    (tmp_path / "empty").touch()
    for name in ("text", "empty", "nowhere"):
        assert not upgrades.is_pending(tmp_path / name, LATER)


def test_the_copy_from_before_is_whole_and_for_its_owner_only(path: Path) -> None:
    upgrade(path)
    copy = path.with_name("chatbox.sqlite3.before-format-2")
    assert format_of(path) == 2
    assert format_of(copy) == 1
    if os.name == "posix":
        assert copy.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, copy.name]


def test_without_room_for_the_copy_nothing_is_begun(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=64 * 2**20))
    before = path.read_bytes()
    with pytest.raises(UpgradeFailed, match="free room are needed") as caught:
        upgrade(path)
    assert caught.value.exit_code == 5
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    monkeypatch.undo()
    upgrade(path)
    assert format_of(path) == 2


@pytest.mark.parametrize("bad", ["UPDATE nothing SET a = 1", "INSERT INTO rooms (id) VALUES (1)", "SELEKT"])
def test_an_upgrade_that_fails_changes_nothing_and_says_how_to_go_on(path: Path, bad: str) -> None:
    with pytest.raises(UpgradeFailed) as caught:
        upgrade(path, (SCHEMA_1, f"{NEXT}{bad};\n"))
    assert "Go on with the version of Chatbox that you used before" in str(caught.value)
    assert format_of(path) == 1

    async def go_on() -> None:
        await (await open_store(path, SetClock())).close()

    asyncio.run(go_on())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_killed_at_any_step_it_is_the_old_or_the_new_and_the_next_start_goes_on(
    path: Path, tmp_path: Path
) -> None:
    killed = run_killed("upgrade", path.parent, tmp_path / "copies")
    assert len(killed) > 20
    for folder in killed:
        ended = folder == killed[-1]
        assert format_of(folder / path.name) == (2 if ended else 1)
        upgrade(folder / path.name)
        assert format_of(folder / path.name) == 2
        assert format_of(folder / "chatbox.sqlite3.before-format-2") == 1
        shutil.rmtree(folder)
