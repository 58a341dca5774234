"""What a use case is handed: the parts of the server, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import json

from chatbox.backup.keeper import Keeper
from chatbox.bus.base import Bus, Publication
from chatbox.chat.chosen import Chosen
from chatbox.chat.drawing import Drawing
from chatbox.chat.hashing import Hashing
from chatbox.chat.machine import Machine, NoMachine
from chatbox.chat.setup_code import SetupCode
from chatbox.clock import Clock
from chatbox.errors import SignedOut
from chatbox.live.ages import Ages
from chatbox.live.committer import Committer
from chatbox.live.confirmed import Confirmed
from chatbox.live.connection import Connection
from chatbox.live.devices import Devices
from chatbox.live.directory import Directory
from chatbox.live.erasing import Erasing
from chatbox.live.hub import Hub
from chatbox.live.lately import Lately
from chatbox.live.moves import Moves
from chatbox.live.nodes import Lease
from chatbox.live.notices import Notices
from chatbox.live.presence import Presence
from chatbox.live.rate import Rate
from chatbox.live.throttle import Throttle
from chatbox.live.turns import Turns
from chatbox.model import OwnAddress
from chatbox.settings import Settings
from chatbox.store import users
from chatbox.store.base import Steps, Store
from chatbox.store.blobs import Blobs

T = TypeVar("T")

_SERVER_EVENT = b'{"ev":"server"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `user` 0 is nobody; `address` is the peer's, in canonical form; `session` is the sign-in."""

    user: int = 0
    session: int = 0
    admin: bool = False
    bot: bool = False
    shared: bool = False  # signed in on a shared computer
    bearer: bool = False  # by a token, not by a browser's sign-in
    address: str = ""
    local: bool = False  # from this very computer, and through no proxy that shows itself
    agent: str = ""  # the browser's User-Agent, at most 400 characters
    connection: Connection | None = None

    def on(self, connection: Connection) -> Caller:
        """The same caller, over this connection."""
        return replace(self, connection=connection)

    def require_user(self) -> int:
        """The user's id. Raises `SignedOut` for nobody."""
        if not self.user:
            raise SignedOut
        return self.user


@dataclass
class Server:
    """What the server knows of itself; `name`, `join` and `logo` follow what is published of it."""

    id: str
    epoch: str
    name: str
    join: str  # network, invite, closed
    version: str
    logo: str = ""  # hash of the picture that stands for it
    assets: str = ""  # content hash of the web client
    setup_open: bool = False
    stopping: bool = False
    addresses: Callable[[], list[str]] = field(default=list)  # where it is reached, the likeliest first
    own_addresses: Callable[[], list[OwnAddress]] = field(default=list)  # the same, and what each is
    restart: Callable[[], None] = field(default=lambda: None)  # stop gracefully, and start again

    def receive(self, publication: Publication) -> None:
        """Follow what admins change."""
        if publication.topic == "all" and publication.event.startswith(_SERVER_EVENT):
            event = json.decode(publication.event)
            self.name, self.logo = event["server"]["name"], event["server"]["logo"]
            self.join = event.get("join", self.join)


class Cluster(Protocol):
    """What a node has to do with the others."""

    def join(self, ctx: Context) -> None:
        """Begin to follow them."""
        ...

    async def leave(self) -> None:
        """Follow them no more, and let them know."""
        ...

    async def leases(self) -> list[Lease] | None:
        """What all nodes that serve say of themselves just now; None while Redis is away."""
        ...

    def others(self) -> list[Lease]:
        """What the other nodes last said of themselves."""
        ...

    def as_good_as_others(self) -> bool:
        """Whether people may as well stay here while the database is away: no other node sees it either, or
        that is not known, as while Redis is away."""
        ...

    def figures(self) -> dict[str, tuple[str, str, float]]:
        """For `/metrics`, by name: the kind, what it is, and the value."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one running server."""

    folder: Path  # of the data
    secret: bytes  # of the data folder; neither the database nor a backup has it
    chosen: Chosen
    clock: Clock
    ages: Ages
    store: Store
    committer: Committer
    hub: Hub
    bus: Bus
    cluster: Cluster
    directory: Directory
    presence: Presence
    throttle: Throttle
    rate: Rate
    searches: Turns[int]  # by user
    moves: Moves
    confirmed: Confirmed
    hashing: Hashing
    drawing: Drawing
    blobs: Blobs
    backups: Keeper
    notices: Notices
    server: Server
    devices: Devices
    refused: Lately  # networks of which somebody was not let in
    erasing: Erasing = field(default_factory=Erasing)
    machine: Machine = field(default_factory=NoMachine)
    setup: SetupCode | None = None  # None: setup was done before this start

    @property
    def settings(self) -> Settings:
        """The settings in force at the moment."""
        return self.chosen.settings

    def take_settings(self, stored: Mapping[str, str]) -> None:
        """These settings of admins are in force from now on."""
        self.chosen.take(stored)
        limits = self.settings.limits
        self.rate.change(limits.messages_per_second, limits.messages_burst)

    async def read_for(self, caller: Caller, steps: Callable[[], Steps[T]], *, slow: bool = False) -> T:
        """Read what a user may see. Raises `SignedOut` where the sign-in ended meanwhile.

        `steps` checks the rights to a room itself; where they changed while it was read, it is read again, so
        that nobody is answered with what was theirs a moment ago."""

        def checked() -> Steps[T]:
            yield from users.acting(caller.require_user(), caller.session)
            return (yield from steps())

        while True:
            generation = self.hub.generation(caller.user)
            result = await self.store.read(checked(), slow=slow)
            if self.hub.generation(caller.user) == generation:
                return result


def sits_there(ctx: Context, caller: Caller) -> bool:
    """Whether the caller sits at this computer. A proxy on it would make everybody seem to."""
    return caller.local and not ctx.settings.server.trusted_proxies
