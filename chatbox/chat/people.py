"""Accounts: joining, one's own, and what admins do with those of others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from chatbox.chat import accounts, joining
from chatbox.chat.accounts import Applicant, entry, notice
from chatbox.chat.context import Caller, Context, sits_there
from chatbox.chat.sessions import confirm_password, unchanged
from chatbox.chat.signin import SignedIn, new_token, open_session
from chatbox.protocol import commands
from chatbox.rules import names, passwords
from chatbox.rules.text import escape_controls
from chatbox.rules.tokens import digest
from chatbox.store import links, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.users import Account

log = logging.getLogger(__name__)


# -- joining --------------------------------------------------------------------------------


async def user_register(ctx: Context, caller: Caller, cmd: commands.UserRegister) -> SignedIn:
    """Make an account, where this server lets people in, and sign in. An invitation is spent with it.

    Raises `Forbidden`, `Invalid`, `Busy`, `RateLimited` where many came from this address, `Conflict` (field
    "name"), and `NotFound` for an invitation that no longer works."""
    invite = None if cmd.invite is None else digest(cmd.invite)
    near = await joining.admit(ctx, caller.address, invited=invite is not None)
    if invite is not None:
        await ctx.store.read(links.working(invite, ctx.clock.now(), kind="invite"))
    token = new_token()

    def change(batch: Batch, person: Applicant) -> Steps[dict[str, Any]]:
        meta = yield from users.meta()
        rule = joining.Rule(meta["join"], meta["setup"] == "open")
        joining.check(rule, caller.address, invited=invite is not None, near=near)
        frees = None
        if invite is not None:
            link = yield from links.spend(batch, invite, kind="invite")
            frees = link.user
        account = yield from accounts.found(batch, person, frees=frees)
        yield from open_session(batch, caller, account.id, token, shared=cmd.shared)
        return {"user": account.me()}

    async with ctx.throttle.registration(caller.address, local=sits_there(ctx, caller)):
        person = await accounts.applicant(ctx, cmd.name, cmd.full_name, cmd.password)
        reply = await ctx.committer.submit(lambda batch: change(batch, person))
    log.info("%s registered from %s", escape_controls(person.name), escape_controls(caller.address))
    return SignedIn(token, reply, cmd.shared)


# -- one's own account --------------------------------------------------------------------------------


def user_update(ctx: Context, caller: Caller, cmd: commands.UserUpdate) -> asyncio.Future[dict[str, Any]]:
    """Change my names or my status text. Raises `Conflict` (field "name") and `Invalid`."""
    user = caller.require_user()
    values: dict[str, str | int | None] = {}
    if cmd.name is not None:
        name = names.user_name(cmd.name)
        values |= {"name": name, "name_key": names.name_key(name)}
    if cmd.full_name is not None:
        values["full_name"] = names.full_name(cmd.full_name)
    if cmd.status is not None:
        values["status"] = names.status_text(cmd.status)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        account = yield from users.acting(user, caller.session)
        if "name_key" in values:
            yield from users.name_free(str(values["name_key"]), but=user)
        if values:
            yield from users.update(user, **values)
            account = yield from users.announce(batch, user)
            yield from users.tell(batch, user)
        return {"me": account.me()}

    return ctx.committer.submit(change)


async def user_password(ctx: Context, caller: Caller, cmd: commands.UserPassword) -> dict[str, Any]:
    """Change my password; all my other sessions end, tokens too.

    Raises `Forbidden` (field "old"), `Invalid` (field "new") and `RateLimited`."""
    account = await confirm_password(ctx, caller, cmd.old, field="old")
    passwords.check(cmd.new, account.name, account.full_name, ctx.server.name, field="new")
    stored = await ctx.hashing.hash(cmd.new)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from unchanged(account, caller)
        yield from users.update(account.id, password=stored)
        yield from sessions.end_all(batch, account.id, but=caller.session)
        return {}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    return reply


def notice_dismiss(
    ctx: Context, caller: Caller, cmd: commands.NoticeDismiss
) -> asyncio.Future[dict[str, Any]]:
    """I have read the notice about my account."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        account = yield from users.acting(user, caller.session)
        if account.notice is not None:
            yield from users.update(user, notice=None)
            yield from users.tell(batch, user)
        return {}

    return ctx.committer.submit(change)


# -- for admins --------------------------------------------------------------------------------


async def people_list(ctx: Context, caller: Caller, cmd: commands.PeopleList) -> dict[str, Any]:
    """Everyone who was ever here, with what the plain list does not tell."""
    user = caller.require_user()

    def steps() -> Steps[dict[str, Any]]:
        yield from users.acting_admin(user, caller.session)
        counts = yield from sessions.counts()
        everyone = yield from users.everyone()
        return {"people": [entry(account, counts.get(account.id, 0)) for account in everyone]}

    return await ctx.store.read(steps())


def user_disable(ctx: Context, caller: Caller, cmd: commands.UserDisable) -> asyncio.Future[dict[str, Any]]:
    """Shut an account out at once. Raises `Conflict` for the last admin."""
    return _change_account(ctx, caller, cmd.user, lambda batch, account, by: disable(batch, account))


def user_enable(ctx: Context, caller: Caller, cmd: commands.UserEnable) -> asyncio.Future[dict[str, Any]]:
    """Let a disabled account in again."""
    return _change_account(ctx, caller, cmd.user, lambda batch, account, by: enable(batch, account))


def user_role(ctx: Context, caller: Caller, cmd: commands.UserRole) -> asyncio.Future[dict[str, Any]]:
    """Make somebody an admin, or a plain member again. Raises `Conflict` for the last admin."""

    def work(batch: Batch, account: Account, by: Account) -> Steps[None]:
        if account.role == cmd.role:
            return
        yield from users.not_last_admin(account)
        yield from users.update(account.id, role=cmd.role)
        if account.notice is None and account.id != by.id:
            yield from users.update(account.id, notice=notice("role", batch.now, by.id))
        yield from users.announce(batch, account.id)
        yield from users.tell(batch, account.id)

    return _change_account(ctx, caller, cmd.user, work)


def disable(batch: Batch, account: Account) -> Steps[None]:
    """Shut an account out and end its sessions. Raises `Conflict` for the last admin."""
    if not account.active:
        return
    yield from users.not_last_admin(account)
    yield from users.shut_out(account.id)
    yield from links.revoke_passwords(batch, account.id)
    yield from sessions.end_all(batch, account.id)
    yield from users.announce(batch, account.id)


def enable(batch: Batch, account: Account) -> Steps[None]:
    """Let an account in again that was shut out; its sessions stay ended."""
    if account.active:
        return
    yield from users.update(account.id, state="active")
    yield from users.announce(batch, account.id)


_Work = Callable[[Batch, Account, Account], Steps[None]]


def _change_account(ctx: Context, caller: Caller, user: int, work: _Work) -> asyncio.Future[dict[str, Any]]:
    """Have an admin change an account; the reply shows it as it is then. Raises `NotFound`."""
    admin = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        by = yield from users.acting_admin(admin, caller.session)
        yield from work(batch, (yield from users.existing(user)), by)
        count = len((yield from sessions.of_user(user)))
        return {"person": entry((yield from users.account(user)), count)}

    return ctx.committer.submit(change)
