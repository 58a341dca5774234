"""A sign-in that goes on elsewhere: under another address of this server, which keeps its own cookies, or on
another device, once the screen that it comes from has agreed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from chatbox.chat import described, tickets
from chatbox.chat.context import Caller, Context
from chatbox.chat.signin import SignedIn, new_token, open_session
from chatbox.errors import Forbidden, NotFound
from chatbox.live.moves import Arrival, Move
from chatbox.protocol import commands
from chatbox.rules.agents import describe
from chatbox.rules.tokens import digest
from chatbox.store import links, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.sessions import Session

log = logging.getLogger(__name__)


async def session_move(ctx: Context, caller: Caller, cmd: commands.SessionMove) -> dict[str, Any]:
    """Make a secret with which this sign-in goes on elsewhere, once, within two minutes; with `phone` it
    stays here as well, and the address that leads there comes along.

    Raises `Forbidden` for a bearer token, which could else outlive its being revoked, and `Busy`."""
    user = caller.require_user()
    if await ctx.read_for(caller, lambda: _browser(user, caller.session)) is None:
        raise Forbidden("Only the sign-in of a browser can be moved.")
    secret = new_token()
    await ctx.moves.add(digest(secret), user, caller.session, cmd.state, stays=cmd.phone)
    return {"secret": secret} | ({"url": described.link(ctx.server, "move", secret)} if cmd.phone else {})


async def session_take(ctx: Context, caller: Caller, cmd: commands.SessionTake) -> SignedIn | dict[str, Any]:
    """Go on here with a sign-in from elsewhere, also with a ticket. Until the other screen lets it in, a
    device asks again, with the `claim` from the first answer. Raises `NotFound`, also where it was not."""
    secret = digest(cmd.secret)
    move = await ctx.moves.find(secret)
    if move is None:
        return await _arrive(ctx, caller, lambda: _of_ticket(ctx, cmd.secret))
    if move.stays:
        claim = await _claim(ctx, secret, move.arrival, caller, cmd.claim)
        if not move.allowed:
            return {"waiting": True, "claim": claim}
    taken = await ctx.moves.take(secret)
    if taken is None:
        raise NotFound(links.NO_LINK)
    return await _arrive(
        ctx, caller, lambda: _browser(taken.user, taken.session), state=taken.state, stays=taken.stays
    )


async def _claim(
    ctx: Context, secret: bytes, arrival: Arrival | None, caller: Caller, claim: str | None
) -> str:
    """What the device that came first proves itself with. Raises `NotFound` for any other."""
    if arrival is None:
        claim = new_token()
        mine = Arrival(digest(claim), describe(caller.agent), caller.address)
        arrival = await ctx.moves.claim(secret, mine)
    if claim is None or arrival is None or digest(claim) != arrival.claim:
        raise NotFound(links.NO_LINK)
    return claim


async def _arrive(
    ctx: Context,
    caller: Caller,
    find: Callable[[], Steps[Session | None]],
    *,
    state: str = "",
    stays: bool = False,
) -> SignedIn:
    """Sign in as the sign-in that is found, which ends unless it `stays`. Raises `NotFound`."""
    token = new_token()

    def change(batch: Batch) -> Steps[SignedIn]:
        old = yield from find()
        account = None if old is None else (yield from users.account(old.user))
        if old is None or account is None or not account.active:
            raise NotFound(links.NO_LINK)
        shared = bool(old.shared) and not stays
        yield from open_session(batch, caller, account.id, token, shared=shared)
        if not stays:
            yield from sessions.end(batch, old.id, user=account.id)
        return SignedIn(token, {"user": account.me(), "state": state}, shared)

    reply: SignedIn = await ctx.committer.submit(change)
    where = "device" if stays else "address"
    log.info("user %d goes on with a sign-in on another %s", reply.reply["user"]["id"], where)
    return reply


async def session_moving(ctx: Context, caller: Caller, cmd: commands.SessionMoving) -> dict[str, Any]:
    """How far the move of this sign-in to another device is."""
    caller.require_user()
    move = await ctx.moves.of(caller.session)
    if move is None or not move.stays:
        return {"phase": "over"}
    if move.arrived:
        return {"phase": "arrived"}
    left = int(1000 * (move.until - ctx.clock.monotonic()))
    if move.arrival is None:
        return {"phase": "offered", "left": left}
    phase = "allowed" if move.allowed else "asked"
    return {"phase": phase, "left": left, "label": move.arrival.label, "address": move.arrival.address}


async def session_allow(ctx: Context, caller: Caller, cmd: commands.SessionAllow) -> dict[str, Any]:
    """Let the device in that asks, or make the secret worthless. Raises `NotFound` where none asks."""
    caller.require_user()
    if not cmd.allow:
        await ctx.moves.drop(caller.session)
        return {}
    move = await ctx.moves.of(caller.session)
    if move is None or move.arrival is None:
        raise NotFound("No device asks to be signed in any more. Make a new code.")
    await ctx.moves.allow(caller.session)
    return {}


def _browser(user: int, session: int) -> Steps[Session | None]:
    """The sign-in of a browser with this id; None where it is over, or a bearer token."""
    for each in (yield from sessions.of_user(user)):
        if each.id == session and each.kind == "browser":
            return each
    return None


def _of_ticket(ctx: Context, ticket: str) -> Steps[Session | None]:
    """The sign-in that a ticket is for; None where it is none."""
    found = yield from tickets.redeem(ctx, ticket)
    return found[0] if found else None


def move_check(ctx: Context, secret: str, move: Move | None) -> Steps[dict[str, Any] | None]:
    """What `link.check` says of a secret, which is that of the move or of a ticket; None where of neither."""
    now = ctx.clock.now()
    if move:
        user, expires = move.user, now + int(1000 * (move.until - ctx.clock.monotonic()))
    elif ticket := (yield from tickets.redeem(ctx, secret)):
        user, expires = ticket[0].user, ticket[1]
    else:
        return None
    account = yield from users.account(user)
    reply = {
        "kind": "move",
        "by": account.shown_name,
        "name": account.name,
        "expires": expires,
        "server": ctx.server.name,
    }
    return reply | ({"phone": True} if move and move.stays else {})
