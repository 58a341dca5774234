"""The firewall of this computer: which one it is, and opening it with the consent of whoever sits there."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from chatbox.rules.firewall import SYSTEMS, Guide, System, elevated, guide

log = logging.getLogger("chatbox.firewall")

ASKING_SECONDS = 120.0  # for the person at the screen

Exists = Callable[[str], bool]


def detect(platform: str, finds: Exists, exists: Exists, reads: Callable[[str], str]) -> tuple[System, ...]:
    """The firewalls that may be in the way, the likeliest first; none where there seems to be none.

    `finds` tells whether there is such a program, `exists` whether there is such a file; `reads` gives the
    text of one, empty where it cannot be read."""
    if platform == "win32":
        return ("windows",)
    if platform == "darwin":
        return ("macos",)
    found: list[System] = []
    if finds("ufw") and "enabled=yes" in reads("/etc/ufw/ufw.conf").lower().replace(" ", ""):
        found.append("ufw")
    if finds("firewall-cmd") and exists("/run/firewalld"):
        found.append("firewalld")
    return tuple(found)


def detect_here() -> tuple[System, ...]:
    """Those of this computer."""
    return detect(sys.platform, lambda name: shutil.which(name) is not None, os.path.exists, _read)


def guides(port: int, program: str, here: tuple[System, ...]) -> list[Guide]:
    """The steps for every system, those of this computer first."""
    return [guide(system, port, program) for system in (*here, *(s for s in SYSTEMS if s not in here))]


def opener(port: int, program: str, here: tuple[System, ...], finds: Exists) -> list[str]:
    """The command that asks for consent and opens the firewall; empty where this computer has no such way."""
    for system in here:
        command = elevated(system, port, program)
        if command and finds(command[0]):
            return command
    return []


async def run(command: list[str]) -> str:
    """Run it and wait for the person. Returns what went wrong, in its words; empty where all went well."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        return f"{command[0]} cannot be started: {error.strerror}."
    try:
        async with asyncio.timeout(ASKING_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return "Nobody agreed to it on the screen of this computer."
    if process.returncode == 0:
        log.info("the firewall was opened: %s", " ".join(command))
        return ""
    said = output.decode(errors="replace").strip()
    return said.splitlines()[-1] if said else f"{command[0]} ended with {process.returncode}."


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
