"""The property list for macOS' launchd: an agent of one person, or a daemon. launchd.plist(5)."""

from __future__ import annotations

import plistlib
from html import escape
from pathlib import PurePosixPath

from chatbox.service.plans import MISSING, RUNNING, STOPPED, Plan, Service, Step

LABEL = "local.chatbox"
FILE = f"{LABEL}.plist"
SUPPORT = PurePosixPath("/Library/Application Support")


def job(service: Service) -> bytes:
    """The property list. A stop may take as long as the server needs to send everybody away."""
    log = str(PurePosixPath(service.data) / "service.log")
    keys: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": list(service.command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ExitTimeOut": 45,
        "Umask": 0o077,
        "ProcessType": "Interactive",  # else it is slowed down for what is in front
        "SoftResourceLimits": {"NumberOfFiles": 65536},
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    if service.system:
        keys["UserName"] = service.account
    return plistlib.dumps(keys, sort_keys=False)


def plan(service: Service) -> Plan:
    """How it is done with launchctl."""
    domain = "system" if service.system else f"gui/{service.uid}"
    library = PurePosixPath("/Library/LaunchDaemons")
    if not service.system:
        library = PurePosixPath(service.home) / "Library/LaunchAgents"
    file = library / FILE
    bootout = Step(("launchctl", "bootout", f"{domain}/{LABEL}"), "It is stopped.", "It was not running.")
    starts = "It runs now, and from each start of this computer on."
    if not service.system:
        starts = "It runs now, and whenever you are signed in on this computer."
    notes = [f"What it says, the setup code of a new server included:  {service.data}/service.log"]
    if not service.system:
        notes.append("To have it run while nobody is signed in:  sudo chatbox service install --account NAME")
    return Plan(
        file=file,
        content=job(service),
        mark="\n\t\t".join(f"<string>{escape(word, quote=False)}</string>" for word in service.named),
        enable=(Step(("launchctl", "enable", f"{domain}/{LABEL}")),),
        start=(
            Step(("launchctl", "bootout", f"{domain}/{LABEL}"), "The one from before is stopped.", ""),
            Step(("launchctl", "bootstrap", domain, str(file)), starts),
        ),
        disable=(Step(("launchctl", "disable", f"{domain}/{LABEL}"), "It starts no more."),),
        remove=(bootout,),
        status=("launchctl", "print", f"{domain}/{LABEL}"),
        notes=tuple(notes),
    )


def state(code: int, output: str) -> str:
    """What the status command says."""
    if code:
        return MISSING
    lines = [line.strip() for line in output.splitlines()]
    return RUNNING if "state = running" in lines else STOPPED
