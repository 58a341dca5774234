"""What is written for each system, whichever system this is."""

from __future__ import annotations

import os
import plistlib
import subprocess
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree

import pytest
from msgspec import structs

from chatbox.service import launchd, systemd, tasks
from chatbox.service.plans import MISSING, RUNNING, STOPPED, Service
from tests.harness.needs import need, works

PERSON = Service(
    words=("/home/ann/Chat box/chatbox",),
    data=PurePosixPath("/home/ann/data"),
    writable=(PurePosixPath("/home/ann/data"), PurePosixPath("/srv/50% of $it")),
    system=False,
    account="ann",
    home=PurePosixPath("/home/ann"),
    uid=1000,
    options=("--set", 'server.name=Ann\'s "attic" $5 100%'),
)
SYSTEM = Service(
    words=("/usr/local/bin/chatbox",),
    data=PurePosixPath("/var/lib/chatbox"),
    writable=(PurePosixPath("/var/lib/chatbox"),),
    system=True,
    account="",
    home=PurePosixPath("/root"),
)
ACCOUNT = Service(
    words=("/opt/python", "/home/ann/chatbox.py"),
    data=PurePosixPath("/srv/chat"),
    writable=(PurePosixPath("/srv/chat"), PurePosixPath("/srv/files")),
    system=True,
    account="ann",
    home=PurePosixPath("/root"),
)
WINDOWS = Service(
    words=(r"C:\Users\Ann & Bob\chatbox.exe",),
    data=PureWindowsPath(r"C:\Users\Ann & Bob\chatbox data"),
    writable=(PureWindowsPath(r"C:\Users\Ann & Bob\chatbox data"),),
    system=True,
    account=r"ATTIC\Ann & Bob",
    home=PureWindowsPath(r"C:\Users\Ann & Bob"),
    options=("--set", 'server.name=The "attic" <1>'),
)


def lines(service: Service, namespaces: bool = True) -> list[str]:
    return systemd.unit(service, namespaces).splitlines()


def test_a_persons_unit_needs_no_rights_and_keeps_their_settings() -> None:
    found = lines(PERSON)
    assert (
        'ExecStart="/home/ann/Chat box/chatbox" serve --data /home/ann/data --no-browser --set '
        '"server.name=Ann\'s \\"attic\\" $$5 100%%"' in found
    )
    assert 'ReadWritePaths="-/srv/50%% of $it"' in found
    assert "WantedBy=default.target" in found
    assert not [line for line in found if line.startswith(("User", "DynamicUser", "ProtectHome", "Ambient"))]


def test_where_namespaces_are_not_granted_the_unit_asks_for_none() -> None:
    asked = {line.partition("=")[0] for line in lines(PERSON)} - {
        line.partition("=")[0] for line in lines(PERSON, namespaces=False)
    }
    assert asked == {
        "ProtectSystem", "PrivateTmp", "ProtectControlGroups", "ProtectKernelTunables", "ReadWritePaths",
    }  # fmt: skip
    assert "NoNewPrivileges=yes" in lines(PERSON, namespaces=False)


def test_a_units_start_waits_for_ready_and_its_stop_for_everybody() -> None:
    for service in (PERSON, SYSTEM, ACCOUNT):
        found = lines(service)
        for line in ("Type=notify", "NotifyAccess=all", "KillMode=mixed", "TimeoutStartSec=infinity"):
            assert line in found
        assert "Environment=TMPDIR=%C/chatbox" in found  # else cleaners of /tmp take the unpacked executable


def test_a_unit_of_the_system_has_an_account_of_its_own_and_a_folder_from_systemd() -> None:
    found = lines(SYSTEM)
    for line in (
        "DynamicUser=yes",
        "StateDirectory=chatbox",
        "ProtectHome=yes",
        "WantedBy=multi-user.target",
    ):
        assert line in found
    assert not [line for line in found if line.startswith("ReadWritePaths")]


def test_a_unit_for_an_account_may_write_to_its_folders_only() -> None:
    found = lines(ACCOUNT)
    for line in (
        "User=ann",
        "ReadWritePaths=/srv/chat",
        "ReadWritePaths=-/srv/files",
        "ProtectHome=read-only",
    ):
        assert line in found
    assert "ProtectHome=read-only" in found  # the program lies there
    assert not [line for line in found if line.startswith("StateDirectory")]


@pytest.mark.parametrize("service", [PERSON, SYSTEM, ACCOUNT], ids=["person", "system", "account"])
def test_systemd_finds_nothing_wrong_with_a_unit(service: Service, tmp_path: Path) -> None:
    need(works("systemd-analyze", "--version"), "systemd-analyze")
    program = tmp_path / "chat box"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    file = tmp_path / systemd.UNIT
    words = (str(program), *service.words[1:])
    file.write_text(systemd.unit(structs.replace(service, words=words)))
    manage = [] if service.system else ["--user"]
    found = subprocess.run(
        ["systemd-analyze", *manage, "verify", "--man=no", "--recursive-errors=no", str(file)],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, _about(file, found.stderr)) == (0, [])


