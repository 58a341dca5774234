"""A person's own sign-ins and bearer tokens; and ending what nobody uses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from chatbox.chat.context import Caller, Context
from chatbox.chat.signin import DAY, matches, new_token, oldest_use
from chatbox.errors import Forbidden, Invalid, NotFound
from chatbox.live.confirmed import SECONDS
from chatbox.protocol import commands
from chatbox.rules.names import name_key
from chatbox.rules.text import one_line
from chatbox.rules.tokens import digest
from chatbox.store import links, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.users import Account


async def session_list(ctx: Context, caller: Caller, cmd: commands.SessionList) -> dict[str, Any]:
    """My sign-ins and bearer tokens, the latest used first."""
    found = await ctx.read_for(caller, lambda: sessions.of_user(caller.user))
    return {"sessions": [session.shown(caller.session) for session in found]}


def session_revoke(
    ctx: Context, caller: Caller, cmd: commands.SessionRevoke
) -> asyncio.Future[dict[str, Any]]:
    """End one of my sessions and its connections, or all others. Raises `NotFound`, `Invalid`."""
    user = caller.require_user()
    if (cmd.session is None) != cmd.others:
        raise Invalid("Say which sign-in to end, or all others.", field="session")

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting(user, caller.session)
        if cmd.session is None:
            yield from sessions.end_all(batch, user, but=caller.session)
        elif not (yield from sessions.end(batch, cmd.session, user=user)):
            raise NotFound("There is no such sign-in of yours.", field="session")
        return {}

    return ctx.committer.submit(change)


async def token_create(ctx: Context, caller: Caller, cmd: commands.TokenCreate) -> dict[str, Any]:
    """Make a bearer token, which works until it is revoked. Raises `Forbidden` (field "password")."""
    label = one_line(cmd.label, what="The label", field="label", least=1, most=80)
    found = await confirm_password(ctx, caller, cmd.password, field="password")
    token = new_token()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from unchanged(found, caller)
        session = yield from sessions.add(
            batch, found.id, digest(token), kind="token", label=label, address="", shared=False
        )
        return {"token": token, "session": session.shown(caller.session)}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    return reply


async def session_confirm(ctx: Context, caller: Caller, cmd: commands.SessionConfirm) -> dict[str, Any]:
    """Prove to be there: admin changes are then taken from this session for ten minutes.

    Raises `Forbidden` (field "password") and `RateLimited`."""
    found = await confirm_password(ctx, caller, cmd.password, field="password")
    ctx.confirmed.add(found.id, caller.session)
    return {"seconds": int(SECONDS)}


async def confirm_password(ctx: Context, caller: Caller, password: str, *, field: str) -> Account:
    """That it is really the owner who sits there. Raises `Forbidden` (with `field`) and `RateLimited`."""
    found = await ctx.store.read(users.acting(caller.require_user(), caller.session))
    if not await matches(ctx, caller, name_key(found.name), password, found.password):
        raise Forbidden("The password is wrong.", field=field)
    return found


def unchanged(confirmed: Account, caller: Caller) -> Steps[None]:
    """The password that was confirmed still holds. Raises `Forbidden`, or `SignedOut`."""
    now = yield from users.acting(confirmed.id, caller.session)
    if now.password != confirmed.password:
        raise Forbidden("The password was changed meanwhile.", field="password")


def sweep(ctx: Context, live: Iterable[int]) -> asyncio.Future[None]:
    """Note that the sessions of live connections are in use, end those that nobody used for too long, and
    forget links that stopped working long ago. Called once an hour."""
    ctx.ages.look()
    now, latest, doubtful = ctx.ages.now(), ctx.ages.latest, ctx.ages.doubtful
    before, shared_before = oldest_use(ctx, shared=False), oldest_use(ctx, shared=True)
    used = sorted({session for session in live if session})

    def change(batch: Batch) -> Steps[None]:
        yield from sessions.touch(batch, used)
        if not doubtful:
            yield from sessions.correct(later_than=latest + DAY, now=now)
        yield from sessions.end_unused(batch, before=before, shared_before=shared_before)
        yield from links.forget_old(batch, before=now - 30 * DAY)
        yield from users.set_meta("clock", latest)

    return ctx.committer.submit(change)
