"""The parts of an instance that differ between a server of its own and a node of a cluster."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chatbox.bus.base import Bus, Publication
from chatbox.bus.link import Away, Link, Refused
from chatbox.bus.local import LocalBus, SilentBus
from chatbox.bus.redis import RedisBus
from chatbox.bus.seal import Seal
from chatbox.chat.context import Cluster, Context
from chatbox.chat.following import Following
from chatbox.chat.setup_code import Codes, SharedCodes
from chatbox.clock import Clock
from chatbox.data_folder import secret_of
from chatbox.errors import NetworkError
from chatbox.live.confirmed import Confirmed, SharedConfirmed
from chatbox.live.follower import Follower
from chatbox.live.hub import Hub
from chatbox.live.moves import Moves
from chatbox.live.nodes import Lease, Nodes
from chatbox.live.presence import Presence
from chatbox.live.rate import Rate
from chatbox.live.shared import SharedRate, SharedThrottle
from chatbox.live.shared_moves import SharedMoves
from chatbox.live.sweep import Sweep
from chatbox.live.throttle import Throttle
from chatbox.settings import Settings
from chatbox.store.base import Store
from chatbox.tasks import cancel_all

_BLIND = 5.0  # seconds without the database after which a node says so
_CUT_OFF = 15.0  # and after which, if others see it, people had better go there: they have told it by then
_SERVER_EVENT = b'{"ev":"server"'
_OF_ALL_NODES = ("chosen", "name")  # kinds of addresses that may lead to the balancer, for every node


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
    codes: Codes
    secret: bytes


class Alone:
    """`chat.context.Cluster` of a server that is its only node."""

    def join(self, ctx: Context) -> None:
        """There is nobody to follow."""

    async def leave(self) -> None:
        """There is nobody to tell."""

    async def leases(self) -> list[Lease] | None:
        return []

    def others(self) -> list[Lease]:
        return []

    def as_good_as_others(self) -> bool:
        return False

    def figures(self) -> dict[str, tuple[str, str, float]]:
        return {}


class Watching:
    """`chat.context.Cluster` of a server on PostgreSQL without a Redis: what others did on the database, and
    what became of a COMMIT whose answer was lost, is found by looking."""

    def __init__(self, follower: Follower, hub: Hub, store: Store) -> None:
        self.follower = follower
        self._hub = hub
        self._store = store
        self._sweep: Sweep | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def join(self, ctx: Context) -> None:
        following = Following(ctx, self.follower)
        self._sweep = Sweep(self._store, self._hub, self.follower, following, ctx.clock)
        self._hub.watch(self._see_settings)
        self._tasks = [asyncio.create_task(self._sweep.run(), name="sweep")]

    async def leave(self) -> None:
        await cancel_all(self._tasks)

    async def leases(self) -> list[Lease] | None:
        return []

    def others(self) -> list[Lease]:
        return []

    def as_good_as_others(self) -> bool:
        return True

    def figures(self) -> dict[str, tuple[str, str, float]]:
        looks = 0 if self._sweep is None else self._sweep.done
        return {
            "chatbox_repairs_total": (
                "counter",
                "Times that something of other nodes was read, as it had not been heard.",
                self.follower.repaired,
            ),
            "chatbox_looks_total": ("counter", "Times that the database was asked what others did.", looks),
        }

    def look_soon(self) -> None:
        """Something may have been missed."""
        if self._sweep is not None:
            self._sweep.soon()

    @property
    def blind(self) -> float:
        """Seconds since the database was last seen."""
        return 0.0 if self._sweep is None else self._sweep.blind

    def _see_settings(self, publication: Publication) -> None:
        """The event says that admins changed something, and the database what."""
        if publication.topic == "all" and publication.event.startswith(_SERVER_EVENT):
            self.look_soon()


class Node(Watching):
    """The same of one node among others, with a Redis between them."""

    def __init__(
        self,
        link: Link,
        bus: RedisBus,
        follower: Follower,
        nodes: Nodes,
        rate: SharedRate,
        ends: Iterable[Callable[[], Awaitable[None]]],
        hub: Hub,
        store: Store,
    ) -> None:
        super().__init__(follower, hub, store)
        self._link = link
        self._bus = bus
        self.nodes = nodes
        self._rate = rate
        self._ends = ends

    def join(self, ctx: Context) -> None:
        super().join(ctx)
        leases = self.nodes.run(lambda: _lease(ctx, self.blind < _BLIND), lambda: ctx.presence.here)
        self._tasks += [
            asyncio.create_task(leases, name="leases"),
            asyncio.create_task(self._rate.run(), name="limits"),
        ]

    async def leave(self) -> None:
        await super().leave()
        await self.nodes.leave()
        for end in self._ends:
            await end()

    async def leases(self) -> list[Lease] | None:
        return await self.nodes.serving()

    def others(self) -> list[Lease]:
        return self.nodes.leases[1:]

    def as_good_as_others(self) -> bool:
        return self.blind < _CUT_OFF or not self.nodes.others_see()

    def figures(self) -> dict[str, tuple[str, str, float]]:
        return {
            "chatbox_nodes": ("gauge", "Nodes of the cluster, as last known.", self.nodes.count),
            "chatbox_redis_up": ("gauge", "Whether Redis answers.", self._link.up),
            "chatbox_bus_dropped_total": ("counter", "What Redis could not be told.", self._bus.dropped),
            **super().figures(),
        }


async def try_redis(address: str) -> None:
    """See that the Redis there lets this node in. One that is away is waited for later. Raises
    `NetworkError`."""
    try:
        await Link(address).try_out()
    except Refused as refused:
        place = urlsplit(address).netloc.rpartition("@")[2]
        raise NetworkError(
            f"The Redis at {place}, of [cluster] redis, cannot be used: {refused}."
        ) from refused
    except Away:
        pass  # the bus says so, too


def parts(
    settings: Settings, folder: Path, clock: Clock, hub: Hub, store: Store, people_rev: int, server: str
) -> Parts:
    """Of the kind that the settings say. `people_rev` is the number of the list of people as it was read,
    `server` the id of the whole."""
    if settings.cluster.redis:
        return _among_others(settings, clock, hub, store, people_rev, server)
    bus: Bus = LocalBus()
    cluster: Cluster = Alone()
    if settings.storage.database:
        bus = follower = Follower(SilentBus(), hub, store, people_rev)
        cluster = Watching(follower, hub, store)
    limits = settings.limits
    return Parts(
        bus=bus,
        cluster=cluster,
        presence=Presence(hub, clock, bus.publish),
        throttle=Throttle(clock),
        rate=Rate(clock, limits.messages_per_second, limits.messages_burst),
        moves=Moves(clock),
        confirmed=Confirmed(clock),
        codes=Codes(),
        secret=secret_of(folder),
    )


def _among_others(
    settings: Settings, clock: Clock, hub: Hub, store: Store, people_rev: int, server: str
) -> Parts:
    link, seal, name = Link(settings.cluster.redis), Seal(settings.cluster.key), secrets.token_hex(8)
    limits = settings.limits
    bus = RedisBus(link, seal, name, lambda: node.look_soon())
    nodes = Nodes(link, seal, bus, clock, name)
    follower = Follower(bus, hub, store, people_rev)
    confirmed = SharedConfirmed(clock, bus)
    codes = SharedCodes(seal.derived("setup"), server, bus)
    follower.open_desk(nodes.TOPIC, nodes.receive)
    follower.open_desk(confirmed.TOPIC, confirmed.hear)
    follower.open_desk(codes.TOPIC, codes.hear)
    rate = SharedRate(
        clock, limits.messages_per_second, limits.messages_burst, link, seal, lambda: nodes.count
    )
    throttle = SharedThrottle(clock, link, seal, lambda: nodes.count)
    moves = SharedMoves(clock, link, seal)
    node = Node(link, bus, follower, nodes, rate, (throttle.close, moves.close), hub, store)
    return Parts(
        bus=follower,
        cluster=node,
        presence=Presence(hub, clock, follower.publish, nodes.elsewhere),
        throttle=throttle,
        rate=rate,
        moves=moves,
        confirmed=confirmed,
        codes=codes,
        secret=seal.derived("secret"),
    )


def _lease(ctx: Context, sees: bool) -> Lease:
    own = [each.url for each in ctx.server.own_addresses() if each.kind not in _OF_ALL_NODES]
    return Lease(
        node="",  # is known where it is written
        host=socket.gethostname(),
        version=ctx.server.version,
        address=next(iter(own or ctx.server.addresses()), ""),
        started=ctx.devices.started_at,
        connections=ctx.hub.count,
        lag=round(ctx.committer.lasted * 1000),
        sees=sees,
    )
