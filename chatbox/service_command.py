"""`chatbox service install`, `remove` and `status`: the plan for this computer, carried out or shown."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chatbox import data_folder, frozen
from chatbox.folder_lock import LOCK_FILE, FolderInUse, FolderLock
from chatbox.service import carry, choice
from chatbox.service.choice import Machine
from chatbox.service.plans import MISSING, RUNNING, Plan, Service, ServiceError
from chatbox.startup import Arguments, Start, prepare, program_folder

Say = Callable[[str], None]


def run(what: str, common: Arguments, values: dict[str, Any], say: Say) -> int:
    """One of the three, by its name; the exit code. Raises StartError."""
    account, show = values.get("account", ""), values.get("print", False)
    environment = frozen.restore_library_path(os.environ)
    machine = this_machine()
    if not show and what != "status":
        choice.check(machine)
    start = prepare(_placed(common, machine), os.environ)
    service = describe(start, common, machine, account)
    plan = choice.plan(machine, service)
    if what == "install":
        choice.check_account(machine, account)
        choice.check_places(machine, service)
    if show:
        _show(what, machine, service, plan, say)
        return 0
    if what == "install":
        return _install(machine, start, service, plan, environment, say)
    found = choice.state(machine, *carry.ask(plan.status, environment))
    if what == "status":
        return _tell(found, machine, plan, say)
    if found == MISSING and not Path(plan.file).exists():
        raise ServiceError("There is no service of Chatbox here, so nothing was removed.")
    carry.remove(plan, environment, say)
    say("The data stays where it is.")
    return 0


def describe(start: Start, common: Arguments, machine: Machine, account: str) -> Service:
    """The service that runs what was started here, on the same data folder with the same settings."""
    options: tuple[str, ...] = ("--config", str(start.config)) if common.config else ()
    for override in common.overrides:
        options += ("--set", override)
    folder = choice.named_folder(start.folder.path)
    places = (start.settings.storage.uploads, start.settings.backup.folder)
    more = [folder / Path(place).expanduser() for place in places if place]
    return Service(
        words=program(),
        data=folder,
        writable=(folder, *(path for path in more if not path.is_relative_to(folder))),
        system=machine.rights or machine.platform == "win32",
        account=account or _own_account(machine),
        home=_home(),
        uid=os.getuid() if hasattr(os, "getuid") else 0,
        options=options,
    )


def program() -> tuple[str, ...]:
    """The words that start this program."""
    if frozen.unpacked_folder():
        return (str(Path(sys.executable).resolve()),)
    return (sys.executable, str(program_folder() / "chatbox.py"))


def this_machine() -> Machine:
    """What the choice depends on, as it is here."""
    rights, systemd = _has_rights(), Path("/run/systemd/system").is_dir()
    return Machine(sys.platform, rights, _has_account, systemd, rights or (systemd and _grants_namespaces()))


def _placed(common: Arguments, machine: Machine) -> Arguments:
    """With the folder of a service of the system, where no other is named."""
    named = common.data or common.config or os.environ.get(data_folder.VARIABLE)
    usual = choice.data_folder(machine)
    if named or usual is None:
        return common
    return Arguments(common.config, str(usual), common.overrides, common.given)


def _install(
    machine: Machine, start: Start, service: Service, plan: Plan, environment: Mapping[str, str], say: Say
) -> int:
    if choice.state(machine, *carry.ask(plan.status, environment)) != RUNNING:
        _refuse_second(start)
    if not choice.makes_folder(machine, service):
        _make_folder(start, service.account)
    carry.install(plan, environment, say)
    say(f"Data folder: {service.data}")
    say("To undo this:  chatbox service remove")
    return 0


def _make_folder(start: Start, account: str) -> None:
    path = start.folder.path
    new = not path.exists()
    data_folder.create(start.folder)
    if not account or sys.platform == "win32":
        return
    if new:
        shutil.chown(path, account)
    elif path.owner() != account:
        raise ServiceError(f"The data folder {path} belongs to {path.owner()}, not to {account}.")


def _refuse_second(start: Start) -> None:
    """Raise ServiceError where somebody uses the folder already."""
    if not (start.folder.path / LOCK_FILE).exists():  # made here, it would belong to whoever installs
        return
    try:
        with FolderLock(start.folder.path):
            pass
    except FolderInUse as error:
        raise ServiceError(
            f"Chatbox runs already with the data folder {start.folder.path}. Stop that one first "
            "(Ctrl+C in its window), then install the service."
        ) from error


def _show(what: str, machine: Machine, service: Service, plan: Plan, say: Say) -> None:
    if what == "status":
        return say(command_line(plan.status))
    if what == "install" and machine.platform == "linux" and not machine.systemd:
        say("# systemd does not run here. Have this started with the computer, and again when it ends:")
        return say(command_line(service.command))
    if what == "install":
        encoding = "utf-16" if plan.content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
        for line in (f"# {plan.file}", *plan.content.decode(encoding).splitlines()):
            say(line)
    else:
        say(f"# {plan.file} is removed, by:")
    for step in (*plan.enable, *plan.start) if what == "install" else plan.remove:
        say(f"# {command_line(step.words)}")
    return None


def command_line(words: Sequence[str]) -> str:
    """A command as it is typed here."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _tell(found: str, machine: Machine, plan: Plan, say: Say) -> int:
    if found == MISSING:
        say("Chatbox is not installed as a service.")
        try:
            choice.check(machine)
        except ServiceError as error:
            say(str(error))
        else:
            say("To do so:  chatbox service install")
        return 1
    runs = "runs" if found == RUNNING else "does not run"
    say(f"Chatbox is installed as a service, and {runs}: {plan.file}")
    for note in plan.notes:
        say(note)
    return 0 if found == RUNNING else 1


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise ServiceError("No home folder is known for this account, so it can have no service.") from error


if sys.platform == "win32":
    import ctypes

    def _has_rights() -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())

    def _has_account(name: str) -> bool:
        return True  # schtasks says so where there is none

    def _own_account(machine: Machine) -> str:
        return f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"

else:
    import pwd

    def _has_rights() -> bool:
        return os.geteuid() == 0

    def _has_account(name: str) -> bool:
        try:
            pwd.getpwnam(name)
        except KeyError:
            return False
        return True

    def _own_account(machine: Machine) -> str:
        return "" if machine.rights else pwd.getpwuid(os.getuid()).pw_name


def _grants_namespaces() -> bool:
    """Whether a service of this person may have a view of the files of its own."""
    words = ("systemd-run", "--user", "--wait", "--collect", "--quiet", "--property=ProtectSystem=strict")
    return carry.ask((*words, "--property=PrivateTmp=yes", "true"), os.environ)[0] == 0
