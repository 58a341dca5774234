"""Which firewall is at work, on systems that are only told of; and what comes of asking one to open."""

from __future__ import annotations

import asyncio
import sys

import pytest

from chatbox.lan import firewall
from chatbox.rules.firewall import SYSTEMS, System

ON = "# /etc/ufw/ufw.conf\nENABLED=yes\n"


@pytest.mark.parametrize(
    ("platform", "programs", "files", "expected"),
    [
        ("win32", [], {}, ["windows"]),
        ("darwin", [], {}, ["macos"]),
        ("linux", ["ufw"], {"/etc/ufw/ufw.conf": ON}, ["ufw"]),
        ("linux", ["ufw"], {"/etc/ufw/ufw.conf": ON.replace("yes", "no")}, []),
        ("linux", ["ufw"], {}, []),
        ("linux", [], {"/etc/ufw/ufw.conf": ON}, []),
        ("linux", ["firewall-cmd"], {"/run/firewalld": ""}, ["firewalld"]),
        ("linux", ["firewall-cmd"], {}, []),
        (
            "linux",
            ["firewall-cmd", "ufw"],
            {"/run/firewalld": "", "/etc/ufw/ufw.conf": ON},
            ["ufw", "firewalld"],
        ),
        ("freebsd14", [], {}, []),
    ],
)
def test_the_firewall_of_a_computer(
    platform: str, programs: list[str], files: dict[str, str], expected: list[System]
) -> None:
    found = firewall.detect(
        platform, programs.__contains__, files.__contains__, lambda path: files.get(path, "")
    )
    assert list(found) == expected


def test_the_own_kind_comes_first_and_the_others_follow() -> None:
    assert [guide.system for guide in firewall.guides(1, "", ("ufw",))] == [
        "ufw",
        "windows",
        "macos",
        "firewalld",
    ]
    assert [guide.system for guide in firewall.guides(1, "", ())] == list(SYSTEMS)


def test_only_what_this_computer_has_is_run() -> None:
    assert firewall.opener(1, "", ("ufw",), lambda name: False) == []
    assert firewall.opener(1, "", ("ufw",), lambda name: True)[0] == "pkexec"
    assert firewall.opener(1, "", ("macos",), lambda name: True) == []
    assert firewall.opener(1, "", (), lambda name: True) == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(0)", ""),
        ("print('first'); print('Request dismissed'); raise SystemExit(126)", "Request dismissed"),
        ("raise SystemExit(3)", f"{sys.executable} ended with 3."),
    ],
)
def test_what_went_wrong_is_told_in_its_own_words(script: str, said: str) -> None:
    assert asyncio.run(firewall.run([sys.executable, "-c", script])) == said


def test_a_program_that_is_not_there_is_told_of() -> None:
    problem = asyncio.run(firewall.run(["/no/such/pkexec", "sh"]))
    assert problem == "/no/such/pkexec cannot be started: No such file or directory."


def test_nobody_at_the_screen_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "ASKING_SECONDS", 0.05)
    problem = asyncio.run(firewall.run([sys.executable, "-c", "import time; time.sleep(600)"]))
    assert problem == "Nobody agreed to it on the screen of this computer."
