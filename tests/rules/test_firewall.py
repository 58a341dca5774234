"""The commands that let others in: the same on the page, at the console and behind the button."""

from __future__ import annotations

import base64
import shlex

import pytest

from chatbox.rules.firewall import SYSTEMS, System, commands, elevated, guide

EXE = r"C:\Users\Ann's PC\Chat box\Chatbox.exe"


def said(system: System, program: str = "") -> list[str]:
    return [step.command for step in guide(system, 8642, program).steps if step.command]


def test_windows_lets_in_on_public_networks_too_and_takes_a_ban_back_first() -> None:
    allow = (
        "netsh advfirewall firewall add rule name=Chatbox dir=in action=allow protocol=TCP localport=8642"
        " profile=any"
    )
    assert said("windows") == [allow]
    block = f'netsh advfirewall firewall delete rule name=all dir=in "program={EXE}"'
    assert said("windows", EXE) == [block, allow]
    assert "Public network" in guide("windows", 8642).steps[0].text


def test_ufw_and_firewalld_open_the_port_for_good() -> None:
    assert said("ufw")[0] == "sudo ufw allow 8642/tcp"
    assert said("firewalld")[:2] == [
        "sudo firewall-cmd --permanent --add-port=8642/tcp",
        "sudo firewall-cmd --reload",
    ]


def test_a_mac_lets_programs_in_and_from_source_there_is_none_to_name() -> None:
    assert said("macos") == []
    tool = "sudo /usr/libexec/ApplicationFirewall/socketfilterfw"
    path = "/Applications/Chatbox.app/Contents/MacOS/chatbox"
    assert said("macos", path) == [f"{tool} --add {path}", f"{tool} --unblockapp {path}"]


def test_on_windows_the_button_asks_for_consent_and_runs_the_very_same_commands() -> None:
    *start, script = elevated("windows", 8642, EXE)
    assert start == ["powershell", "-NoProfile", "-Command"]
    assert "-Verb RunAs" in script
    inner = base64.b64decode(script.partition("'-EncodedCommand','")[2].partition("'")[0]).decode("utf-16-le")
    wanted = [
        "; ".join(
            " ".join(["&", *("'" + word.replace("'", "''") + "'" for word in command)])
            for command in commands("windows", 8642, EXE)
        )
    ]
    assert inner == f"{wanted[0]}; exit $LASTEXITCODE"
    assert "'program=C:\\Users\\Ann''s PC\\Chat box\\Chatbox.exe'" in inner


@pytest.mark.parametrize("system", ["ufw", "firewalld"])
def test_on_linux_it_asks_by_pkexec_and_runs_the_very_same_commands(system: System) -> None:
    asked, shell, option, script = elevated(system, 8642)
    assert (asked, shell, option) == ("pkexec", "sh", "-c")
    assert [shlex.split(part) for part in script.split(" && ")] == commands(system, 8642)


def test_a_mac_is_left_to_its_person() -> None:
    assert elevated("macos", 8642, "/Applications/Chatbox.app") == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_guide_has_a_name_and_sentences_for_a_person(system: System) -> None:
    found = guide(system, 8642, "/opt/chatbox/chatbox")
    assert found.name
    assert all(step.text.endswith((".", ",")) for step in found.steps)
