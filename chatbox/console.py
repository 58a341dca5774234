"""What the person at the console reads, and the browser that is opened for them."""

from __future__ import annotations

import locale
import logging
import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from chatbox import frozen
from chatbox.journal import tell
from chatbox.lan.qr import BLOCKS, terminal_code
from chatbox.model import OwnAddress
from chatbox.rules.hosts import is_loopback

log = logging.getLogger("chatbox.console")

_KINDS = {
    "wifi": "Wi-Fi",
    "cable": "cable",
    "vpn": "VPN",
    "container": "containers",
    "virtual": "virtual machines",
    "direct": "device to device",
    "self_assigned": "no router gave it",
}


def say(text: str = "") -> None:
    """Print a line for the person at the console; where there is none, nothing."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):  # nobody reads it any more
            print(text, flush=True)


class Greeting(Struct, frozen=True):
    """What the console says of a server that has started."""

    addresses: Sequence[OwnAddress]  # the likeliest first
    local: str  # for a browser on this machine
    config: Path
    name: str = ""
    people: int = 0
    code: str = ""  # of the setup, where it was not done yet
    opened: bool = False  # the browser was opened here
    short: str = ""  # an address without a port that leads there as well
    note: str = ""  # what the start had to decide


class Announcer:
    """Tells the person at the console where everything is, and afterwards each new setup code."""

    def __init__(self) -> None:
        self._greeted = False

    def tell_code(self, code: str) -> None:
        """Tell a new setup code; the first one stands in the greeting."""
        if self._greeted:
            tell(f"There were too many wrong tries. The new setup code: {code}")

    def greet(self, greeting: Greeting) -> None:
        """Say where everything is, and what to do next."""
        self._greeted = True
        if greeting.note:
            say(f"  {greeting.note}")
        for line in _first_start(greeting) if greeting.code else _later_start(greeting):
            say(line)
        if not greeting.code:
            show_code(greeting.addresses)
        if others := _others(greeting.addresses):
            say(f"  Other addresses of this computer: {', '.join(others)}")
        say("  Ctrl+C stops Chatbox.\n")


def _first_start(greeting: Greeting) -> list[str]:
    window = "in the browser window that has just opened" if greeting.opened else "in a browser"
    another = "No window? Open" if greeting.opened else "Open"
    lines = [
        f"  Settings file: {greeting.config}",
        "",
        f"  1. Finish the setup {window}: name the server, make your account.",
        f"     {another}  {greeting.local}",
        f"     Setup code:  {greeting.code}",
        "",
    ]
    if not (shown := _shown(greeting.addresses)):
        return [*lines, *_alone()]
    lines += ["  2. Then let the others open this, on the same Wi-Fi or network:", ""]
    return [*lines, f"         {'   or   '.join(shown)}", *_short(greeting), ""]


def _later_start(greeting: Greeting) -> list[str]:
    people = "1 person" if greeting.people == 1 else f"{greeting.people} people"
    first, *more = _shown(greeting.addresses) or [""]
    lines = [f'  "{greeting.name}", {people}', ""]
    if first:
        lines += [f"  The others open    {first}", *(f"{'':<21}{url}" for url in more)]
    else:
        lines += _alone()
    lines += [f"  On this computer   {greeting.local}", f"  Settings file      {greeting.config}"]
    return [*lines, *_short(greeting), ""]


def _short(greeting: Greeting) -> list[str]:
    return ["", f"  Whoever types  {greeting.short}  is led there, too."] if greeting.short else []


def _alone() -> list[str]:
    return [
        "  Others cannot reach it: it listens on this computer alone ([server] host), or has no network.",
        "",
    ]


def best(addresses: Sequence[OwnAddress]) -> str:
    """THE address for the others; empty where nobody else reaches this machine."""
    return next(iter(_shown(addresses)), "")


def _shown(addresses: Sequence[OwnAddress]) -> list[str]:
    """The first address, and the name on the network that leads to the same."""
    useful = [each for each in addresses if not is_own(each.url)]
    return [each.url for place, each in enumerate(useful) if place == 0 or each.kind == "local"]


def _others(addresses: Sequence[OwnAddress]) -> list[str]:
    """The further ones, each with what it is."""
    shown = _shown(addresses)
    found = [each for each in addresses if each.url not in shown and not is_own(each.url)]
    return [_labelled(each) for each in found]


def _labelled(address: OwnAddress) -> str:
    host = urlsplit(address.url).hostname or address.url
    return f"{host} ({label})" if (label := _KINDS.get(address.kind, address.adapter)) else host


def is_own(url: str) -> bool:
    """Whether an address leads nowhere but to this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)


def show_code(addresses: Sequence[OwnAddress]) -> None:
    """Draw THE address for the camera of a phone, where the terminal can show it."""
    url, columns = best(addresses), shutil.get_terminal_size().columns
    if not url or not _is_terminal() or os.environ.get("TERM") == "dumb":
        return
    lines = terminal_code(url, colour=not os.environ.get("NO_COLOR"))
    if _can_show(BLOCKS) and len(terminal_code(url, colour=False)[0]) + 2 <= columns:
        say("\n".join(f"  {line}" for line in lines) + "\n")


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _can_show(text: str) -> bool:
    """Whether the terminal has these characters. An executable always writes UTF-8, whatever that is."""
    encodings = [sys.stdout.encoding, *([] if sys.platform == "win32" else [locale.getencoding()])]
    try:
        for encoding in encodings:
            text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def tell_fingerprint(name: str, fingerprint: str, thumbprint: str) -> None:
    """Print by what people recognise the certificate that their devices are to trust."""
    half = len(fingerprint) // 2 + 1
    say(f"  For HTTPS each device is shown how at /trust. It then trusts {name}")
    say(f"  Fingerprint (SHA-256): {fingerprint[:half]}\n{'':<25}{fingerprint[half:]}")
    say(f"  On Windows (SHA-1):    {thumbprint}\n")


def tell_link(name: str, url: str) -> None:
    """Print a one-time link for a new password."""
    say(f"  The old password of {name} works no more, and their sign-ins and tokens have ended.")
    say("  A new password can be set once, within 24 hours, at")
    say(f"    {url}\n")


def has_screen() -> bool:
    """Whether a browser would be seen by who starts the program; never over SSH."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def open_browser(url: str) -> bool:
    """Open the browser where there is a screen. Returns whether that was tried."""
    if not has_screen():
        return False
    if sys.platform.startswith("linux"):
        _start(["xdg-open", url])
    elif sys.platform == "darwin":
        _start(["open", url])
    else:
        webbrowser.open(url)
    return True


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
