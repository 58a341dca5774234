"""What the smoke tests say to a server and to each other, over 127.0.0.1 as a browser would."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from websockets.sync.client import connect
from websockets.typing import Origin

WAIT = 10.0  # seconds for one answer
PASSWORD = "seven walnut rivers at dawn"


class SmokeError(Exception):
    """What did not hold."""


class Server(Protocol):
    """A Chatbox that serves."""

    port: int
    data: Path

    def kill(self) -> None:
        """End all of its processes at once, as a loss of power would."""


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


def check_https(server: Server, ends: ExitStack) -> None:
    """What is loaded only where it is needed, too: Apple's profile, the QR code."""
    set_up(server, ends)
    trust = f"http://127.0.0.1:{server.port}/trust"
    trusting = ssl.create_default_context(cadata=_patiently(f"{trust}/chatbox-ca.crt").decode())
    get(f"https://127.0.0.1:{server.port}/readyz", trusting)
    for name, mark in (("chatbox.mobileconfig", b"com.apple.security.root"), ("qr.svg", b"<svg")):
        if mark not in (found := get(f"{trust}/{name}")):
            raise SmokeError(f"{name} is {found!r}")


def get(url: str, trusting: ssl.SSLContext | None = None) -> bytes:
    """What is at this address."""
    with urllib.request.urlopen(url, timeout=WAIT, context=trusting) as response:
        body: bytes = response.read()
        return body


def _patiently(url: str) -> bytes:
    """What comes to be there soon after the setup."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return get(url)
        except urllib.error.HTTPError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def outlives_a_kill(start: Callable[[], Server]) -> str:
    """Two people talk, the server is killed, and a new start has what they said."""
    texts = ["From grace to linus", "From linus to grace ✓"]
    talk(start(), texts)
    found = remembered(start())
    if found != texts:
        raise SmokeError(f"after the kill the room holds {found}")
    return "conversation: both messages are there once after a kill"


def encrypts(server: Server) -> str:
    """HTTPS with a certificate that the server's own authority vouches for."""
    with ExitStack() as ends:
        ends.callback(server.kill)
        check_https(server, ends)
    return "encryption: HTTPS answers, with a certificate of its own"
