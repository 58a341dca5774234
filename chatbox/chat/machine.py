"""What the use cases may ask of the computer that the server runs on. The roof hands it over."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from chatbox.errors import Conflict
from chatbox.rules.addresses import Around
from chatbox.rules.firewall import Guide


class Always(NamedTuple):
    """Whether the server starts with its computer; and why that cannot be changed, for a person, or empty.
    `command` is what to type then; empty where no command helps."""

    on: bool
    problem: str = ""
    command: str = ""


class Machine(Protocol):
    """This computer on its network."""

    def own_addresses(self) -> set[str]:
        """Every address of its own, in canonical form."""
        ...

    def around(self) -> Around:
        """The networks with public addresses that it is in now. Blocks for a moment."""
        ...

    def guides(self) -> list[Guide]:
        """How its firewall lets others in; its own kind first, `here` many of them."""
        ...

    @property
    def here(self) -> int:
        """How many of the guides are for a firewall that is at work here."""
        ...

    @property
    def can_open(self) -> bool:
        """Whether `open_firewall` can do it."""
        ...

    async def open_firewall(self) -> str:
        """Do it, once the person at the screen agrees. Returns what went wrong; empty where all went well."""
        ...

    async def always(self) -> Always:
        """Whether this server starts with the computer."""
        ...

    async def run_always(self, on: bool) -> list[str]:
        """Have it do so, or no more; it goes on running either way. Returns what is good to know.

        Raises `Conflict` with what is in the way."""
        ...


class NoMachine:
    """Stands for it where nobody serves: on the command line."""

    here = 0
    can_open = False

    def own_addresses(self) -> set[str]:
        return set()

    def around(self) -> Around:
        return Around()

    def guides(self) -> list[Guide]:
        return []

    async def open_firewall(self) -> str:
        return "No server runs here."

    async def always(self) -> Always:
        return Always(False, "No server runs here.")

    async def run_always(self, on: bool) -> list[str]:
        raise Conflict("No server runs here.")
