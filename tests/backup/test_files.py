"""The big files of backups come to the disk, and go from it, a little at a time."""

from __future__ import annotations

import os
import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from chatbox.backup import files
from chatbox.store import copies

BYTES = 3 * files.Paced.EVERY + 5


def test_a_removed_folder_leaves_whole_what_has_another_name(tmp_path: Path) -> None:
    kept, folder = tmp_path / "kept", tmp_path / "run"
    (folder / "deep").mkdir(parents=True)
    kept.write_bytes(b"k" * BYTES)
    os.link(kept, folder / "deep" / "linked")
    (folder / "pointing").symlink_to(kept)
    (folder / "own").write_bytes(b"o" * BYTES)
    files.remove_tree(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_bytes() == b"k" * BYTES


def test_a_big_file_is_cut_shorter_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    truncate = os.truncate

    def note(path: Path, size: int) -> None:
        sizes.append(size)
        truncate(path, size)

    monkeypatch.setattr(os, "truncate", note)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "own").write_bytes(b"o" * BYTES)
    files.remove_tree(tmp_path / "run")
    assert [BYTES, *sizes] == [BYTES - step * files.Paced.EVERY for step in range(len(sizes) + 1)]
    assert 0 < sizes[-1] <= files.Paced.EVERY


def test_a_copy_of_a_database_is_never_far_ahead_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, target = tmp_path / "one.sqlite3", tmp_path / "two.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (b BLOB)")
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", (8 * BYTES,))
    connection.close()
    synced = [0]
    fsync = os.fsync

    def note(file: int) -> None:
        synced.append(os.fstat(file).st_size)
        fsync(file)

    monkeypatch.setattr(os, "fsync", note)
    copies.copy(database, target)
    steps = [after - before for before, after in pairwise(synced)]
    assert max(steps) <= 2**22 + files.Paced.EVERY  # what SQLite holds back, and a step
    assert synced[-1] == target.stat().st_size == database.stat().st_size
