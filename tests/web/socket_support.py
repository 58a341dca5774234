"""A WebSocket in the hands of a test: commands by name, and what came."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.web.support import Person, Site

WAIT = 10.0  # seconds


class Line:
    """One connection. Everything that came is kept as the text that it was."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.texts: list[str] = []
        self._ids = itertools.count(1)

    def send(self, do: str, /, **fields: Any) -> int:
        """Send a command without waiting; gives its id."""
        id = next(self._ids)
        self.socket.send(json.dumps({"id": id, "do": do, **fields}))
        return id

    def post(self, room: int, text: str = "hello") -> int:
        return self.send("message.post", room=room, nonce=secrets.token_hex(8), text=text)

    def next(self) -> Any:
        """What comes next."""
        text = self.socket.recv(WAIT)
        assert isinstance(text, str)
        self.texts.append(text)
        return json.loads(text)

    def answer(self, id: int | None) -> Any:
        """The answer to a command; what comes before it is kept in `texts` only."""
        while True:
            found = self.next()
            if "re" in found and found["re"] == id:
                return found

    def call(self, do: str, /, **fields: Any) -> Any:
        """The reply to a command."""
        found = self.answer(self.send(do, **fields))
        assert "ok" in found, found
        return found["ok"]

    def refused(self, do: str, /, **fields: Any) -> Any:
        """The error of a command."""
        return self.answer(self.send(do, **fields))["error"]

    def event(self, kind: str) -> Any:
        """The next event of this kind."""
        while True:
            found = self.next()
            if found.get("ev") == kind:
                return found

    def closed(self) -> tuple[int, str]:
        """Wait for the end; gives the close code and its reason."""
        try:
            while True:
                self.next()
        except ConnectionClosed:
            assert self.socket.close_code is not None
            return self.socket.close_code, self.socket.close_reason or ""


@contextmanager
def line(site: Site, who: Person | None = None, headers: Mapping[str, str] | None = None) -> Iterator[Line]:
    """A connection of this person, with a bearer token unless headers say otherwise."""
    sent = dict(headers) if headers is not None else who.bearer if who else {}
    address = f"ws://127.0.0.1:{site.port}/ws"
    with connect(address, additional_headers=sent, compression=None, proxy=None, max_size=None) as socket:
        yield Line(socket)
