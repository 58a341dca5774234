"""What a node of a cluster looks up again and again, so that it needs to be told nothing.

The last words of a node that died, what Redis lost, a sign-in that ended while Redis was away: all of it
stands in the database, and one look every two seconds finds it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from chatbox.bus.base import Publication
from chatbox.clock import Clock
from chatbox.errors import ChatboxError
from chatbox.live.follower import Follower
from chatbox.live.hub import Hub
from chatbox.live.publisher import ALL_SESSIONS
from chatbox.store import heads
from chatbox.store.base import Store
from chatbox.store.heads import Heads, of_kind

log = logging.getLogger("chatbox.sweep")

EVERY = 2.0  # seconds between two looks, give or take a fifth, so that nodes do not look all at once


class Server(Protocol):
    """What else follows the database."""

    def take(self, meta: dict[str, Any]) -> Awaitable[bool]:
        """What the server knows of itself, as it stands in the database. Gives False where the history is
        another one than before: then all has begun anew."""
        ...

    def lost(self, behind: dict[str, int]) -> Awaitable[None]:
        """The database is behind what was delivered: topics, each with the number it was seen with."""
        ...


class Sweep:
    """Looks for one node. `run` is to be a task."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        follower: Follower,
        server: Server,
        clock: Clock,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store = store
        self._hub = hub
        self._follower = follower
        self._server = server
        self._chance = chance
        self._now = asyncio.Event()
        self._failing = False
        self.done = 0  # looks
        self._clock = clock
        self._seen_at = clock.monotonic()

    @property
    def blind(self) -> float:
        """Seconds since the database was last seen."""
        return self._clock.monotonic() - self._seen_at

    def soon(self) -> None:
        """Look at once: something may have been missed."""
        self._now.set()

    async def run(self) -> None:
        """Look, and look again, without end."""
        while True:
            self._now.clear()
            try:
                await self.look()
                self._failing = False
            except ChatboxError as error:
                if not self._failing:
                    log.info("what the others did cannot be looked up: %s", error.message)
                self._failing = True
            except Exception:
                log.exception("looking up what the others did failed")
            try:
                async with asyncio.timeout(self._chance(0.8, 1.2) * EVERY):
                    await self._now.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """Compare with the database once. Raises `Unavailable`."""
        before = self._follower.positions()
        topics = list(before)
        connections = [(each.session, each.user) for each in self._hub.connections]
        sessions = {pair for pair in connections if pair[0]}
        people = {*of_kind(topics, "user"), *(user for _, user in connections)}
        found = await self._store.read(heads.everything(of_kind(topics, "room"), people, sessions))
        self.done += 1
        self._seen_at = self._clock.monotonic()
        self._close_ended(set(connections), sessions, found)
        if not await self._server.take(found.meta):
            return
        numbers = heads.by_topic(found.rooms, found.mine, int(found.meta["people_rev"]))
        behind = self._follower.compare(before, numbers)
        if behind:
            await self._server.lost(behind)
        self._follower.forget_unheard()

    def _close_ended(
        self, connections: set[tuple[int, int]], sessions: set[tuple[int, int]], found: Heads
    ) -> None:
        """Close what was open when the look began, and stands no more."""
        for user in sorted({user for _, user in connections} - found.active):
            self._hub.receive(Publication(f"user:{user}", ended=(ALL_SESSIONS,)))
        for session, user in sorted(sessions - found.sessions):
            self._hub.receive(Publication(f"user:{user}", ended=(session,)))
