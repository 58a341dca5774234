"""A sign-in that goes on under another address of this server: over HTTPS, which keeps its own cookies."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from chatbox.chat.context import Caller, Context
from chatbox.chat.signin import SignedIn, new_token, open_session
from chatbox.errors import Forbidden, NotFound
from chatbox.protocol import commands
from chatbox.rules.tokens import digest
from chatbox.store import links, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.sessions import Session

log = logging.getLogger(__name__)


async def session_move(ctx: Context, caller: Caller, cmd: commands.SessionMove) -> dict[str, Any]:
    """Make a secret with which this sign-in goes on elsewhere, once, within two minutes.

    Raises `Forbidden` for a bearer token, which could else outlive its being revoked, and `Busy`."""
    user = caller.require_user()
    if await ctx.read_for(caller, lambda: _browser(user, caller.session)) is None:
        raise Forbidden("Only the sign-in of a browser can be moved.")
    secret = new_token()
    ctx.moves.add(digest(secret), user, caller.session, cmd.state)
    return {"secret": secret}


def session_take(ctx: Context, caller: Caller, cmd: commands.SessionTake) -> asyncio.Future[SignedIn]:
    """Go on here with a sign-in from elsewhere, which ends there. Raises `NotFound`."""
    move = ctx.moves.take(digest(cmd.secret))
    if move is None:
        raise NotFound(links.NO_LINK)
    token = new_token()

    def change(batch: Batch) -> Steps[SignedIn]:
        account = yield from users.account(move.user)
        old = yield from _browser(move.user, move.session)
        if old is None or not account.active:
            raise NotFound(links.NO_LINK)
        shared = bool(old.shared)
        yield from open_session(batch, caller, account.id, token, shared=shared)
        yield from sessions.end(batch, old.id, user=account.id)
        return SignedIn(token, {"user": account.me(), "state": move.state}, shared)

    log.info("user %d goes on with a sign-in under another address", move.user)
    return ctx.committer.submit(change)


def _browser(user: int, session: int) -> Steps[Session | None]:
    """The sign-in of a browser with this id; None where it is over, or a bearer token."""
    for each in (yield from sessions.of_user(user)):
        if each.id == session and each.kind == "browser":
            return each
    return None


def move_check(ctx: Context, secret: bytes) -> Steps[dict[str, Any] | None]:
    """What `link.check` says of such a secret; None where it is none."""
    move = ctx.moves.find(secret)
    if move is None:
        return None
    account = yield from users.account(move.user)
    left = int(1000 * (move.until - ctx.clock.monotonic()))
    return {
        "kind": "move",
        "by": account.shown_name,
        "name": account.name,
        "expires": ctx.clock.now() + left,
        "server": ctx.server.name,
    }
