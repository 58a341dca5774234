"""How each kind of firewall lets other devices in: the steps for a person, and the commands that do them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

System = Literal["windows", "macos", "ufw", "firewalld"]
SYSTEMS: tuple[System, ...] = ("windows", "macos", "ufw", "firewalld")
NAMES = {
    "windows": "Windows",
    "macos": "macOS",
    "ufw": "Linux with ufw (Ubuntu, Mint, Debian)",
    "firewalld": "Linux with firewalld (Fedora, RHEL, openSUSE)",
}
_MAC = "/usr/libexec/ApplicationFirewall/socketfilterfw"


class Step(Struct, frozen=True, omit_defaults=True):
    """One thing to do: what it is, and the command that does it, if one does."""

    text: str
    command: str = ""


class Guide(Struct, frozen=True):
    """The steps for one system; `name` is what people call it."""

    system: System
    name: str
    steps: tuple[Step, ...]


def guide(system: System, port: int, program: str = "") -> Guide:
    """What to do so that others reach this port. `program` is the path of the executable; from source it is
    empty, because other programs run by the same Python."""
    steps = {"windows": _windows, "macos": _mac, "ufw": _ufw, "firewalld": _firewalld}[system]
    return Guide(system, NAMES[system], tuple(steps(port, program)))


def commands(system: System, port: int, program: str = "") -> list[list[str]]:
    """The same as programs and their arguments, to be run with an administrator's rights, in this order."""
    if system == "windows":
        block = ["netsh", "advfirewall", "firewall", "delete", "rule", "name=all", "dir=in"]
        return [
            *([[*block, f"program={program}"]] if program else []),
            [
                "netsh", "advfirewall", "firewall", "add", "rule", "name=Chatbox", "dir=in", "action=allow",
                "protocol=TCP", f"localport={port}", "profile=any",
            ],
        ]  # fmt: skip
    if system == "macos":
        return [[_MAC, "--add", program], [_MAC, "--unblockapp", program]] if program else []
    if system == "ufw":
        return [["ufw", "allow", f"{port}/tcp"]]
    return [
        ["firewall-cmd", "--permanent", f"--add-port={port}/tcp"],
        ["firewall-cmd", "--reload"],
    ]


def elevated(system: System, port: int, program: str = "") -> list[str]:
    """One command that asks the person at the screen for an administrator's consent, and then does it all.

    Empty where there is none: on macOS the steps are for a person."""
    wanted = commands(system, port, program)
    if system == "windows":
        # Deleting fails where there was nothing to delete; what counts is the last one.
        script = "; ".join(" ".join(map(_powershell_quoted, ("&", *each))) for each in wanted)
        inner = base64.b64encode(f"{script}; exit $LASTEXITCODE".encode("utf-16-le")).decode()
        outer = (
            "$ErrorActionPreference = 'Stop'; $run = Start-Process powershell -Verb RunAs -Wait -PassThru"
            f" -WindowStyle Hidden -ArgumentList '-NoProfile','-EncodedCommand','{inner}'; exit $run.ExitCode"
        )
        return ["powershell", "-NoProfile", "-Command", outer]
    if system == "macos":
        return []
    return ["pkexec", "sh", "-c", " && ".join(shown(each) for each in wanted)]


def shown(command: Sequence[str]) -> str:
    """A command as it is typed into the terminal of its system. None of ours holds a quote."""
    return " ".join(f'"{word}"' if " " in word else word for word in command)


def _windows(port: int, program: str) -> list[Step]:
    *block, allow = (shown(command) for command in commands("windows", port, program))
    steps = [
        Step(
            "If this network is your own: Settings › Network & internet › Wi-Fi or Ethernet › its name › "
            "Private network. On a Public network Windows keeps all visitors out."
        ),
        Step("Open Start, type “cmd”, right-click “Command Prompt” and choose “Run as administrator”."),
    ]
    if block:
        steps.append(
            Step(
                "Take back an earlier “Cancel”, which Windows remembers as a ban for this program.", block[0]
            )
        )
    steps.append(Step("Let others in, on Public networks too.", allow))
    return steps


def _mac(port: int, program: str) -> list[Step]:
    steps = [
        Step("Open System Settings › Network › Firewall. If it is off, it is not in the way."),
        Step(
            "If it is on: Options… › +, choose Chatbox, and set it to “Allow incoming connections”. “Block "
            "all incoming connections” has to be off."
        ),
    ]
    return steps + [
        Step(text, f"sudo {shown(command)}")
        for text, command in zip(
            ("Or in the Terminal: make Chatbox known,", "and let others in."),
            commands("macos", port, program),
            strict=False,
        )
    ]


def _ufw(port: int, program: str) -> list[Step]:
    return [Step("Let others in.", _sudo("ufw", port)[0]), Step("See what is allowed.", "sudo ufw status")]


def _firewalld(port: int, program: str) -> list[Step]:
    permanent, reload = _sudo("firewalld", port)
    return [
        Step("Let others in, now and after a restart.", permanent),
        Step("Make it count at once.", reload),
        Step("See what is allowed.", "sudo firewall-cmd --list-ports"),
    ]


def _sudo(system: System, port: int) -> list[str]:
    return [f"sudo {shown(command)}" for command in commands(system, port)]


def _powershell_quoted(word: str) -> str:
    """A word as PowerShell takes it literally; the call operator stays itself."""
    return word if word == "&" else "'" + word.replace("'", "''") + "'"
