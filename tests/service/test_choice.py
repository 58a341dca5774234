"""What is asked for and cannot be had, with the text that each gets."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from chatbox.service import choice
from chatbox.service.choice import Machine
from chatbox.service.plans import Service, ServiceError


def machine(platform: str, rights: bool = False, systemd: bool = True) -> Machine:
    return Machine(platform, rights, lambda name: name == "ann", systemd)


def check(here: Machine, account: str) -> None:
    choice.check(here)
    choice.check_account(here, account)


@pytest.mark.parametrize(
    ("here", "account", "told"),
    [
        (machine("freebsd14"), "", "does not know how services are installed on freebsd14"),
        (machine("linux", systemd=False), "", "systemd does not run here"),
        (machine("linux"), "ann", "Only root can"),
        (machine("darwin"), "ann", "put sudo before"),
        (machine("linux", rights=True), "nobody-here", 'There is no account "nobody-here"'),
        (machine("darwin", rights=True), "", "with --account"),
        (machine("win32"), "", "Only an administrator"),
        (machine("win32", rights=True), "ann", "leave --account out"),
    ],
)
def test_a_service_that_cannot_be(here: Machine, account: str, told: str) -> None:
    with pytest.raises(ServiceError, match=told):
        check(here, account)


@pytest.mark.parametrize(
    ("here", "account"),
    [
        (machine("linux"), ""),
        (machine("linux", rights=True), ""),
        (machine("linux", rights=True), "ann"),
        (machine("darwin"), ""),
        (machine("darwin", rights=True), "ann"),
        (machine("win32", rights=True), ""),
    ],
)
def test_a_service_that_can_be(here: Machine, account: str) -> None:
    check(here, account)


def service(program: str, *writable: str, account: str = "", system: bool = True) -> Service:
    folders = tuple(PurePosixPath(path) for path in writable)
    return Service((program,), folders[0], folders, system, account, PurePosixPath("/root"))


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            service("/home/ann/chatbox", "/var/lib/chatbox"),
            "sudo install -m 755 /home/ann/chatbox",
        ),
        (service("/root/chatbox", "/var/lib/chatbox"), "cannot read /root/chatbox"),
        (service("/usr/bin/chatbox", "/srv/chat"), "that /srv/chat belongs to, with --account"),
        (service("/usr/bin/chatbox", "/var/lib/chat", "/srv/files"), "that /srv/files belongs to"),
        (service("/usr/bin/chatbox", "/var/lib/a/b"), "that /var/lib/a/b belongs to"),
        (service("/tmp/chatbox", "/home/ann/x", system=False), "/tmp/chatbox is in a folder that the system"),
        (
            service("/private/var/folders/xy/AppTranslocation/Chatbox.app", "/x"),
            "Move it to another place",
        ),
        (service("/usr/bin/chatbox", "/var/tmp/x", account="ann"), "/var/tmp/x is in a folder that the"),
        (service("/usr/bin/chat\nbox", "/var/lib/chatbox"), "rename that file or folder"),
        (service("/usr/bin/chatbox", "/srv/a\x1bb", account="ann"), "rename that file or folder"),
        (service("/home/ann/chat\x7fbox", "/home/ann/x", system=False), "rename that file or folder"),
    ],
)
def test_a_place_that_the_service_could_not_reach(wanted: Service, told: str) -> None:
    with pytest.raises(ServiceError, match=told):
        choice.check_places(machine("linux", rights=wanted.system), wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        service("/usr/local/bin/chatbox", "/var/lib/chatbox"),
        service("/home/ann/chatbox", "/home/ann/data", account="ann"),
        service("/home/ann/chatbox", "/home/ann/data", system=False),
    ],
)
def test_a_place_that_the_service_can_reach(wanted: Service) -> None:
    choice.check_places(machine("linux", rights=wanted.system), wanted)


def test_the_folder_of_an_account_that_comes_and_goes_has_its_public_name() -> None:
    assert choice.named_folder(Path("/var/lib/private/chatbox")) == Path("/var/lib/chatbox")
    assert choice.named_folder(Path("/srv/private/chatbox")) == Path("/srv/private/chatbox")


def test_a_service_of_the_system_has_a_folder_of_the_system() -> None:
    assert choice.data_folder(machine("linux", rights=True)) == PurePosixPath("/var/lib/chatbox")
    assert choice.data_folder(machine("darwin", rights=True)) == PurePosixPath(
        "/Library/Application Support/Chatbox"
    )
    for own in (machine("linux"), machine("darwin"), machine("win32", rights=True)):
        assert choice.data_folder(own) is None
