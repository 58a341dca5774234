"""A running server for tests that are no coroutines: its event loop lives in a thread of its own."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from tests.harness.http import Answer, Http
from tests.harness.network import Desk, Host
from tests.harness.process import FREE, PASSWORD, Person, Server

T = TypeVar("T")
_WAIT = 60.0  # seconds for anything that the server does
_OPENER = '#!/bin/sh\nprintf %s "$1" > "{told}.part" && mv "{told}.part" "{told}"\n'


class Site:
    """A server, and people on it who need no window."""

    def __init__(
        self,
        folder: Path,
        settings: dict[str, str] | None = None,
        *,
        at_a_desk: bool = False,
        host: Host | None = None,
    ) -> None:
        """`at_a_desk`: the server finds a screen, and opens a browser there at its first start. `host`: the
        machine that it runs on, where that is another one; then only its own commands reach it from here."""
        self._told = folder / "opened.txt"
        desk = _desk(folder, self._told) if at_a_desk else None
        settings = FREE | (settings or {})
        self.server = Desk(folder, host, settings, desk) if host else Server(folder, settings, desk)
        self.admin: Person | None = None
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def soon(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin something, and go on meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something and wait for it."""
        return self.soon(work).result(_WAIT)

    def start(self) -> None:
        """Start the server, the first time or again."""
        self.run(self.server.start())

    def close(self) -> None:
        """Stop the server, which must end well, with nothing in its log that went wrong."""
        try:
            if self.server.running:
                assert self.run(self.server.stop()) == 0, self.server.log[-4000:]
            self.server.assert_quiet()
        finally:
            if self.server.running:
                self.run(self.server.kill())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    @property
    def opened(self) -> str:
        """The address that the server told the browser to open; waits for it."""

        async def told() -> str:
            there = False
            while not there:
                await asyncio.sleep(0.01)
                there = self._told.exists()
            return self._told.read_text()

        return self.run(told())

    # -- people and what they do ---------------------------------------------------------------------------

    def set_up(self) -> Person:
        """Complete the setup; everybody on this network may join. Gives the admin."""
        return self.run(self.server.set_up())

    def sure(self) -> Person:
        """The admin, whose password was given just now, so that no page asks for it."""
        assert self.admin
        self.ask(self.admin, "session.confirm", password=PASSWORD)
        return self.admin

    def person(self, full_name: str) -> Person:
        """Somebody new, whose user name nobody else has."""
        name = f"{full_name.split()[0].lower()}{next(self._numbers)}"
        person = self.run(self.server.register(name))
        self.ask(person, "user.update", full_name=full_name)
        return person

    def ask(self, person: Person, command: str, /, **fields: Any) -> dict[str, Any]:
        """The answer to a command, which must not be refused."""
        answer = self.run(self.server.command(person, command, **fields))
        assert answer.status == 200, answer.body
        result: dict[str, Any] = answer.json
        return result

    def room(self, owner: Person, name: str, *members: Person, kind: str = "public", topic: str = "") -> int:
        """A new room with these members. Gives its id."""
        room: int = self.ask(owner, "room.create", name=name, kind=kind, topic=topic)["room"]["id"]
        for member in members:
            self.ask(owner, "room.invite", room=room, user=member.id)
        return room

    def direct(self, *people: Person) -> int:
        """The direct room of these people. Gives its id."""
        others = [person.id for person in people[1:]]
        room: int = self.ask(people[0], "direct.open", users=others)["room"]["id"]
        return room

    def post(self, person: Person, room: int, text: str, **fields: Any) -> int:
        """Post a message. Gives its seq."""
        nonce = secrets.token_urlsafe(12)
        seq: int = self.ask(person, "message.post", room=room, text=text, nonce=nonce, **fields)["seq"]
        return seq

    def post_all(self, person: Person, room: int, texts: list[str]) -> None:
        """Post many messages, in this order."""

        async def send() -> None:
            http = Http(self.server.port, person.headers)
            for text in texts:
                nonce = secrets.token_urlsafe(12)
                answer = await http.command("message.post", room=room, text=text, nonce=nonce)
                assert answer.status == 200, answer.body
            await http.close()

        self.run(send())

    def upload(self, person: Person, name: str, body: bytes) -> str:
        """Upload a file. Gives its id."""

        async def send() -> Answer:
            http = Http(self.server.port, person.headers)
            answer = await http.ask("POST", f"/files?name={name}", body)
            await http.close()
            return answer

        answer = self.run(send())
        assert answer.status == 200, answer.body
        id: str = answer.json["id"]
        return id


def _desk(folder: Path, told: Path) -> dict[str, str]:
    """An environment with a screen, whose browser only writes down what it should open."""
    opener = folder / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(_OPENER.format(told=told))
    opener.chmod(0o700)
    path = f"{opener.parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "DISPLAY": ":0", "SSH_CONNECTION": "", "SSH_TTY": ""}


__all__ = ["PASSWORD", "Person", "Site"]
