"""Removing a person for good: what stays of them, and what goes at once or bit by bit.

At once, in one transaction, the account becomes a former member without a name, and all its sign-ins, tokens
and links end. Messages stay, under that name; or they are deleted in the background, some at a time, so that
a hundred thousand of them keep nobody waiting. Who is still to be erased stands in the database: a restart
goes on with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Any

from msgspec import json

from chatbox.chat import files
from chatbox.chat.accounts import entry
from chatbox.chat.context import Caller, Context
from chatbox.chat.sessions import confirm_password, unchanged
from chatbox.chat.signin import SignedOutReply
from chatbox.errors import ChatboxError
from chatbox.protocol import commands
from chatbox.store import files as stored_files
from chatbox.store import links, messages, rooms, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.store.users import Account

log = logging.getLogger(__name__)

AT_ONCE = 50  # messages that are deleted in one transaction
_RETRY = 30.0  # seconds until it is tried again where the disk is full or fails


async def user_delete(ctx: Context, caller: Caller, cmd: commands.UserDelete) -> dict[str, Any]:
    """Remove somebody. Raises `Conflict` for the last admin, and `NotFound`."""
    admin = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting_admin(admin, caller.session)
        yield from remove(batch, (yield from users.existing(cmd.user)), messages_too=cmd.messages)
        return {"person": entry((yield from users.account(cmd.user)), 0)}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    log.info("user %d removed user %d, %s", admin, cmd.user, _what(cmd.messages))
    ctx.erasing.wake.set()
    return reply


async def account_delete(ctx: Context, caller: Caller, cmd: commands.AccountDelete) -> SignedOutReply:
    """Remove one's own account. Raises `Forbidden` (field "password"), `RateLimited`, and `Conflict` for the
    last admin."""
    account = await confirm_password(ctx, caller, cmd.password, field="password")

    def change(batch: Batch) -> Steps[None]:
        yield from unchanged(account, caller)
        yield from remove(batch, (yield from users.existing(account.id)), messages_too=cmd.messages)

    await ctx.committer.submit(change)
    log.info("user %d left for good, %s", account.id, _what(cmd.messages))
    ctx.erasing.wake.set()
    return SignedOutReply()


def remove(batch: Batch, account: Account, *, messages_too: bool) -> Steps[None]:
    """Make a former member of an account. Its name stays taken, until an admin gives it away.

    Raises `Conflict` for the last admin."""
    yield from users.not_last_admin(account)
    for room in (yield from rooms.ids_of_user(account.id)):
        if (yield from rooms.description(room))["kind"] == "direct":
            continue
        yield from rooms.remove_member(batch, room, account.id)
    yield from links.revoke_passwords(batch, account.id)
    yield from sessions.end_all(batch, account.id)
    yield from stored_files.delete_unposted_of(account.id)
    yield from users.hold_name(account.id)
    yield from users.update(
        account.id,
        name=f"former-{account.id}",
        full_name=f"Former member {account.id}",
        status="",
        role="member",
        state="deleted",
        password=None,
        notice=None,
        seen_at=None,
    )
    yield from rooms.close_lonely(batch, account.id)
    if messages_too:
        waiting = yield from _waiting()
        yield from users.set_meta("erase", json.encode([*waiting, account.id]).decode())
    yield from users.announce(batch, account.id)


async def keep_erasing(ctx: Context) -> None:
    """Delete what is to be deleted whenever there is something, for ever."""
    while True:
        await ctx.erasing.wake.wait()
        ctx.erasing.wake.clear()
        try:
            await erase(ctx)
        except ChatboxError as error:
            if ctx.server.stopping:  # the next start goes on with it
                return
            log.error("messages of a former member could not be deleted yet: %s", error.message)
        except Exception:
            log.exception("the messages of a former member could not be deleted")
        else:
            continue
        await asyncio.sleep(_RETRY)
        ctx.erasing.wake.set()


async def erase(ctx: Context) -> int:
    """Delete the messages of everybody who is to be erased. Returns how many they were.

    Raises what storing raises; what was not deleted then is when it is called again."""
    number = 0
    async with ctx.erasing.turn:
        while waiting := await ctx.store.read(_waiting()):
            number += await _erase(ctx, waiting[0])
    if number:
        await files.sweep(ctx)
    return number


async def _erase(ctx: Context, user: int) -> int:
    number, after = 0, ""
    while True:
        began = time.monotonic()
        found = await ctx.store.read(messages.of_author(user, after, AT_ONCE))
        if not found:
            break
        await ctx.committer.submit(partial(_delete, found=found))
        number, after = number + len(found), found[-1][0]
        await asyncio.sleep(time.monotonic() - began)  # as long as it took, the others come first
    await ctx.committer.submit(lambda batch: _done(user))
    log.info("%d messages of the former member %d were deleted", number, user)
    return number


def _delete(batch: Batch, found: list[tuple[str, int, int]]) -> Steps[None]:
    for _, room, seq in found:
        yield from messages.delete(batch, room, seq)


def _done(user: int) -> Steps[None]:
    waiting = [each for each in (yield from _waiting()) if each != user]
    yield from users.set_meta("erase", json.encode(waiting).decode())


def _waiting() -> Steps[list[int]]:
    """Whose messages are to be deleted."""
    return json.decode((yield from users.meta()).get("erase", "[]"), type=list[int])


def _what(messages_too: bool) -> str:
    return "and all messages" if messages_too else "and kept the messages"
