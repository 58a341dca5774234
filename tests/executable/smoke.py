"""Shows that the executable is whole: `python -m tests.executable.smoke dist/chatbox`, or `make smoke`.

It runs where nothing is but the C library, with an empty environment; what is typed and sent goes over
127.0.0.1 as a browser would send it. The last line is the count of checks.
"""

import json
import os
import ssl
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from chatbox.version import VERSION
from tests.executable.bare_root import LIBC, BareRoot, Server, SmokeError, needed_libraries

MEGABYTE = 10**6
MOST_BYTES = 25 * MEGABYTE
MOST_SECONDS = 1.0
STARTS = 5
WAIT = 10.0  # seconds for one answer
PASSWORD = "seven walnut rivers at dawn"

FAILURES = (SmokeError, SubprocessError, WebSocketException, OSError, KeyError, ValueError)

Check = Callable[[BareRoot], str]


class Person:
    """Somebody who is signed in by a cookie, over HTTP and over one WebSocket."""

    def __init__(self, server: Server, sockets: ExitStack, command: str, **fields: str) -> None:
        self._origin = f"http://127.0.0.1:{server.port}"
        self._cookie = ""
        self.id: int = self.ask(command, **fields)["user"]["id"]
        opening = connect(
            f"ws://127.0.0.1:{server.port}/ws",
            origin=Origin(self._origin),
            additional_headers={"Cookie": self._cookie},
            open_timeout=WAIT,
            proxy=None,
        )
        self._socket = sockets.enter_context(opening)
        self.rooms = {room["name"]: room["id"] for room in self.do("hello")["rooms"]}

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """`POST /api/<command>`: the result."""
        headers = {"Origin": self._origin, "Content-Type": "application/json"}
        if self._cookie:
            headers["Cookie"] = self._cookie
        request = urllib.request.Request(
            f"{self._origin}/api/{command}", json.dumps(fields).encode(), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as response:
                self._cookie = (response.headers["Set-Cookie"] or self._cookie).partition(";")[0]
                result: dict[str, Any] = json.load(response)
                return result
        except urllib.error.HTTPError as error:
            raise SmokeError(f"{command}: {error.code} {error.read().decode()}") from error

    def do(self, command: str, **fields: Any) -> dict[str, Any]:
        """The same over the WebSocket; events in between are passed over."""
        self._socket.send(json.dumps({"id": 1, "do": command, **fields}))
        while True:
            frame = json.loads(self._socket.recv(timeout=WAIT))
            if frame.get("re") == 1:
                if "ok" not in frame:
                    raise SmokeError(f"{command}: {frame}")
                result: dict[str, Any] = frame["ok"]
                return result

    def receive(self, text: str) -> None:
        """Wait for the event that brings a message with this text."""
        while True:
            frame = json.loads(self._socket.recv(timeout=WAIT))
            if text in [message["text"] for message in frame.get("messages", ())]:
                return


def check_size(root: BareRoot) -> str:
    size = (root.path / "chatbox").stat().st_size
    if size > MOST_BYTES:
        raise SmokeError(f"{size / MEGABYTE:.1f} MB, at most {MOST_BYTES / MEGABYTE:.0f}")
    return f"size: {size / MEGABYTE:.1f} MB"


def check_libraries(root: BareRoot) -> str:
    names = {library.name for library in needed_libraries(root.path / "chatbox")}
    foreign = {name for name in names if name not in LIBC and not name.startswith("ld-")}
    if foreign:
        raise SmokeError(f"it needs more than the C library: {', '.join(sorted(foreign))}")
    return "needs: the C library only"


def check_version(root: BareRoot) -> str:
    printed = root.run("version").strip()
    if VERSION not in printed:
        raise SmokeError(f"chatbox version prints {printed!r}, not {VERSION}")
    return f"version: {printed}"


def check_start(root: BareRoot) -> str:
    """The folder is new every time, so that making the database counts as well."""
    seconds = []
    for number in range(STARTS):
        server = Server(root, f"start-{number}")
        seconds.append(server.seconds_to_first_answer)
        if code := server.stop():
            raise SmokeError(f"exit code {code} after SIGTERM")
    if root.leftovers():
        raise SmokeError(f"it left {root.leftovers()} in /tmp")
    median = statistics.median(seconds)
    told = (
        f"start to the first 200: {median:.2f} s (median of {STARTS}: {sorted(round(s, 2) for s in seconds)})"
    )
    if median > MOST_SECONDS and "CHATBOX_SLOW_MACHINE" not in os.environ:
        raise SmokeError(f"{told}, at most {MOST_SECONDS:.1f} s; CHATBOX_SLOW_MACHINE=1 lets it pass")
    return told


def check_parent(root: BareRoot) -> str:
    Server(root, "orphan").kill_parent()
    if root.leftovers():
        raise SmokeError(f"it left {root.leftovers()} in /tmp")
    return "killed parent: the server stops and nothing stays in /tmp"


def check_conversation(root: BareRoot) -> str:
    texts = ["From grace to linus", "From linus to grace ✓"]
    talk(Server(root, "data"), texts)
    found = remembered(Server(root, "data"))
    if found != texts:
        raise SmokeError(f"after kill -9 the room holds {found}")
    return "conversation: both messages are there once after kill -9"


def check_encryption(root: BareRoot) -> str:
    """What is loaded only where it is needed, too: Apple's profile, the QR code."""
    server = Server(root, "encrypted")
    with ExitStack() as ends:
        ends.callback(server.kill)
        set_up(server, ends)
        trust = f"http://127.0.0.1:{server.port}/trust"
        trusting = ssl.create_default_context(cadata=_patiently(f"{trust}/chatbox-ca.crt").decode())
        _get(f"https://127.0.0.1:{server.port}/readyz", trusting)
        for name, mark in (("chatbox.mobileconfig", b"com.apple.security.root"), ("qr.svg", b"<svg")):
            if mark not in (found := _get(f"{trust}/{name}")):
                raise SmokeError(f"{name} is {found!r}")
    return "encryption: HTTPS answers, with a certificate of its own"


def _get(url: str, trusting: ssl.SSLContext | None = None) -> bytes:
    with urllib.request.urlopen(url, timeout=WAIT, context=trusting) as response:
        body: bytes = response.read()
        return body


def _patiently(url: str) -> bytes:
    """What comes to be there soon after the setup."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return _get(url)
        except urllib.error.HTTPError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def set_up(server: Server, ends: ExitStack) -> None:
    """Name the server and make its admin, ada; everybody may join."""
    code = (server.data / "setup-code.txt").read_text("utf-8").split()[0]
    everyone = {"server_name": "Smoke", "join": "network"}
    Person(server, ends, "setup.complete", name="ada", password=PASSWORD, secret=code, **everyone)


def talk(server: Server, texts: list[str]) -> None:
    """Set the server up, register grace and linus, let each post a text that the other receives; kill -9."""
    with ExitStack() as ends:
        ends.callback(server.kill)
        set_up(server, ends)
        people = [
            Person(server, ends, "user.register", name=name, password=PASSWORD) for name in ("grace", "linus")
        ]
        for sender, receiver, text in zip(people, reversed(people), texts, strict=True):
            sender.do("message.post", room=sender.rooms["general"], nonce=f"nonce-{sender.id:04}", text=text)
            receiver.receive(text)
        server.kill()


def remembered(server: Server) -> list[str]:
    """The texts that grace finds in the room."""
    with ExitStack() as ends:
        ends.callback(server.kill)
        grace = Person(server, ends, "session.create", name="grace", password=PASSWORD)
        history = grace.do("room.history", room=grace.rooms["general"])
        return [message["text"] for message in history["messages"]]


CHECKS: list[Check] = [
    check_size,
    check_libraries,
    check_version,
    check_start,
    check_parent,
    check_conversation,
    check_encryption,
]


def main(executable: Path) -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chatbox-smoke-") as folder:
        root = BareRoot.make(Path(folder), executable)
        for check in CHECKS:
            try:
                print("ok  ", check(root), flush=True)
            except FAILURES as error:
                failed += 1
                print("FAIL", f"{check.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
