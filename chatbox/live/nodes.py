"""The nodes of a cluster, and who is on them, by leases in Redis.

Each node keeps a lease of 15 seconds, and beside it the list of who is there. A node that leaves takes both
away; one that died is forgotten when its lease ends. Between two writings only what changed is told, once a
second. While Redis is away the others stay as they were last known, for two minutes, in which most troubles
are over; then nobody counts as being on them. When Redis is back, maybe empty, each has ten seconds to come.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from msgspec import MsgspecError, Struct, msgpack, structs

from chatbox.bus.base import Bus, Publication
from chatbox.bus.link import Away, Command, Link
from chatbox.bus.seal import Seal
from chatbox.clock import Clock

log = logging.getLogger("chatbox.nodes")

T = TypeVar("T")

LEASE = 15  # seconds
_REFRESH = 5.0  # seconds from one writing to the next
_LOOK = 2.5  # seconds from one reading to the next
_ASKED = 1.5  # seconds in which a node that was asked has written its list
_FROZEN = 120.0  # seconds
_GRACE = 10.0  # seconds
_TOLD = 12.0  # seconds for which a lease says whether its node sees the database; it is newer if all is well


class Lease(Struct, frozen=True):
    """What a node says of itself: `started` in milliseconds since 1970, `lag` the milliseconds of its last
    transaction, `presence` the number of the latest change to who is there, `sees` whether the database
    answers."""

    node: str
    host: str
    version: str
    address: str
    started: int
    connections: int = 0
    lag: int = 0
    presence: int = 0
    sees: bool = True


class _People(Struct, array_like=True, frozen=True):
    """Who is on a node after so many changes: "online" or "away"."""

    number: int
    states: dict[int, str]


class _News(Struct, array_like=True, frozen=True):
    """What changed on a node: "offline" is who is gone. `left`: the node itself is. `asked` are nodes that
    are to write their lists now, because what they told does not fit to what is known."""

    node: str
    number: int = 0
    states: dict[int, str] = {}
    left: bool = False
    asked: list[str] = []


class _Other(Struct):
    """Another node, as last heard of."""

    lease: Lease
    written_at: float = 0.0  # on the clock of this node
    number: int = -1  # of the changes to its people that are known
    states: dict[int, str] = {}


class Nodes:
    """All nodes as this one knows them. `run` is to be a task."""

    TOPIC = "nodes"

    def __init__(self, link: Link, seal: Seal, bus: Bus, clock: Clock, node: str) -> None:
        """`bus` is the one between the nodes."""
        self._link = link
        self._line = link.line()
        self._seal = seal
        self._bus = bus
        self._clock = clock
        self._node = node
        self._own = Lease(node, "", "", "", 0)
        self._here: dict[int, str] = {}  # as last told
        self._number = 0
        self._written = -1  # the number of the list of people that is in Redis
        self._others: dict[str, _Other] = {}
        self._elsewhere: dict[int, str] | None = {}  # None: to be put together anew
        self._refresh_at = self._look_at = 0.0
        self._unclear: set[str] = set()  # nodes whose news do not fit to what is known
        self._up_since: float | None = None  # None: Redis is away
        self._away_since = clock.monotonic()
        self.count = 1  # of the nodes as last known, for limits that are divided among them

    @property
    def leases(self) -> list[Lease]:
        """Of all nodes, this one first."""
        return [self._own, *(other.lease for other in self._others.values())]

    def others_see(self) -> bool:
        """Whether another node is known to see the database. It is not known by a lease that is not written
        anew when it should be, nor before all have had time to write to a Redis that is back."""
        now = self._clock.monotonic()
        if not self._link.up or self._up_since is None or now - self._up_since < _GRACE:
            return False
        return any(other.lease.sees and now - other.written_at < _TOLD for other in self._others.values())

    async def serving(self) -> list[Lease] | None:
        """The leases of all nodes that serve, read just now; None while Redis is away."""
        if not self._link.up:
            return None
        try:
            await self._look(self._clock.monotonic())
        except Away:
            return None
        return [lease for lease in self.leases if lease.address]

    def elsewhere(self) -> Mapping[int, str]:
        """The state of everybody who is on another node: away is who is away on all of them."""
        if self._elsewhere is None:
            found: dict[int, str] = {}
            for other in self._others.values():
                found |= {user: state for user, state in other.states.items() if found.get(user) != "online"}
            self._elsewhere = found
        return self._elsewhere

    async def run(self, lease: Callable[[], Lease], here: Callable[[], Mapping[int, str]]) -> None:
        """Keep the lease, and follow the others. `lease` says what this node is like, `here` who is on it."""
        while True:
            try:
                await self.tick(lease, here())
            except Exception:
                log.exception("the other nodes could not be looked after")
            await asyncio.sleep(1.0)

    async def tick(self, lease: Callable[[], Lease], here: Mapping[int, str]) -> None:
        """What is done once a second."""
        self._tell(here)
        now = self._clock.monotonic()
        if not self._link.up:
            self._freeze(now)
            return
        if self._up_since is None:
            self._up_since, self._refresh_at, self._look_at, self._written = now, now, now, -1
        try:
            if self._unclear:
                self._publish(_News(self._node, asked=sorted(self._unclear)))
                self._unclear.clear()
                self._look_at = min(self._look_at, now + _ASKED)
            own = lease()
            if own.sees != self._own.sees:
                self._refresh_at = now  # the others go by it
            if now >= self._refresh_at:
                await self._write(own)
                self._refresh_at = now + _REFRESH
            if now >= self._look_at:
                await self._look(now)
                self._look_at = now + _LOOK
        except Away as away:
            log.debug("leases have to wait: %s", away)

    async def leave(self) -> None:
        """Let the others know that this node ends."""
        self._publish(_News(self._node, left=True))
        prefix = self._seal.prefix
        try:
            await self._line.run(
                [
                    ("DEL", f"{prefix}node:{self._node}", f"{prefix}people:{self._node}"),
                    ("SREM", f"{prefix}nodes", self._node),
                ]
            )
        except Away as away:
            log.debug("the lease of this node has to end by itself: %s", away)
        await self._line.close()

    def receive(self, publication: Publication) -> None:
        """What another node tells of itself."""
        news = msgpack.decode(publication.event, type=_News)
        if news.left:
            self._forget([news.node])
        elif news.asked:
            if self._node in news.asked:
                self._refresh_at = 0.0
        else:
            self._apply(news)

    def _apply(self, news: _News) -> None:
        other = self._others.get(news.node)
        if other is not None and news.number == other.number + 1:
            other.number = news.number
            _change(other.states, news.states)
            self._elsewhere = None
        elif other is None or news.number > other.number:
            self._unclear.add(news.node)

    # -- this node -----------------------------------------------------------------------------------------

    def _tell(self, here: Mapping[int, str]) -> None:
        changed = {user: state for user, state in here.items() if self._here.get(user) != state}
        changed |= {user: "offline" for user in self._here if user not in here}
        if changed:
            self._number += 1
            self._here = dict(here)
            self._publish(_News(self._node, self._number, changed))

    def _publish(self, news: _News) -> None:
        self._bus.publish([Publication(self.TOPIC, msgpack.encode(news))])

    async def _write(self, lease: Lease) -> None:
        self._own = structs.replace(lease, node=self._node, presence=self._number)
        name, people = f"node:{self._node}", f"people:{self._node}"
        prefix = self._seal.prefix
        commands: list[Command] = [("EXPIRE", prefix + people, LEASE)]
        if self._written != self._number:
            commands = [self._set(people, msgpack.encode(_People(self._number, self._here)))]
        commands += [("SADD", f"{prefix}nodes", self._node), ("EXPIRE", f"{prefix}nodes", LEASE)]
        commands += [self._set(name, msgpack.encode(self._own))]
        number = self._number
        kept, *_ = await self._line.run(commands)
        self._written = number if kept else -1

    def _set(self, name: str, payload: bytes) -> Command:
        return ("SET", self._seal.prefix + name, self._seal.seal(name, payload), "EX", LEASE)

    # -- the others ----------------------------------------------------------------------------------------

    async def _look(self, now: float) -> None:
        prefix = self._seal.prefix
        (members,) = await self._line.run([("SMEMBERS", f"{prefix}nodes")])
        names = sorted({member.decode() for member in members} - {self._node})
        sealed: list[bytes | None] = []
        left: list[int] = []  # milliseconds
        if names:
            keys = [f"{prefix}node:{name}" for name in names]
            sealed, *left = await self._line.run([("MGET", *keys), *(("PTTL", key) for key in keys)])
        dead = []
        for name, data, still in zip(names, sealed, left, strict=True):
            lease = self._opened(f"node:{name}", data, Lease)
            if lease is None:
                dead.append(name)
            else:
                other = self._others.setdefault(name, _Other(lease, states={}))
                other.lease, other.written_at = lease, now + still / 1000 - LEASE
        await self._read_people()
        if dead:
            await self._line.run([("SREM", f"{prefix}nodes", *dead)])
        if self._up_since is not None and now - self._up_since >= _GRACE:
            self._forget(set(self._others) - (set(names) - set(dead)))
        self.count = 1 + len(self._others)

    async def _read_people(self) -> None:
        behind = [name for name, other in self._others.items() if other.number < other.lease.presence]
        if not behind:
            return
        (lists,) = await self._line.run([("MGET", *(f"{self._seal.prefix}people:{name}" for name in behind))])
        for name, data in zip(behind, lists, strict=True):
            people = self._opened(f"people:{name}", data, _People)
            other = self._others.get(name)  # it may have left meanwhile
            if people is not None and other is not None and people.number > other.number:
                other.number = people.number
                other.states = people.states
                self._elsewhere = None

    def _opened(self, name: str, data: bytes | None, kind: type[T]) -> T | None:
        payload = None if data is None else self._seal.open(name, data)
        try:
            return None if payload is None else msgpack.decode(payload, type=kind)
        except MsgspecError as error:
            log.debug("%s is of another version: %s", name, error)
            return None

    def _freeze(self, now: float) -> None:
        if self._up_since is not None:
            self._up_since, self._away_since = None, now
        if self._others and now - self._away_since >= _FROZEN:
            self._forget(list(self._others))

    def _forget(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            if self._others.pop(node, None) is not None:
                self._elsewhere = None


def _change(states: dict[int, str], changed: Mapping[int, str]) -> None:
    for user, state in changed.items():
        if state == "offline":
            states.pop(user, None)
        else:
            states[user] = state
