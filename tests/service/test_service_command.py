"""`chatbox service`, word by word."""

from __future__ import annotations

import os
import pwd

import pytest

from chatbox import cli, service_command
from chatbox.folder_lock import LOCK_FILE, FolderLock
from chatbox.service import plans
from chatbox.service.choice import Machine
from tests.service.system import System

ROOT = Machine("linux", True, lambda name: True)


def chatbox(system: System, *words: str) -> int:
    return cli.main(["service", *words, "--data", str(system.data)])


def test_install_writes_the_unit_and_starts_it(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert chatbox(system, "install") == 0
    assert f"--data {system.data}" in system.unit.read_text()
    assert system.unit.stat().st_mode & 0o777 == 0o644
    assert system.data.is_dir()
    assert not (system.data / LOCK_FILE).exists()  # root's would be closed to the account of the service
    assert system.told == [
        "systemctl --user daemon-reload",
        "systemctl --user enable chatbox.service",
        f"loginctl enable-linger {pwd.getpwuid(os.getuid()).pw_name}",
        "systemctl --user restart chatbox.service",
    ]
    said = capsys.readouterr().out
    for text in (f"Written: {system.unit}", "while you are not signed in", "chatbox service remove"):
        assert text in said


def test_install_goes_on_where_it_may_not_linger(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    system.fail("enable-linger")
    assert chatbox(system, "install") == 0
    assert "sudo loginctl enable-linger" in capsys.readouterr().out


def test_install_says_why_it_does_not_start(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    system.fail("restart")
    assert chatbox(system, "install") == 1
    assert "restart chatbox.service" in (said := capsys.readouterr().err)
    assert "It cannot be done. What it says" in said
    assert "To undo this:  chatbox service remove" in said


def test_install_refuses_a_folder_that_another_chatbox_has(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    system.data.mkdir()
    with FolderLock(system.data):
        assert chatbox(system, "install") == 1
        assert "Stop that one first" in capsys.readouterr().err
        assert not system.unit.exists()
        system.runs()  # by the service itself: it is started again with what is new
        assert chatbox(system, "install") == 0


def test_install_for_an_account_refuses_the_folder_of_another(
    system: System, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_command, "this_machine", lambda: ROOT)
    system.data.mkdir()
    assert chatbox(system, "install", "--account", "somebody") == 1
    assert f"belongs to {system.data.owner()}, not to somebody" in capsys.readouterr().err


def test_print_shows_everything_and_does_nothing(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert chatbox(system, "install", "--print") == 0
    said = capsys.readouterr().out
    for text in (f"# {system.unit}", "Type=notify", "# systemctl --user daemon-reload"):
        assert text in said.splitlines()
    assert chatbox(system, "remove", "--print") == 0
    assert "# systemctl --user disable --now chatbox.service" in capsys.readouterr().out
    assert not system.unit.exists()
    assert not system.data.exists()


@pytest.mark.parametrize("rights", [False, True])
def test_print_shows_the_bare_command_where_no_systemd_runs(
    rights: bool, system: System, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Machine("linux", rights, lambda name: True, systemd=False)
    monkeypatch.setattr(service_command, "this_machine", lambda: here)
    assert chatbox(system, "install", "--print", "--set", "server.name=Loft 2") == 0
    hint, command = capsys.readouterr().out.splitlines()
    assert hint.startswith("# systemd does not run here.")
    assert command.endswith(f"serve --data {system.data} --no-browser --set 'server.name=Loft 2'")
    assert chatbox(system, "install") == 1
    assert "service install --print" in capsys.readouterr().err


def test_print_shows_nothing_that_could_not_work(
    system: System, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_command, "this_machine", lambda: ROOT)
    assert chatbox(system, "install", "--print") == 1
    monkeypatch.setattr(plans, "TEMPORARY", (str(system.folder),))
    assert chatbox(system, "install", "--print", "--account", "somebody") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    account, place = printed.err.splitlines()
    assert "with --account NAME" in account
    assert "in a folder that the system empties" in place


def test_remove_takes_the_unit_and_leaves_the_data(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    chatbox(system, "install")
    system.runs()
    assert chatbox(system, "remove") == 0
    assert system.told[-2:] == [
        "systemctl --user disable --now chatbox.service",
        "systemctl --user daemon-reload",
    ]
    assert not system.unit.exists()
    assert "The data stays where it is." in capsys.readouterr().out
    assert system.data.is_dir()


def test_remove_says_where_there_is_none(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert chatbox(system, "remove") == 1
    assert "There is no service" in capsys.readouterr().err


def test_status_says_whether_it_runs(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    assert chatbox(system, "status") == 1
    assert "chatbox service install" in capsys.readouterr().out
    system.runs()
    assert chatbox(system, "status") == 0
    assert "and runs" in capsys.readouterr().out


def test_status_says_what_to_do_where_no_systemd_runs(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Machine("linux", False, lambda name: True, systemd=False)
    monkeypatch.setattr(service_command, "this_machine", lambda: here)
    assert chatbox(system, "status") == 1
    said = capsys.readouterr().out
    assert "systemd does not run here" in said
    assert "To do so:  chatbox service install" not in said


def test_settings_of_the_command_line_are_those_of_the_service(system: System) -> None:
    assert chatbox(system, "install", "--set", "server.port=9000", "--set", "backup.folder=/srv/copies") == 0
    unit = system.unit.read_text()
    assert "--set server.port=9000 --set backup.folder=/srv/copies" in unit
    assert "ReadWritePaths=-/srv/copies" in unit
