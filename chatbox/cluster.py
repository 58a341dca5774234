"""The parts of an instance that differ between a server of its own and a node of a cluster."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

from chatbox.bus.base import Bus, Publication
from chatbox.bus.link import Link
from chatbox.bus.local import LocalBus
from chatbox.bus.redis import RedisBus
from chatbox.bus.seal import Seal
from chatbox.chat.context import Cluster, Context
from chatbox.chat.following import Following
from chatbox.clock import Clock
from chatbox.data_folder import secret_of
from chatbox.live.confirmed import Confirmed
from chatbox.live.follower import Follower
from chatbox.live.hub import Hub
from chatbox.live.moves import Moves
from chatbox.live.presence import Presence
from chatbox.live.rate import Rate
from chatbox.live.sweep import Sweep
from chatbox.live.throttle import Throttle
from chatbox.settings import Settings
from chatbox.store.base import Store

_SERVER_EVENT = b'{"ev":"server"'


@dataclass(frozen=True, slots=True)
class Parts:
    """What `Context` is made of besides what every instance has. `bus` is to be started."""

    bus: Bus
    cluster: Cluster
    presence: Presence
    throttle: Throttle
    rate: Rate
    moves: Moves
    confirmed: Confirmed
    secret: bytes


class Alone:
    """`chat.context.Cluster` of a server that is its only node."""

    def join(self, ctx: Context) -> None:
        """There is nobody to follow."""

    async def leave(self) -> None:
        """There is nobody to tell."""


class Node:
    """`chat.context.Cluster` of one node among others."""

    def __init__(self, bus: Bus, hub: Hub, store: Store, people_rev: int) -> None:
        """`bus` is the one between the nodes."""
        self.follower = Follower(bus, hub, store, people_rev)
        self._hub = hub
        self._store = store
        self._sweep: Sweep | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def came(self) -> None:
        """The others can be heard, for the first time or again: something may have been missed."""
        if self._sweep is not None:
            self._sweep.soon()

    def join(self, ctx: Context) -> None:
        sweep = self._sweep = Sweep(self._store, self._hub, self.follower, Following(ctx, self.follower))
        self._hub.watch(self._see_settings)
        self._tasks = [asyncio.create_task(sweep.run(), name="sweep")]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _see_settings(self, publication: Publication) -> None:
        """The event says that admins changed something, and the database what."""
        if publication.topic == "all" and publication.event.startswith(_SERVER_EVENT):
            self.came()


def parts(settings: Settings, folder: Path, clock: Clock, hub: Hub, store: Store, people_rev: int) -> Parts:
    """Of the kind that the settings say. `people_rev` is the number of the list of people as it was read."""
    bus: Bus
    cluster: Cluster
    if settings.cluster.redis:
        seal = Seal(settings.cluster.key)
        secret = seal.derived("secret")
        wire = RedisBus(Link(settings.cluster.redis), seal, secrets.token_hex(8), lambda: node.came())
        cluster = node = Node(wire, hub, store, people_rev)
        bus = node.follower
    else:
        bus, cluster, secret = LocalBus(), Alone(), secret_of(folder)
    limits = settings.limits
    return Parts(
        bus=bus,
        cluster=cluster,
        presence=Presence(hub, clock, bus.publish),
        throttle=Throttle(clock),
        rate=Rate(clock, limits.messages_per_second, limits.messages_burst),
        moves=Moves(clock),
        confirmed=Confirmed(clock),
        secret=secret,
    )
