"""The parts of an instance that differ between a server of its own and a node of a cluster."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
from chatbox.live.nodes import TOPIC, Lease, Nodes
from chatbox.live.presence import Presence
from chatbox.live.rate import Rate
from chatbox.live.shared import SharedRate, SharedThrottle
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

    def __init__(
        self,
        follower: Follower,
        nodes: Nodes,
        rate: SharedRate,
        throttle: SharedThrottle,
        hub: Hub,
        store: Store,
    ) -> None:
        self.follower = follower
        self.nodes = nodes
        self._rate = rate
        self._throttle = throttle
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
        leases = self.nodes.run(partial(_lease, ctx), lambda: ctx.presence.here)
        self._tasks = [
            asyncio.create_task(sweep.run(), name="sweep"),
            asyncio.create_task(leases, name="leases"),
            asyncio.create_task(self._rate.run(), name="limits"),
        ]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.nodes.leave()
        await self._throttle.close()

    def _see_settings(self, publication: Publication) -> None:
        """The event says that admins changed something, and the database what."""
        if publication.topic == "all" and publication.event.startswith(_SERVER_EVENT):
            self.came()


def parts(settings: Settings, folder: Path, clock: Clock, hub: Hub, store: Store, people_rev: int) -> Parts:
    """Of the kind that the settings say. `people_rev` is the number of the list of people as it was read."""
    bus: Bus
    cluster: Cluster
    limits = settings.limits
    throttle = Throttle(clock)
    rate = Rate(clock, limits.messages_per_second, limits.messages_burst)
    elsewhere: Callable[[], Mapping[int, str]] = dict
    if settings.cluster.redis:
        link, seal, name = Link(settings.cluster.redis), Seal(settings.cluster.key), secrets.token_hex(8)
        wire = RedisBus(link, seal, name, lambda: node.came())
        bus = follower = Follower(wire, hub, store, people_rev)
        nodes = Nodes(link, seal, wire, clock, name)
        follower.open_desk(TOPIC, nodes.receive)
        throttle = shared = SharedThrottle(clock, link, seal, lambda: nodes.count)
        rate = SharedRate(
            clock, limits.messages_per_second, limits.messages_burst, link, seal, lambda: nodes.count
        )
        cluster = node = Node(follower, nodes, rate, shared, hub, store)
        secret, elsewhere = seal.derived("secret"), nodes.elsewhere
    else:
        bus, cluster, secret = LocalBus(), Alone(), secret_of(folder)
    return Parts(
        bus=bus,
        cluster=cluster,
        presence=Presence(hub, clock, bus.publish, elsewhere),
        throttle=throttle,
        rate=rate,
        moves=Moves(clock),
        confirmed=Confirmed(clock),
        secret=secret,
    )


def _lease(ctx: Context) -> Lease:
    return Lease(
        node="",  # is known where it is written
        host=socket.gethostname(),
        version=ctx.server.version,
        address=next(iter(ctx.server.addresses()), ""),
        started=ctx.devices.started_at,
        connections=ctx.hub.count,
        lag=round(ctx.committer.lasted * 1000),
    )
