"""The command line where no server runs, and what it prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatbox import cli
from chatbox.data_folder import DATABASE_FILE
from chatbox.errors import Conflict
from tests.cli.conftest import Offline, with_stdin


def test_a_command_with_no_server_runs_here(home: Path, offline: Offline, tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes("\ufeffpässword 1\r\n".encode())
    words = [
        "user",
        "add",
        "ada",
        "--password-file",
        str(tmp_path / "password"),
        "--data",
        str(home / "chat"),
    ]
    assert cli.main(words) == 0
    assert offline.asked == [
        ("user_add", {"name": "ada", "admin": False, "full_name": "", "password": "pässword 1"})
    ]
    assert (home / "chat" / "chatbox.ini").exists()


def test_the_token_stands_alone_on_standard_output(
    home: Path, offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    offline.answer = {"token": "T" * 43}
    assert cli.main(["user", "token", "ada", "--label", "build", "--data", str(home / "chat")]) == 0
    assert capsys.readouterr().out == "T" * 43 + "\n"
    assert offline.asked == [("user_token", {"name": "ada", "label": "build"})]


def test_a_failed_command_exits_with_1(
    home: Path, offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    offline.answer = Conflict("Nobody is called\x1b[2J that.")
    assert cli.main(["user", "disable", "ada", "--data", str(home / "chat")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "Nobody is called\\x1b[2J that."


def test_people_are_listed_one_a_line(
    home: Path, offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    offline.answer = {
        "people": [
            {"name": "ada", "role": "admin", "state": "active", "full_name": "Ada\u202e L"},
            {"name": "bob", "role": "member", "state": "disabled"},
        ]
    }
    assert cli.main(["user", "list", "--data", str(home / "chat")]) == 0
    assert capsys.readouterr().out == "ada  admin  active  Ada\\u202e L\nbob  member  disabled\n"


def test_check_exits_with_1_where_something_is_wrong_and_with_4_where_nothing_is(
    home: Path, offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["check", "--data", str(home / "chat")]
    assert cli.main(words) == 4
    assert not (home / "chat").exists()
    (home / "chat").mkdir()
    (home / "chat" / DATABASE_FILE).touch()
    offline.answer = {"problems": [], "summary": "2 messages are right."}
    assert cli.main(words) == 0
    offline.answer = {"problems": ["Message 3 in room 1 is damaged."], "summary": "1 problem."}
    assert cli.main(words) == 1
    assert "Message 3 in room 1 is damaged." in capsys.readouterr().out


def test_a_backup_is_named_by_its_full_path_and_exits_with_1_where_something_is_missing(
    home: Path, offline: Offline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    offline.answer = {"summary": "All is written.", "missing": 0}
    assert cli.main(["backup", "b.zip", "--data", str(home / "chat")]) == 0
    offline.answer = {"summary": "All is written.", "missing": 2}
    assert cli.main(["backup", "~/c.zip", "--force", "--data", str(home / "chat")]) == 1
    shown = capsys.readouterr()
    assert shown.out == "All is written.\n" * 2
    assert shown.err.endswith("2 uploads are damaged on this server and not in it: see chatbox check.\n")
    offline.answer = {"summary": "Ready."}
    assert cli.main(["restore", "./b.zip", "--data", str(home / "chat")]) == 0
    assert offline.asked == [
        ("backup", {"file": str(home / "b.zip"), "force": False}),
        ("backup", {"file": str(home / "c.zip"), "force": True}),
        ("restore", {"file": str(home / "b.zip")}),
    ]


@pytest.mark.parametrize("raw", [b"", b"\n", b"\xff\xfe\n"])
def test_a_password_that_cannot_be_read_exits_with_2(
    raw: bytes, monkeypatch: pytest.MonkeyPatch, offline: Offline, capsys: pytest.CaptureFixture[str]
) -> None:
    with_stdin(monkeypatch, raw)
    assert cli.main(["user", "password", "ada", "--password-file", "-"]) == 2
    assert capsys.readouterr().err.startswith("--password-file: ")
    assert offline.asked == []


def test_without_a_terminal_a_password_file_is_demanded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_stdin(monkeypatch, b"")
    assert cli.main(["user", "add", "ada"]) == 2
    assert "--password-file" in capsys.readouterr().err


def test_without_standard_streams_the_exit_code_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert cli.main(["version"]) == 0
    assert cli.main(["user", "add", "ada"]) == 2
