"""The switch "running always": it starts with the computer or no more, and what runs goes on running."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbox.always import Switch
from chatbox.data_folder import DataFolder
from chatbox.service.choice import Machine
from chatbox.service.plans import ServiceError
from chatbox.settings import Settings
from chatbox.settings_parser import Item
from chatbox.startup import Arguments, Start
from tests.service.system import System

PORT = Item("server", "port", "9000", "--port")
QUIET = Item("server", "open_browser", "false", "--no-browser")


def switch(folder: Path, *given: Item) -> Switch:
    start = Start(Settings(), DataFolder(folder, "It is named."), folder / "chatbox.ini")
    return Switch(start, Arguments(given=given))


def test_switched_on_it_is_written_and_enabled_but_not_started(system: System) -> None:
    always = switch(system.data, PORT, QUIET)
    assert always.look() == (False, "", "")
    notes = always.turn(True)
    assert [told.split()[:3] for told in system.told] == [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable"],
        ["loginctl", "enable-linger", system.told[-1].split()[-1]],
    ]
    assert f"--data {system.data} --no-browser --set server.port=9000\n" in system.unit.read_text()
    assert "It starts with this computer." in notes
    system.runs()
    assert always.look() == (True, "", "")


def test_switched_off_it_goes_on_running(system: System) -> None:
    always = switch(system.data)
    always.turn(True)
    system.runs()
    told = len(system.told)
    always.turn(False)
    assert system.told[told:] == [
        "systemctl --user disable chatbox.service",
        "systemctl --user daemon-reload",
    ]
    assert not system.unit.exists()
    assert always.look() == (False, "", "")
    assert always.turn(False) == []


def test_the_service_of_another_folder_is_left_alone(system: System) -> None:
    switch(system.folder / "elsewhere").turn(True)
    system.runs()
    always = switch(system.data)
    assert always.look() == (False, f"Another Chatbox of this computer runs always: {system.unit}", "")
    for on in (True, False):
        with pytest.raises(ServiceError, match="Another Chatbox"):
            always.turn(on)
    assert "elsewhere" in system.unit.read_text()


@pytest.mark.parametrize("other", ["{}-2", "{} of Ann", "{}/inner"])
def test_a_folder_whose_name_goes_on_is_another(system: System, other: str) -> None:
    switch(Path(other.format(system.data))).turn(True)
    system.runs()
    assert switch(system.data).look().problem.startswith("Another Chatbox")
    with pytest.raises(ServiceError, match="Another Chatbox"):
        switch(system.data).turn(False)
    assert system.unit.exists()


def test_a_folder_that_a_unit_spells_otherwise_is_known_again(system: System) -> None:
    always = switch(system.folder / 'Ann\'s "100 %" $chat')
    always.turn(True)
    system.runs()
    assert always.look() == (True, "", "")


def test_where_there_can_be_no_service_it_says_why(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine("linux", False, lambda name: False, systemd=False)
    monkeypatch.setattr("chatbox.always.this_machine", lambda: here)
    always = switch(system.data, PORT)
    problem, command = always.look()[1:]
    assert problem.startswith("systemd does not run here, ")
    assert f"/chatbox.py service install --print --data {system.data} --set server.port=9000" in command
    with pytest.raises(ServiceError, match="systemd does not run here"):
        always.turn(True)


def test_the_command_to_type_tells_no_secret(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine("linux", False, lambda name: False, systemd=False)
    monkeypatch.setattr("chatbox.always.this_machine", lambda: here)
    secret = Item("cluster", "key", "0123456789abcdef", "--set")
    assert switch(system.data, secret).look().command.endswith("--set 'cluster.key=***'")


def test_a_step_that_fails_says_why(system: System) -> None:
    system.fail("enable chatbox")
    with pytest.raises(ServiceError, match="It cannot be done"):
        switch(system.data).turn(True)
