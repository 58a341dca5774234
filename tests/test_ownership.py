"""What root does in the folder of another account leaves it usable for that account."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatbox import cli
from chatbox.ownership import hand_over
from tests.harness.needs import need

SOMEBODY = 12345


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    need(os.geteuid() == 0, "root")
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    os.chown(made, SOMEBODY, SOMEBODY)
    return made


def owners(folder: Path) -> set[int]:
    return {path.lstat().st_uid for path in folder.rglob("*")}


def test_a_command_of_root_leaves_nothing_that_the_account_of_the_folder_cannot_read(folder: Path) -> None:
    password = folder.parent / "password"
    password.write_text("plum-trout-lantern-9")
    words = ["user", "add", "ada", "--password-file", str(password), "--data", str(folder)]
    assert cli.main(words) == 0
    assert (folder / "chatbox.sqlite3").exists()
    assert owners(folder) == {SOMEBODY}


def test_links_get_nobody_a_file_of_the_system(folder: Path) -> None:
    secret, outside = folder.parent / "shadow", folder.parent / "etc"
    secret.write_text("secret")
    outside.mkdir()
    (outside / "file").write_text("secret")
    (folder / "symbolic").symlink_to(secret)
    (folder / "folder").symlink_to(outside)
    (folder / "hard").hardlink_to(secret)
    os.mkfifo(folder / "pipe")
    (folder / "inner").mkdir()
    (folder / "inner" / "mine").write_text("made by root")
    hand_over(folder)
    assert secret.stat().st_uid == 0
    assert (outside / "file").stat().st_uid == outside.stat().st_uid == 0
    assert owners(folder / "inner") == {SOMEBODY}
    assert (folder / "inner").stat().st_uid == SOMEBODY


def test_roots_own_folder_stays_as_it_is(folder: Path) -> None:
    os.chown(folder, 0, 0)
    theirs = folder / "theirs"
    theirs.write_text("")
    os.chown(theirs, SOMEBODY, SOMEBODY)
    (folder / "own").write_text("")
    hand_over(folder)
    assert owners(folder) == {0, SOMEBODY}
