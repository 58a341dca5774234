"""Rooms: making, changing, joining, leaving, who is in them, how far each has read."""

from __future__ import annotations

import asyncio
from typing import Any

from chatbox.chat.context import Caller, Context
from chatbox.errors import Conflict, Invalid, NotFound
from chatbox.protocol import commands
from chatbox.rules import access, names
from chatbox.rules.access import Access
from chatbox.store import heads, rooms
from chatbox.store.base import Batch, Steps, personal

MOST_IN_DIRECT = 9


async def room_list(ctx: Context, caller: Caller, cmd: commands.RoomList) -> dict[str, Any]:
    """My rooms, and the public ones that I could join."""

    def steps() -> Steps[dict[str, Any]]:
        user = caller.require_user()
        return {"rooms": (yield from rooms.of_user(user)) + (yield from rooms.joinable(user))}

    return await ctx.read_for(caller, steps)


async def members(ctx: Context, caller: Caller, cmd: commands.RoomMembers) -> dict[str, Any]:
    """Who is in a room: for its members; in a public room for everybody."""

    def steps() -> Steps[dict[str, Any]]:
        rights = yield from rooms.access(cmd.room, caller.require_user(), caller.session)
        if rights.kind != "public":
            access.may_see(rights)
        return {"members": (yield from rooms.members(cmd.room))}

    return await ctx.read_for(caller, steps)


def create(ctx: Context, caller: Caller, cmd: commands.RoomCreate) -> asyncio.Future[Any]:
    """Make a room and join it as its owner. The same nonce gives the same room."""
    user = caller.require_user()
    name, topic = names.room_name(cmd.name), names.topic(cmd.topic)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from _acting(caller)
        room = (yield from rooms.by_nonce(user, cmd.nonce)) if cmd.nonce else None
        if room is not None:
            access.may_see((yield from _rights(room, caller)))  # it may have been left since
        else:
            key = names.name_key(name)
            room = yield from rooms.create(batch, cmd.kind, name, key, topic, user, cmd.nonce, None)
            yield from rooms.add_member(batch, room, user, "owner")
        return {"room": (yield from rooms.of_user_one(room, user))}

    return ctx.committer.submit(change)


def update(ctx: Context, caller: Caller, cmd: commands.RoomUpdate) -> asyncio.Future[Any]:
    """Rename a room, set its topic, archive it or bring it back. What is already so changes nothing."""
    user = caller.require_user()
    new_name = None if cmd.name is None else names.room_name(cmd.name)
    new_topic = None if cmd.topic is None else names.topic(cmd.topic)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        rights = yield from _rights(cmd.room, caller)
        access.may_manage(rights)
        if rights.general and cmd.archived:
            raise Conflict("Everybody is in this room. It cannot be archived.")
        old = yield from rooms.settings(cmd.room)
        name = old[0] if new_name is None else new_name
        topic = old[2] if new_topic is None else new_topic
        archived = old[3]
        if cmd.archived is not None and cmd.archived != bool(archived):
            archived = batch.now if cmd.archived else None
        new = (name, None if archived else names.name_key(name), topic, archived)
        if new != old:
            yield from rooms.update(batch, cmd.room, *new)
        return {"room": (yield from rooms.of_user_one(cmd.room, user))}

    return ctx.committer.submit(change)


def join(ctx: Context, caller: Caller, cmd: commands.RoomJoin) -> asyncio.Future[Any]:
    """Join a public room."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        access.may_join((yield from _rights(cmd.room, caller)))
        yield from rooms.add_member(batch, cmd.room, user)
        return {"room": (yield from rooms.of_user_one(cmd.room, user))}

    return ctx.committer.submit(change)


def leave(ctx: Context, caller: Caller, cmd: commands.RoomLeave) -> asyncio.Future[Any]:
    """Leave a room. Its last owner hands it to the member who is longest in it."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        access.may_leave((yield from _rights(cmd.room, caller)))
        yield from rooms.remove_member(batch, cmd.room, user)
        return {"room": {"id": cmd.room}}

    return ctx.committer.submit(change)


