"""Posting, editing, deleting and reading messages."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from msgspec import json

from chatbox.chat import pages
from chatbox.chat.context import Caller, Context
from chatbox.chat.pages import PAGE_BYTES
from chatbox.errors import Forbidden, Invalid, NotFound
from chatbox.model import Draft
from chatbox.protocol import commands
from chatbox.rules import access, markup
from chatbox.rules.search import fts_query
from chatbox.rules.text import message_text
from chatbox.store import messages, rooms
from chatbox.store.base import Batch, Steps


def post(ctx: Context, caller: Caller, cmd: commands.MessagePost) -> asyncio.Future[Any]:
    """Store a message. Rights are checked where it is stored, in the transaction."""
    text = message_text(cmd.text, _text_limit(ctx), has_files=bool(cmd.files))
    parsed = markup.parse(text, ctx.directory.by_key)
    parts = json.encode(parsed.parts) if parsed.parts else None
    return ctx.committer.submit(
        Draft(
            cmd.room,
            caller.require_user(),
            caller.session,
            cmd.nonce,
            text,
            parts,
            parsed.mentions,
            cmd.reply_to,
            tuple(cmd.files),
        )
    )


def edit(ctx: Context, caller: Caller, cmd: commands.MessageEdit) -> asyncio.Future[Any]:
    """Set the text of an own message."""
    user = caller.require_user()
    text = message_text(cmd.text, _text_limit(ctx), has_files=True)
    parsed = markup.parse(text, ctx.directory.by_key)
    parts = json.encode(parsed.parts) if parsed.parts else None

    def change(batch: Batch) -> Steps[dict[str, int]]:
        access.may_post((yield from rooms.access(cmd.room, user, caller.session)))
        old = yield from messages.get(cmd.room, cmd.seq)
        if old is None:
            raise NotFound("That message is not there.")
        if old.user != user:
            raise Forbidden("Only its author can change a message.")
        message_text(text, _text_limit(ctx), has_files=bool(old.files))
        message = yield from messages.edit(batch, cmd.room, cmd.seq, text, parts, parsed.mentions)
        return {"room": cmd.room, "seq": cmd.seq, "rev": message.rev}

    return ctx.committer.submit(change)


def delete(ctx: Context, caller: Caller, cmd: commands.MessageDelete) -> asyncio.Future[Any]:
    """Delete an own message, or as one who looks after the room anybody's."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, int]]:
        rights = yield from rooms.access(cmd.room, user, caller.session)
        access.may_post(rights)
        old = yield from messages.get(cmd.room, cmd.seq)
        if old is None:
            raise NotFound("That message is not there.")
        if old.user != user and not access.may_moderate(rights):
            raise Forbidden("Only its author, or who looks after the room, can delete a message.")
        message = yield from messages.delete(batch, cmd.room, cmd.seq)
        return {"room": cmd.room, "seq": cmd.seq, "rev": message.rev}

    return ctx.committer.submit(change)


async def history(ctx: Context, caller: Caller, cmd: commands.RoomHistory) -> dict[str, Any]:
    """A page of messages by `seq`. `more`: there are further ones beyond the page, in its direction."""
    if sum(bound is not None for bound in (cmd.before, cmd.after, cmd.around)) > 1:
        raise Invalid(
            "Give one of before, after and around.", field="after" if cmd.after is not None else "around"
        )

    def steps() -> Steps[dict[str, Any]]:
        access.may_see((yield from rooms.access(cmd.room, caller.require_user(), caller.session)))
        if cmd.around is not None:
            rest = cmd.limit // 2
            around = yield from pages.older(cmd.room, cmd.around + 1, cmd.limit - rest, PAGE_BYTES // 2)
            beyond = yield from pages.newer(cmd.room, cmd.around, rest, PAGE_BYTES // 2)
            return {
                "messages": around.messages + beyond.messages,
                "more": around.more,
                "more_after": beyond.more,
            }
        if cmd.after is not None:
            page = yield from pages.newer(cmd.room, cmd.after, cmd.limit)
        else:
            bound = sys.maxsize if cmd.before is None else cmd.before
            page = yield from pages.older(cmd.room, bound, cmd.limit)
        return {"messages": page.messages, "more": page.more}

    return await ctx.read_for(caller, steps)


async def changes(ctx: Context, caller: Caller, cmd: commands.RoomChanges) -> dict[str, Any]:
    """What changed after a position, by `rev`; go on from `to` while there is more."""

    def steps() -> Steps[dict[str, Any]]:
        access.may_see((yield from rooms.access(cmd.room, caller.require_user(), caller.session)))
        head = (yield from rooms.description(cmd.room))["head"]
        page = yield from pages.changed(cmd.room, cmd.after, cmd.limit)
        to = page.messages[-1].rev if page.more else head
        return {"messages": page.messages, "to": to, "head": head, "more": page.more}

    return await ctx.read_for(caller, steps)


async def search(ctx: Context, caller: Caller, cmd: commands.Search) -> dict[str, Any]:
    """Messages with these words and phrases, in rooms where the caller is."""
    query = fts_query(cmd.text)

    def steps() -> Steps[dict[str, Any]]:
        user = caller.require_user()
        if cmd.room is not None:
            access.may_see((yield from rooms.access(cmd.room, user, caller.session)))
        if query is None:
            return {"hits": [], "more": False}
        before = sys.maxsize if cmd.before is None else cmd.before
        found = yield from messages.search(query, user, cmd.room, before, cmd.limit + 1)
        page = found[: cmd.limit]
        more = len(found) > len(page)
        hits = [{"message": message} for _, message in page]
        return {"hits": hits, "more": more} | ({"before": page[-1][0]} if more else {})

    async with ctx.searches.take(caller.user):  # else one person's searches would hold up everybody's
        return await ctx.read_for(caller, steps, slow=True)


def _text_limit(ctx: Context) -> int:
    return ctx.settings.limits.text_bytes or sys.maxsize
