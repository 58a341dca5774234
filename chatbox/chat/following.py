"""What a node of a cluster takes over from the database, whichever node changed it."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from msgspec import json

from chatbox.bus.base import Publication
from chatbox.chat import accounts, described, setup
from chatbox.chat.context import Context
from chatbox.live.follower import Follower
from chatbox.protocol import events
from chatbox.protocol.frames import RESTARTING
from chatbox.store import heads

log = logging.getLogger("chatbox.following")

_PATIENT_LOOKS = 60  # two minutes


class Following:
    """`live.sweep.Server` for one node."""

    def __init__(self, ctx: Context, follower: Follower) -> None:
        self._ctx = ctx
        self._follower = follower
        self._unerased = 0  # looks at which messages were to be deleted

    async def take(self, meta: dict[str, Any]) -> bool:
        ctx = self._ctx
        if meta["epoch"] != ctx.server.epoch:
            await self._begin_anew(meta["epoch"])
            return False
        if ctx.server.setup_open and meta["setup"] != "open":
            accounts.setup_done(ctx)
        self._take_settings(meta)
        self._see_erasing(meta)
        return True

    async def lost(self, behind: dict[str, int]) -> None:
        """Everybody has to load again what the database has: a new epoch tells every node and client."""
        epoch = secrets.token_hex(8)
        ended = self._ctx.server.epoch
        if await self._ctx.committer.submit(lambda _: heads.renew_epoch(ended, epoch, behind)):
            topic, number = min(behind.items())
            log.error(
                "The database is behind what it had stored: it knew %s up to %d. Was an older state of it put"
                " in place? Everybody loads anew what it has now",
                topic,
                number,
            )
            await self._begin_anew(epoch)

    def _see_erasing(self, meta: dict[str, Any]) -> None:
        """The node that began to delete a former member's messages may have died."""
        waits = meta.get("erase", "[]") != "[]"
        self._unerased = self._unerased + 1 if waits else 0
        if self._unerased == _PATIENT_LOOKS:
            self._unerased = 0
            self._ctx.erasing.wake.set()

    def _take_settings(self, meta: dict[str, Any]) -> None:
        ctx = self._ctx
        if ctx.chosen.turn.locked():  # a change is on its way that this may be older than
            return
        stored = json.decode(meta.get("settings", "{}"), type=dict[str, str])
        changed = stored != ctx.chosen.stored
        if changed:
            ctx.take_settings(stored)
        known = {
            "name": setup.shown_name(ctx.settings, meta["name"]),
            "logo": meta.get("logo_hash", ""),
        }
        server = described.server(ctx.server)
        if changed or meta["join"] != ctx.server.join or server != server | known:
            event = {"ev": "server", "server": server | known, "join": meta["join"]}
            event["limits"] = described.limits(ctx.settings)
            ctx.hub.receive(Publication("all", events.encode(event)))

    async def _begin_anew(self, epoch: str) -> None:
        ctx = self._ctx
        people_rev, people = await ctx.store.read(heads.people_since(0))
        ctx.server.epoch = epoch
        ctx.directory.load(people_rev, people)
        self._follower.reset(people_rev)
        ctx.hub.forget_heads()
        for connection in ctx.hub.connections:
            connection.close(RESTARTING)