def _about(file: Path, output: str) -> list[str]:
    return [line for line in output.splitlines() if file.name in line]


def test_systemd_finds_a_service_of_the_system_well_shut_in(tmp_path: Path) -> None:
    need(works("systemd-analyze", "security", "--help"), "systemd-analyze")
    file = tmp_path / systemd.UNIT
    file.write_text(systemd.unit(SYSTEM))
    found = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_mac_has_an_agent_for_a_person_and_a_daemon_for_an_account() -> None:
    agent = launchd.plan(PERSON)
    assert agent.file == PurePosixPath("/home/ann/Library/LaunchAgents/local.chatbox.plist")
    keys = plistlib.loads(agent.content)
    assert keys["ProgramArguments"] == list(PERSON.command)
    assert keys["KeepAlive"] == {"SuccessfulExit": False}
    assert "UserName" not in keys
    assert agent.start[-1].words == ("launchctl", "bootstrap", "gui/1000", str(agent.file))
    daemon = launchd.plan(ACCOUNT)
    assert daemon.file == PurePosixPath("/Library/LaunchDaemons/local.chatbox.plist")
    assert plistlib.loads(daemon.content)["UserName"] == "ann"
    assert daemon.start[-1].words == ("launchctl", "bootstrap", "system", str(daemon.file))


def test_windows_has_a_task_from_boot_on_for_whoever_installs_it() -> None:
    plan = tasks.plan(WINDOWS)
    text = plan.content.decode("utf-16")
    assert "\r\n" in text
    root = ElementTree.fromstring(plan.content)
    spaces = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert root.find("t:Triggers/t:BootTrigger", spaces) is not None
    assert root.findtext("t:Principals/t:Principal/t:UserId", None, spaces) == r"ATTIC\Ann & Bob"
    assert root.findtext("t:Actions/t:Exec/t:Command", None, spaces) == r"C:\Users\Ann & Bob\chatbox.exe"
    assert root.findtext("t:Actions/t:Exec/t:Arguments", None, spaces) == (
        r'serve --data "C:\Users\Ann & Bob\chatbox data" --no-browser --set "server.name=The \"attic\" <1>"'
    )
    assert root.findtext("t:Settings/t:ExecutionTimeLimit", None, spaces) == "PT0S"
    assert plan.enable[0].words[:5] == ("schtasks", "/Create", "/F", "/TN", "Chatbox")


@pytest.mark.parametrize("name", ["data", "data-2", "data of Ann", "data & <more>", '100% "$it"', "data/in"])
def test_the_file_of_a_service_tells_its_folder_from_all_others(name: str) -> None:
    for system, services in ((systemd, (PERSON, SYSTEM, ACCOUNT)), (launchd, (PERSON,)), (tasks, (WINDOWS,))):
        for service in services:
            here = system.plan(structs.replace(service, data=service.data / name))
            folders = (service.data, service.data / "data", service.data / "data of", service.data / "dat")
            encoding = "utf-16" if system is tasks else "utf-8"
            assert here.mark in here.content.decode(encoding)
            for other in {*folders} - {service.data / name}:
                there = system.plan(structs.replace(service, data=other))
                assert there.mark not in here.content.decode(encoding)


@pytest.mark.parametrize(
    ("read", "code", "output", "found"),
    [
        (systemd.state, 0, "LoadState=loaded\nActiveState=active\nMainPID=7\n", RUNNING),
        (systemd.state, 0, "LoadState=loaded\nActiveState=activating\n", RUNNING),
        (systemd.state, 0, "LoadState=loaded\nActiveState=failed\n", STOPPED),
        (systemd.state, 0, "LoadState=not-found\nActiveState=inactive\n", MISSING),
        (systemd.state, 1, "Failed to connect to bus: No medium found", MISSING),
        (launchd.state, 0, "local.chatbox = {\n\tstate = running\n\tpid = 7\n}", RUNNING),
        (launchd.state, 0, "local.chatbox = {\n\tstate = not running\n}", STOPPED),
        (launchd.state, 113, "Could not find service", MISSING),
        (tasks.state, 0, "Running\r\n", RUNNING),
        (tasks.state, 0, "Ready\r\n", STOPPED),
        (tasks.state, 1, "Get-ScheduledTask : No MSFT_ScheduledTask objects found", MISSING),
    ],
)
def test_what_the_system_says_is_understood(read, code: int, output: str, found: str) -> None:  # type: ignore[no-untyped-def]
    assert read(code, output) == found
