"""Whether a service can be had as it is asked for, and how it is done; nothing here touches the system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from msgspec import Struct

from chatbox.service import launchd, systemd, tasks
from chatbox.service.plans import Plan, Service, ServiceError, is_temporary, unprintable

_NAMED = ("--account", "NAME")


class Machine(Struct, frozen=True):
    """What is to be known of this computer and of who asks.

    `platform` as in `sys.platform`; `rights`: root, or an administrator of Windows. `accounts` tells whether
    there is one of that name. `systemd`: whether it runs here; `namespaces`: whether it grants them to the
    services of one person."""

    platform: str
    rights: bool
    accounts: Callable[[str], bool]
    systemd: bool = True
    namespaces: bool = True


def check(machine: Machine) -> None:
    """Whether whoever asks may change services here. Raises ServiceError with the remedy."""
    if machine.platform not in ("linux", "darwin", "win32"):
        raise ServiceError(f"Chatbox does not know how services are installed on {machine.platform}.")
    if machine.platform == "linux" and not machine.systemd:
        raise ServiceError(
            "systemd does not run here, so Chatbox cannot have itself started with this computer. Have "
            "whatever starts programs here do it; in a container that is its restart policy. The command "
            "“service install --print” shows what it has to start.",
            ("--print",),
        )
    if machine.platform == "win32" and not machine.rights:
        raise ServiceError(
            "Only an administrator can do that: right-click on Terminal or PowerShell in the start menu, "
            "choose to run it as administrator, and type the command there.",
            (),
        )


def check_account(machine: Machine, account: str) -> None:
    """Whether it can run under this account, where one is named. Raises ServiceError with the remedy."""
    if machine.platform == "win32":
        if account:
            raise ServiceError("On Windows it runs under the account that installs it: leave --account out.")
        return
    if account and not machine.rights:
        raise ServiceError("Only root can have it run under another account: put sudo before the command.")
    if account and not machine.accounts(account):
        raise ServiceError(f'There is no account "{account}" here. Make it first, or name another one.')
    if machine.platform == "darwin" and machine.rights and not account:
        raise ServiceError(
            "Name the account that it is to run under, with --account: it should not be root.", _NAMED
        )


def check_places(machine: Machine, service: Service) -> None:
    """Whether the service could reach what it needs. Raises ServiceError with the remedy."""
    if word := unprintable(service.command):
        raise ServiceError(f"A service cannot have {word!r} in its command: rename that file or folder.")
    for path in (*service.words, *map(str, service.writable)):
        if machine.platform != "win32" and is_temporary(path):
            raise ServiceError(
                f"{path} is in a folder that the system empties. Move it to another place first."
            )
    if machine.platform != "linux" or not machine.systemd or not service.system or service.account:
        return
    program, folders = service.words[-1], [str(path) for path in service.writable]
    if systemd.in_a_home(program) or systemd.in_a_home(service.words[0]):
        raise ServiceError(
            f"A service of the system cannot read {program}. Copy it first, then go on with the copy:  "
            f"sudo install -m 755 {program} /usr/local/bin/chatbox && "
            "sudo /usr/local/bin/chatbox service install"
        )
    if not systemd.keeps_state(service) or len(folders) > 1:
        raise ServiceError(
            f"Name the account that {folders[-1]} belongs to, with --account NAME. Without one the folder "
            "has to be /var/lib/chatbox, or another one in /var/lib, with uploads and backups in it.",
            _NAMED,
        )


def plan(machine: Machine, service: Service) -> Plan:
    """How it is done here."""
    if machine.platform == "win32":
        return tasks.plan(service)
    if machine.platform == "darwin":
        return launchd.plan(service)
    return systemd.plan(service, machine.namespaces)


def state(machine: Machine, code: int, output: str) -> str:
    """What the status command of the plan says."""
    reader = {"win32": tasks.state, "darwin": launchd.state}.get(machine.platform, systemd.state)
    return reader(code, output)


def data_folder(machine: Machine) -> PurePath | None:
    """The folder of a service of the system where none is named; None where it is the person's own."""
    usual = {"linux": systemd.STATE / "chatbox", "darwin": launchd.SUPPORT / "Chatbox"}
    return usual.get(machine.platform) if machine.rights else None


def makes_folder(machine: Machine, service: Service) -> bool:
    """Whether the system makes the data folder when the service starts."""
    return machine.platform == "linux" and systemd.keeps_state(service)


def named_folder(folder: Path) -> Path:
    """The name under which a folder is asked for: systemd keeps that of an account which comes and goes
    behind a link."""
    return Path(systemd.STATE) / folder.name if folder.parent == Path(systemd.STATE, "private") else folder
