"""Coming in and catching up: `hello`, `ping`, and whether somebody is at the screen.

A snapshot and the events after it must meet without a gap: the connection first listens, keeping events back;
then everything is read in one transaction; where the caller's access changed meanwhile it is read again; then
the reply is queued, and behind it what was kept back.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from chatbox.chat import described, pages, tickets
from chatbox.chat.context import Caller, Context
from chatbox.chat.pages import PAGE_BYTES
from chatbox.errors import Busy, SignedOut
from chatbox.live.connection import Connection
from chatbox.model import Message
from chatbox.protocol import commands
from chatbox.store import rooms, users
from chatbox.store.base import Steps

_PER_ROOM = 500
_IN_VAIN = 8  # rooms read whose changes do not fit: else hundreds of busy rooms would be read for nothing
_TRIES = 20


async def hello(ctx: Context, caller: Caller, cmd: commands.Hello) -> dict[str, Any]:
    """A snapshot of what is the caller's. Over a WebSocket, every event after it follows."""
    caller.require_user()
    connection = caller.connection
    if connection is None:
        return _reply(ctx, caller, await ctx.read_for(caller, lambda: _snapshot(ctx, caller, cmd)))
    connection.hold()
    try:
        async with connection.snapshot_turn:
            return _reply(ctx, caller, await _listen_and_read(ctx, caller, connection, cmd))
    except BaseException:
        connection.unhold()
        raise


async def _listen_and_read(
    ctx: Context, caller: Caller, connection: Connection, cmd: commands.Hello
) -> dict[str, Any]:
    for _ in range(_TRIES):
        generation = ctx.hub.generation(caller.user)
        mine = await ctx.store.read(rooms.ids_of_user(caller.user))
        if ctx.hub.generation(caller.user) != generation:
            continue  # who was removed meanwhile must not hear the room for even a moment
        ctx.hub.subscribe(connection, mine)
        await ctx.bus.subscribe([f"user:{caller.user}", *(f"room:{room}" for room in mine)])
        snapshot = await ctx.store.read(_snapshot(ctx, caller, cmd))
        # What another node did before its topics were followed here changed no generation.
        hears_its_own = connection.rooms == {room["id"] for room in snapshot["rooms"]}
        if hears_its_own and ctx.hub.generation(caller.user) == generation:
            for room in snapshot["rooms"]:
                ctx.hub.note_head(room["id"], room["head"])
            return snapshot
    raise Busy("Too much is changing just now. Try again in a moment.")


def _snapshot(ctx: Context, caller: Caller, cmd: commands.Hello) -> Steps[dict[str, Any]]:
    if not (yield from rooms.access(0, caller.user, caller.session)).active:
        raise SignedOut
    account = yield from users.account(caller.user)
    meta = yield from users.meta()
    known = cmd.epoch in (None, ctx.server.epoch)
    found: dict[str, Any] = {"me": account.me(), "people_rev": meta["people_rev"]}
    found["ticket"] = None if caller.bearer else (yield from tickets.issue(ctx, caller.session))
    found["mine"] = yield from users.mine(caller.user)
    found["rooms"] = yield from rooms.of_user(caller.user)
    if known and cmd.people is not None and cmd.people <= meta["people_rev"]:
        found["people"] = yield from users.people(cmd.people)
    elif meta["people_rev"] == ctx.directory.people_rev:
        found["people"] = Raw(ctx.directory.encoded())
    else:
        found["people"] = yield from users.people()
    if cmd.heads:
        found["changes"] = yield from _changes(found["rooms"], cmd.heads, known)
    return found


def _changes(mine: list[dict[str, Any]], heads: dict[str, int], known: bool) -> Steps[dict[str, Any]]:
    """What changed since these heads in rooms that are still the caller's; at most 256 KiB in all."""
    found: dict[str, list[Message] | str] = {}
    left, in_vain = PAGE_BYTES, 0
    for room in mine:
        head = heads.get(str(room["id"]))
        if head is None or (known and head == room["head"]):
            continue
        if not known or head > room["head"]:
            found[str(room["id"])] = "reset"
            continue
        if left <= 0 or in_vain >= _IN_VAIN:
            found[str(room["id"])] = "behind"
            continue
        page = yield from pages.changed(room["id"], head, _PER_ROOM, left)
        if page.more or page.size > left:
            found[str(room["id"])] = "behind"
            in_vain += 1
        else:
            found[str(room["id"])] = page.messages
            left -= page.size
    return found


def _reply(ctx: Context, caller: Caller, snapshot: dict[str, Any]) -> dict[str, Any]:
    server, ticket = ctx.server, snapshot.pop("ticket")
    online, away = ctx.presence.lists()
    notices = {"notices": ctx.notices.shown} if caller.admin else {}
    return (
        snapshot
        | notices
        | {
            "server": described.server(server),
            "epoch": server.epoch,
            "join": server.join,
            "assets": server.assets,
            "session": {"id": caller.session, "shared": caller.shared}
            | ({"ticket": ticket} if ticket else {}),
            "limits": described.limits(ctx.settings),
            "online": online,
            "away": away,
        }
    )


async def ping(ctx: Context, caller: Caller, cmd: commands.Ping) -> dict[str, Any]:
    """The numbers to compare with: a browser cannot see protocol pings, and finds here what it missed."""
    user = caller.require_user()

    def steps() -> Steps[dict[str, Any]]:
        heads = yield from rooms.heads_of_user(user)
        mine = yield from users.mine(user)
        return {"heads": heads, "mine": mine, "people_rev": ctx.directory.people_rev}

    connection = caller.connection
    if connection is None or not connection.ready:
        return await ctx.read_for(caller, steps)
    mine = await ctx.store.read(users.mine(user))
    return {"heads": ctx.hub.heads(connection), "mine": mine, "people_rev": ctx.directory.people_rev}


def away(ctx: Context, caller: Caller, cmd: commands.Away) -> dict[str, Any]:
    """Whether the person is away from this connection's screen."""
    if caller.connection is not None:
        caller.connection.away = cmd.away
        ctx.presence.update(caller.require_user())
    return {}
