"""Signing in and out, and who a token belongs to."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

from msgspec import Struct

from chatbox.chat.context import Caller, Context
from chatbox.errors import ChatboxError, Forbidden
from chatbox.protocol import commands
from chatbox.rules.agents import describe
from chatbox.rules.names import name_key
from chatbox.rules.tokens import TOKEN_BYTES, digest
from chatbox.store import sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.sessions import Session
from chatbox.store.users import Account

log = logging.getLogger(__name__)

HOUR = 3_600_000  # milliseconds
DAY = 24 * HOUR
SHARED_FOR = 12 * HOUR
REFUSED = "The name or the password is wrong."


class SignedIn(Struct, frozen=True):
    """A reply that comes with a cookie; on a `shared` computer one that ends with the browser."""

    token: str
    reply: dict[str, Any]
    shared: bool


class SignedOutReply(Struct, frozen=True):
    """A reply that takes the cookie away."""

    reply: dict[str, Any] = {}


class Identity(Struct, frozen=True):
    """Whose a token is; the fields are those of `Caller`."""

    user: int
    session: int
    admin: bool
    bot: bool
    shared: bool
    bearer: bool


async def authenticate(ctx: Context, token: str) -> Identity | None:
    """Who this token, of a cookie or a bearer, belongs to; None where it is unknown or no longer valid."""
    found = await ctx.store.read(sessions.by_hash(digest(token)))
    if found is None or is_over(ctx, found.session):
        return None
    session = found.session
    if _is_unused(session) or ctx.clock.now() - session.used_at > HOUR:
        keep(ctx, [session.id])
    shared, bearer = bool(session.shared), session.kind == "token"
    return Identity(session.user, session.id, found.admin, found.bot, shared, bearer)


def keep(ctx: Context, used: list[int]) -> None:
    """Note that these sessions are in use. Nobody waits for it; where it fails, the next hour notes it."""

    def change(batch: Batch) -> Steps[None]:
        yield from sessions.touch(batch, used)

    try:
        ctx.committer.submit(change).add_done_callback(_retrieve)
    except ChatboxError as error:
        log.debug("the use of a session was not noted: %s", error)


async def server_info(ctx: Context, caller: Caller, cmd: commands.ServerInfo) -> dict[str, Any]:
    """What the sign-in page needs; `signed_in` tells whether it is needed at all."""
    server = ctx.server
    return {
        "id": server.id,
        "name": server.name,
        "logo": server.logo,
        "setup": server.setup_open,
        "join": server.join,
        "version": server.version,
        "assets": server.assets,
        "signed_in": bool(caller.user),
    }


async def session_create(ctx: Context, caller: Caller, cmd: commands.SessionCreate) -> SignedIn:
    """Sign in, with a new token each time. Unknown, disabled and wrongly tried names are answered alike.

    Raises `Forbidden` (field "password") and `RateLimited`."""
    found = await check_password(ctx, caller, cmd.name, cmd.password)
    if found is None or found.password is None:
        raise Forbidden(REFUSED, field="password")
    checked = found.password
    outdated = ctx.hashing.outdated(checked)
    stored = await ctx.hashing.hash(cmd.password) if outdated else checked
    token = new_token()

    def change(batch: Batch) -> Steps[tuple[Account, Session]]:
        now = yield from users.account(found.id)
        if not now.active or now.password != checked:
            raise Forbidden(REFUSED, field="password")
        if outdated:
            yield from users.update(now.id, password=stored)
        return now, (yield from open_session(batch, caller, now.id, token, shared=cmd.shared))

    account, session = await ctx.committer.submit(change)
    ctx.confirmed.add(account.id, session.id)
    return SignedIn(token, {"user": account.me()}, cmd.shared)


def session_end(ctx: Context, caller: Caller, cmd: commands.SessionEnd) -> asyncio.Future[SignedOutReply]:
    """Sign out."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[SignedOutReply]:
        yield from sessions.end(batch, caller.session, user=user)
        return SignedOutReply()

    return ctx.committer.submit(change)


async def check_password(ctx: Context, caller: Caller, name: str, password: str) -> Account | None:
    """The active account with this name and password; None where there is none, after the same time.

    Raises `RateLimited` where it comes too early after failures, and `Busy`."""
    key = name_key(name.strip())
    found = await ctx.store.read(users.by_key(key))
    stored = found.password if found is not None and found.active else None
    return found if await matches(ctx, caller, key, password, stored) else None


async def matches(ctx: Context, caller: Caller, key: str, password: str, stored: str | None) -> bool:
    """Whether it is the password of the account with this name key, slowing down those who guess."""
    async with ctx.throttle.attempt(key, caller.address) as attempt:
        attempt.right = await ctx.hashing.matches(password, stored)
    return attempt.right


def open_session(batch: Batch, caller: Caller, user: int, token: str, *, shared: bool) -> Steps[Session]:
    """Sign a browser in, in place of what it was signed in as."""
    if caller.session:
        yield from sessions.end_browser(batch, caller.session)
    return (
        yield from sessions.add(
            batch,
            user,
            digest(token),
            kind="browser",
            label=describe(caller.agent),
            address=caller.address,
            shared=shared,
        )
    )


def new_token() -> str:
    """256 random bits, fit for a cookie, a header and the fragment of an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def oldest_use(ctx: Context, *, shared: bool) -> int:
    """The time before which a browser's session was last used too long ago."""
    return ctx.ages.now() - (SHARED_FOR if shared else ctx.settings.people.session_days * DAY)


def is_over(ctx: Context, session: Session) -> bool:
    """Whether it is a browser's, last used too long ago, though it may still be stored for a while."""
    return session.kind == "browser" and session.used_at <= oldest_use(ctx, shared=bool(session.shared))


def _is_unused(session: Session) -> bool:
    """Whether it is a token that was made and not used yet, which its owner is to see change at once."""
    return session.kind == "token" and session.used_at == session.created_at


def _retrieve(future: asyncio.Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()):
        log.debug("the use of a session was not noted: %s", error)