def invite(ctx: Context, caller: Caller, cmd: commands.RoomInvite) -> asyncio.Future[Any]:
    """Bring somebody into a room."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        access.may_invite((yield from _rights(cmd.room, caller)))
        if not (yield from rooms.all_exist([cmd.user])):
            raise NotFound("There is no such person.", field="user")
        yield from rooms.add_member(batch, cmd.room, cmd.user)
        return {"room": (yield from rooms.of_user_one(cmd.room, user))}

    return ctx.committer.submit(change)


def remove(ctx: Context, caller: Caller, cmd: commands.RoomRemove) -> asyncio.Future[Any]:
    """Take somebody out of a room. Nothing reaches them from it any more."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        rights = yield from _rights(cmd.room, caller)
        access.may_see(rights)
        role = yield from rooms.role_of(cmd.room, cmd.user)
        access.may_remove(rights, role or "member")
        if role is not None:
            yield from rooms.remove_member(batch, cmd.room, cmd.user)
        return {"room": (yield from rooms.of_user_one(cmd.room, user))}

    return ctx.committer.submit(change)


def set_role(ctx: Context, caller: Caller, cmd: commands.RoomRole) -> asyncio.Future[Any]:
    """Give a member another role. A room always has an owner, unless it is everybody's."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        rights = yield from _rights(cmd.room, caller)
        access.may_give_role(rights)
        role = yield from rooms.role_of(cmd.room, cmd.user)
        if role is None:
            raise NotFound("That person is not in this room.", field="user")
        is_only_owner = role == "owner" and len((yield from rooms.owners(cmd.room))) == 1
        if is_only_owner and cmd.role != "owner" and not rights.general:
            raise Conflict("This is the only owner. Make somebody else an owner first.")
        if role != cmd.role:
            yield from rooms.set_role(batch, cmd.room, cmd.user, cmd.role)
        return {"room": (yield from rooms.of_user_one(cmd.room, user))}

    return ctx.committer.submit(change)


def direct_open(ctx: Context, caller: Caller, cmd: commands.DirectOpen) -> asyncio.Future[Any]:
    """The direct room of these people and the caller: one per set of people."""
    user = caller.require_user()
    everyone = sorted({*cmd.users, user})
    if len(everyone) < 2:
        raise Invalid("Choose somebody else to talk with.", field="users")
    if len(everyone) > MOST_IN_DIRECT:
        raise Invalid(f"At most {MOST_IN_DIRECT} people can talk in a direct room.", field="users")
    people = ",".join(map(str, everyone))

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from _acting(caller)
        room = yield from rooms.by_people(people)
        if room is None:
            if not (yield from rooms.all_exist(everyone)):
                raise NotFound("There is no such person.", field="users")
            room = yield from rooms.create(batch, "direct", "", None, "", user, None, people)
            for member in everyone:
                yield from rooms.add_member(batch, room, member)
        described = yield from rooms.of_user_one(room, user)
        if described["hidden"]:
            described = yield from rooms.hide(batch, room, user, False)
        return {"room": described}

    return ctx.committer.submit(change)


def hide(ctx: Context, caller: Caller, cmd: commands.RoomHide) -> asyncio.Future[Any]:
    """Hide a direct room until something new is posted in it, or show it again."""
    user = caller.require_user()

    @personal
    def change(batch: Batch) -> Steps[dict[str, Any]]:
        rights = yield from _rights(cmd.room, caller)
        access.may_see(rights)
        if rights.kind != "direct":
            raise Conflict("Only direct rooms can be hidden. This one can be left.")
        return {"room": (yield from rooms.hide(batch, cmd.room, user, cmd.hidden))}

    return ctx.committer.submit(change)


def read(ctx: Context, caller: Caller, cmd: commands.RoomRead) -> asyncio.Future[Any]:
    """Set the caller's read position: forwards, or backwards where that is meant."""
    user = caller.require_user()

    @personal
    def change(batch: Batch) -> Steps[dict[str, Any]]:
        access.may_see((yield from _rights(cmd.room, caller)))
        return (yield from rooms.set_read(batch, cmd.room, user, cmd.seq, cmd.unread))

    return ctx.committer.submit(change)


async def typing(ctx: Context, caller: Caller, cmd: commands.RoomTyping) -> dict[str, Any]:
    """Tell the others in a room that the caller is typing."""
    user = caller.require_user()

    def steps() -> Steps[int]:
        access.may_post((yield from _rights(cmd.room, caller)))
        return (yield from heads.of_rooms([cmd.room]))[cmd.room]

    head = await ctx.read_for(caller, steps)  # whoever was removed by then is not told
    ctx.presence.typing(cmd.room, head, user)
    return {}


def _rights(room: int, caller: Caller) -> Steps[Access]:
    return (yield from rooms.access(room, caller.user, caller.session))


def _acting(caller: Caller) -> Steps[None]:
    """The account and the sign-in still stand. Raises `SignedOut`."""
    rights = yield from rooms.access(0, caller.user, caller.session)
    if not rights.active:
        access.may_see(rights)
