"""The computer that the server runs on, as the use cases see it (`chat.machine.Machine`)."""

from __future__ import annotations

import asyncio
import shutil
import sys

from chatbox.frozen import unpacked_folder
from chatbox.lan import firewall
from chatbox.lan.addresses import every_address
from chatbox.rules.firewall import Guide


class Computer:
    """This computer, for a server on this port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._systems = firewall.detect_here()
        self._asking = asyncio.Lock()
        self._opener = firewall.opener(port, program(), self._systems, _finds)

    @property
    def here(self) -> int:
        return len(self._systems)

    @property
    def can_open(self) -> bool:
        return bool(self._opener)

    def own_addresses(self) -> set[str]:
        return every_address()

    def guides(self) -> list[Guide]:
        return firewall.guides(self._port, program(), self._systems)

    async def open_firewall(self) -> str:
        async with self._asking:  # one question on the screen at a time
            return await firewall.run(self._opener)


def program() -> str:
    """The path of the executable; empty from source, where it is Python's own."""
    return sys.executable if unpacked_folder() else ""


def _finds(name: str) -> bool:
    return shutil.which(name) is not None
