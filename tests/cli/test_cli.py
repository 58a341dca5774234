"""The command line: its exit codes, what it prints, and the way to a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbox import cli
from chatbox.errors import DatabaseTooNew, NetworkError
from chatbox.version import VERSION
from tests.cli.conftest import put_in_place, with_stdin

# Holds a folder as a server does, and answers `user_add` with what it was asked, `user_token` with a token.
HOLDER = """
import asyncio, sys
from pathlib import Path
from chatbox.control import ControlServer
from chatbox.errors import Conflict
from chatbox.folder_lock import FolderLock

async def user_add(args):
    if args["name"] == "taken":
        raise Conflict("The name is taken.")
    print(args["name"], args["password"], args["admin"], args["full_name"], flush=True)
    return {}

async def user_token(args):
    return {"token": "secret-" + args["label"]}

async def main():
    folder = Path(sys.argv[1])
    with FolderLock(folder) as lock:
        server = ControlServer(folder, {"user_add": user_add, "user_token": user_token})
        await server.start()
        lock.publish("http://127.0.0.1:4242")
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await server.close()

asyncio.run(main())
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds tmp_path/held."""
    (tmp_path / "held").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "held")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"chatbox {VERSION}\n"


# -- settings and folders ------------------------------------------------------------------------------------


def test_all_problems_of_file_and_command_line_are_printed_and_exit_with_2(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "my.ini"
    file.write_text("[server]\nprt = 1\nport = x\n[log]\nlevel = loud\n[clock]\nzone = y\n")
    words = ["check-config", "--config", str(file), "--set", "a=b", "--set", "limits.queue=no"]
    assert cli.main([*words]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in errors] == [
        *(f"{file}, line {number}" for number in (2, 3, 5, 6)),
        "--set",
        "--set",
    ]


def test_a_bad_port_on_the_command_line_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--port", "99999"]) == 2
    assert capsys.readouterr().err == '--port: [server] port must be 0 to 65535, not "99999".\n'


def test_a_file_given_by_config_that_is_not_there_exits_with_2(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check-config", "--config", str(home / "no.ini")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_check_config_writes_nothing_and_says_which_folder(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check-config", "--data", str(home / "chat")]) == 0
    assert str(home / "chat") in capsys.readouterr().out
    assert list(home.iterdir()) == []


def test_the_file_in_the_data_folder_is_used_before_the_one_next_to_the_program(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("program", "chat"):
        (home / folder).mkdir()
        (home / folder / "chatbox.ini").write_text("[log]\n")
    assert cli.main(["check-config", "--data", str(home / "chat")]) == 0
    assert str(home / "chat" / "chatbox.ini") in capsys.readouterr().out
    assert cli.main(["check-config", "--data", str(home / "other")]) == 0
    assert str(home / "program" / "chatbox.ini") in capsys.readouterr().out


def test_a_file_next_to_the_program_can_name_the_data_folder(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "program" / "mine").mkdir(parents=True)
    (home / "program" / "mine" / "chatbox.ini").write_text("[log]\nlevel = wrong\n")
    (home / "program" / "chatbox.ini").write_text("[storage]\ndata = mine\n")
    assert cli.main(["check-config"]) == 0
    shown = capsys.readouterr().out
    assert str(home / "program" / "chatbox.ini") in shown
    assert str(home / "program" / "mine") in shown


def test_a_file_in_the_data_folder_cannot_name_another(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "chat").mkdir()
    (home / "chat" / "chatbox.ini").write_text(f"[storage]\ndata = {home / 'else'}\n")
    assert cli.main(["check-config", "--data", str(home / "chat")]) == 2
    assert "line 2: [storage] data names another" in capsys.readouterr().err


def test_a_data_folder_that_cannot_be_used_exits_with_4(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "file").touch()
    assert cli.main(["--data", str(home / "file")]) == 4
    assert "is a file" in capsys.readouterr().err


def test_a_postgresql_that_is_not_there_exits_with_4_and_hides_its_password(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--no-browser", "--set", "storage.database=postgresql://ada:word@127.0.0.1:9/chat"]) == 4
    said = capsys.readouterr()
    assert "cannot be reached" in said.err
    assert "word" not in said.out + said.err


# -- serve ---------------------------------------------------------------------------------------------------


def test_serve_gets_settings_folder_lock_and_options_and_leaves_a_settings_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []

    def serve(*args: Any) -> int:
        served.extend(args)
        return 0

    put_in_place(monkeypatch, "server", serve=serve)
    words = ["--data", str(home / "chat"), "--host", "127.0.0.1", "--no-browser", "--ready-file", "r.json"]
    assert cli.main(words) == 0
    settings, folder, _, options = served
    assert (settings.server.host, settings.server.open_browser) == (("127.0.0.1",), False)
    assert folder == home / "chat"
    assert options.ready_file == Path("r.json")
    assert options.config == home / "chat" / "chatbox.ini"
    assert "#port = 8642" in options.config.read_text()


def test_an_error_at_the_start_exits_with_its_code(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errors: list[Exception] = [NetworkError("The port is taken."), DatabaseTooNew("Too new.")]

    def serve(*args: Any) -> int:
        raise errors.pop(0)

    put_in_place(monkeypatch, "server", serve=serve)
    assert [cli.main([]), cli.main([])] == [3, 5]
    assert capsys.readouterr().err.splitlines() == ["The port is taken.", "Too new."]


def test_a_second_start_says_where_the_first_is_and_opens_the_browser_there(
    tmp_path: Path,
    holder: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("chatbox.console.open_browser", open_browser)
    held = ["--data", str(tmp_path / "held")]
    assert cli.main(held) == 0
    assert opened == ["http://127.0.0.1:4242"]
    out = capsys.readouterr().out
    assert f"already running with this data folder (process {holder.pid})" in out
    assert "Open  http://127.0.0.1:4242   (opened in your browser)" in out
    assert cli.main([*held, "--no-browser"]) == 0
    assert len(opened) == 1


def test_a_folder_that_is_held_by_no_server_is_waited_for_and_then_refused(
    tmp_path: Path,
    holder: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "_STARTING", 0.3)
    (tmp_path / "held" / "running.json").unlink()
    assert cli.main(["--data", str(tmp_path / "held")]) == 4
    assert "in use by another Chatbox, which is starting or at work" in capsys.readouterr().err


# -- commands ------------------------------------------------------------------------------------------------


def test_a_command_beside_a_running_server_is_done_by_it(
    tmp_path: Path,
    holder: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = ["--data", str(tmp_path / "held")]
    with_stdin(monkeypatch, "pass wörd 1 \r\nmore\n".encode())
    add = ["user", "add", "zoë", "--admin", "--full-name", "Zoë Å", "--password-file", "-"]
    assert cli.main([*add, *data]) == 0
    assert holder.stdout is not None
    assert holder.stdout.readline() == "zoë pass wörd 1  True Zoë Å\n"
    capsys.readouterr()
    assert cli.main([*data, "user", "token", "zoë", "--label", "ci"]) == 0
    assert capsys.readouterr().out == "secret-ci\n"


def test_a_refusal_by_the_running_server_exits_with_1_and_its_words(
    tmp_path: Path, holder: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("long enough 1\n")
    words = ["user", "add", "taken", "--password-file", str(tmp_path / "password")]
    assert cli.main([*words, "--data", str(tmp_path / "held")]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "The name is taken."


def test_a_command_waits_for_a_holder_that_does_not_answer_yet_and_then_gives_up(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_STARTING", 0.3)
    (tmp_path / "held" / "control.json").write_text(json.dumps({"port": 1, "key": "", "pid": 1}))
    assert cli.main(["user", "list", "--data", str(tmp_path / "held")]) == 4
