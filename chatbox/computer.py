"""The computer that the server runs on, as the use cases see it (`chat.machine.Machine`)."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from chatbox.chat.machine import Always
from chatbox.errors import Conflict, StartError
from chatbox.frozen import unpacked_folder
from chatbox.lan import firewall
from chatbox.lan.addresses import adapters_of_use, every_address
from chatbox.rules.addresses import Around, around
from chatbox.rules.firewall import Guide
from chatbox.startup import Arguments, Start

if TYPE_CHECKING:
    from chatbox.always import Switch

T = TypeVar("T")

FRESH_FOR = 5.0  # seconds


class Computer:
    """This computer, for a server on this port that was started like this."""

    def __init__(self, port: int, start: Start, arguments: Arguments) -> None:
        self._port = port
        self._started = (start, arguments)
        self._systems = firewall.detect_here()
        self._asking = asyncio.Lock()
        self._addresses = Fresh(every_address)
        self._around = Fresh(lambda: around(adapters_of_use()))
        self._opener = firewall.opener(port, program(), self._systems, _finds)

    @property
    def here(self) -> int:
        return len(self._systems)

    @property
    def can_open(self) -> bool:
        return bool(self._opener)

    def own_addresses(self) -> set[str]:
        return self._addresses()

    def around(self) -> Around:
        return self._around()

    def guides(self) -> list[Guide]:
        return firewall.guides(self._port, program(), self._systems)

    async def open_firewall(self) -> str:
        async with self._asking:  # one question on the screen at a time
            return await firewall.run(self._opener)

    async def always(self) -> Always:
        return await asyncio.to_thread(self._switch().look)

    async def run_always(self, on: bool) -> list[str]:
        async with self._asking:
            try:
                return await asyncio.to_thread(self._switch().turn, on)
            except StartError as error:
                raise Conflict(str(error)) from error

    def _switch(self) -> Switch:
        from chatbox.always import Switch  # only here: no start waits for it

        return Switch(*self._started)


class Fresh(Generic[T]):
    """What takes a moment to find out, and strangers make the server ask for: it may be some seconds old."""

    def __init__(self, find: Callable[[], T]) -> None:
        self._find = find
        self._found: tuple[T, float] | None = None
        self._finding = Lock()

    def __call__(self) -> T:
        with self._finding:
            if self._found is None or monotonic() - self._found[1] > FRESH_FOR:
                self._found = self._find(), monotonic()
            return self._found[0]


def program() -> str:
    """The path of the executable; empty from source, where it is Python's own."""
    return sys.executable if unpacked_folder() else ""


def _finds(name: str) -> bool:
    return shutil.which(name) is not None
