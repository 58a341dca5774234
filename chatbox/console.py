"""What the person at the console reads, and the browser that is opened for them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatbox import frozen
from chatbox.chat.setup_code import SetupCode
from chatbox.rules.text import escape_controls

log = logging.getLogger("chatbox.console")


class _Lines(logging.Formatter):
    """What came from outside can neither forge a line nor drive the terminal; tracebacks are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escape_controls(super().formatMessage(record))

    def formatException(self, *parts: Any) -> str:
        lines = super().formatException(*parts).split("\n")
        return "\n".join(f"  {escape_controls(line)}" for line in lines)


def log_to_stderr(level: str) -> None:
    """Send the log of the whole program to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def say(text: str = "") -> None:
    """Print a line for the person at the console; where there is none, nothing."""
    if sys.stdout is not None:
        print(text, flush=True)


class Announcer:
    """Tells the person at the console where everything is, and afterwards each new setup code."""

    def __init__(self) -> None:
        self._greeted = False

    def tell_code(self, code: str) -> None:
        """Print a new setup code; the first one stands in the greeting."""
        if self._greeted:
            say(f"\n  There were too many wrong tries. The new setup code: {code}\n")

    def greet(self, addresses: Sequence[str], local: str, config: Path, setup: SetupCode | None) -> None:
        """Say where everything is, and what to do next."""
        self._greeted = True
        say(f"Chatbox is running. Settings: {config}")
        say(f"  On this computer:   {local}")
        reachable = [address for address in addresses if not _is_own(address)]
        for place, address in enumerate(reachable):
            say(f"  {'For the others:' if place == 0 else '':<20}{address}")
        if not reachable:
            say("  Others cannot reach it: it listens on this computer alone (--host, or [server] host).")
        if setup is not None:
            say("\nOpen the address in a browser to name the server and make your account.")
            say(f"  Setup code: {setup.code}\n")
        say("Ctrl+C stops it.")


def _is_own(url: str) -> bool:
    """Whether an address leads nowhere but to this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def tell_fingerprint(name: str, fingerprint: str, thumbprint: str) -> None:
    """Print by what people recognise the certificate that their devices are to trust."""
    half = len(fingerprint) // 2 + 1
    say(f"Certificate for HTTPS: {name}. How devices come to trust it: /trust on any address above.")
    say(f"  Fingerprint (SHA-256): {fingerprint[:half]}\n{'':<25}{fingerprint[half:]}")
    say(f"  On Windows (SHA-1):    {thumbprint}")


def tell_link(name: str, url: str) -> None:
    """Print a one-time link for a new password."""
    say(f"\nThe old password of {name} works no more, and their sign-ins and tokens have ended.")
    say("A new password can be set once, within 24 hours, at")
    say(f"  {url}\n")


def open_browser(url: str) -> None:
    """Open the browser where there is a screen; never over SSH."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return
    if sys.platform.startswith("linux"):
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            _start(["xdg-open", url])
    elif sys.platform == "darwin":
        _start(["open", url])
    else:
        webbrowser.open(url)


def _start(command: list[str]) -> None:
    try:
        subprocess.Popen(
            command,
            env=frozen.restore_library_path(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        log.info("the browser could not be opened: %s", error)
