"""One-time links: invitations, and links for a new password.

The secret stands in the fragment of the address, which browsers send to nobody, and is spent by a command
after a tap, not by looking at the page.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from chatbox.chat import described
from chatbox.chat.accounts import notice
from chatbox.chat.context import Caller, Context
from chatbox.chat.moving import move_check
from chatbox.chat.signin import DAY, new_token
from chatbox.errors import Conflict, NotFound
from chatbox.protocol import commands
from chatbox.rules import names, passwords
from chatbox.rules.names import name_key
from chatbox.rules.text import escape_controls
from chatbox.rules.tokens import digest
from chatbox.store import links, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.links import Link
from chatbox.store.users import Account

log = logging.getLogger(__name__)

_CONSOLE = "the server's console"


async def link_check(ctx: Context, caller: Caller, cmd: commands.LinkCheck) -> dict[str, Any]:
    """What a link is for and who made it, without spending it. Raises `NotFound` where it does not work."""
    secret, now, server = digest(cmd.secret), ctx.clock.now(), ctx.server.name
    move = await ctx.moves.find(secret)

    def steps() -> Steps[dict[str, Any]]:
        if moving := (yield from move_check(ctx, cmd.secret, move)):
            return moving
        link = yield from links.working(secret, now)
        maker = None if link.made_by is None else (yield from users.account(link.made_by))
        reply = {
            "kind": link.kind,
            "by": maker.shown_name if maker else _CONSOLE,
            "expires": link.expires_at,
            "server": server,
        }
        if link.kind == "password" and link.user is not None:
            reply["name"] = (yield from users.existing(link.user)).name
        return reply

    return await ctx.store.read(steps())


# -- invitations --------------------------------------------------------------------------------


async def invite_create(ctx: Context, caller: Caller, cmd: commands.InviteCreate) -> dict[str, Any]:
    """Make an invitation. Raises `Conflict` while nobody may join; `Conflict` or `NotFound` (field "name")
    where no former member had that name."""
    admin = caller.require_user()
    key = None if cmd.name is None else name_key(names.user_name(cmd.name))
    secret = new_token()
    url = described.link(ctx.server, "invite", secret)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting_admin(admin, caller.session)
        if (yield from users.meta())["join"] == "closed":
            raise Conflict("Nobody may join this server. Change that first.")
        link = yield from links.add_invite(
            batch,
            digest(secret),
            made_by=admin,
            expires_at=batch.now + cmd.days * DAY,
            uses=cmd.uses,
            frees=None if key is None else (yield from _former(key)),
        )
        return {"invite": link.shown(), "secret": secret, "url": url}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    log.info("user %d made an invitation for %d days", admin, cmd.days)
    return reply


async def invite_list(ctx: Context, caller: Caller, cmd: commands.InviteList) -> dict[str, Any]:
    """The invitations that still work, the newest first, without their secrets."""
    admin, now = caller.require_user(), ctx.clock.now()

    def steps() -> Steps[dict[str, Any]]:
        yield from users.acting_admin(admin, caller.session)
        return {"invites": [link.shown() for link in (yield from links.invites(now))]}

    return await ctx.store.read(steps())


def invite_revoke(ctx: Context, caller: Caller, cmd: commands.InviteRevoke) -> asyncio.Future[dict[str, Any]]:
    """Make an invitation worthless. Raises `NotFound`."""
    admin = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting_admin(admin, caller.session)
        yield from links.revoke_invite(batch, cmd.invite)
        return {}

    return ctx.committer.submit(change)


# -- a new password --------------------------------------------------------------------------------


async def user_reset_link(ctx: Context, caller: Caller, cmd: commands.UserResetLink) -> dict[str, Any]:
    """Make a link with which somebody sets a new password, once, within a day.

    The old password stops working, all sessions end, and the person is told who did it.
    Raises `Conflict` and `NotFound`."""
    admin = caller.require_user()
    if cmd.user == admin:
        raise Conflict("This is you. Change your password in your own settings.")
    secret = new_token()

    def change(batch: Batch) -> Steps[Link]:
        yield from users.acting_admin(admin, caller.session)
        account = yield from users.existing(cmd.user)
        if not account.active:
            raise Conflict("This account is disabled. Enable it first.")
        return (yield from _make_password_link(batch, account, secret, admin))

    link = await ctx.committer.submit(change)
    log.info("user %d made a link for a new password of user %d", admin, cmd.user)
    return {
        "secret": secret,
        "url": described.link(ctx.server, "password", secret),
        "expires": link.expires_at,
    }


async def password_reset(ctx: Context, caller: Caller, cmd: commands.PasswordReset) -> dict[str, Any]:
    """Set a new password with a link, and spend it. Whoever did signs in with it then.

    Raises `NotFound` where the link does not work, and `Invalid`, which does not spend it."""
    secret = digest(cmd.secret)
    account = await ctx.store.read(_owner(secret, ctx.clock.now()))
    passwords.check(cmd.password, account.name, account.full_name, ctx.server.name)
    stored = await ctx.hashing.hash(cmd.password)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        now = yield from _owner(secret, batch.now)
        yield from links.spend(batch, secret, kind="password")
        yield from users.update(now.id, password=stored)
        yield from sessions.end_all(batch, now.id)
        return {"user": {"name": now.name}}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    log.info("%s has a new password, set with a link", escape_controls(account.name))
    return reply


async def recover_admin(ctx: Context, name: str) -> str:
    """Make this person an admin who may come in, and give the address of a link for a new password.

    For `[people] recover_admin`. Raises `NotFound` where nobody has this name."""
    secret = new_token()

    def change(batch: Batch) -> Steps[None]:
        account = yield from users.by_key(name_key(name.strip()))
        if account is None:
            raise NotFound(f"Nobody here has the name {name}.")
        yield from users.update(account.id, role="admin", state="active")
        yield from users.set_meta("setup", "done")
        yield from _make_password_link(batch, account, secret, None)
        yield from users.announce(batch, account.id)

    await ctx.committer.submit(change)
    log.info("a link for a new password of the admin %s was made at the console", escape_controls(name))
    return described.link(ctx.server, "password", secret)


def _make_password_link(batch: Batch, account: Account, secret: str, made_by: int | None) -> Steps[Link]:
    told = notice("password_link", batch.now, made_by)
    yield from users.update(account.id, password=None, notice=told)
    yield from sessions.end_all(batch, account.id)
    return (
        yield from links.add_password(
            batch, digest(secret), user=account.id, made_by=made_by, expires_at=batch.now + DAY
        )
    )


def _former(key: str) -> Steps[int]:
    """The former member who had this name."""
    if (yield from users.by_key(key)) is not None:
        raise Conflict("Somebody here has this name.", field="name")
    found = yield from users.holder(key)
    if found is None:
        raise NotFound("Nobody who was removed had this name: anybody may choose it.", field="name")
    return found


def _owner(secret_hash: bytes, now: int) -> Steps[Account]:
    """The active account whose password a link is for. Raises `NotFound`."""
    link = yield from links.working(secret_hash, now, kind="password")
    account = yield from users.account(link.user or 0)
    if not account.active:
        raise NotFound(links.NO_LINK)
    return account
