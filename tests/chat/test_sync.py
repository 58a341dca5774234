"""Coming in and catching up: the snapshot, what changed since, and the events after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar
from unittest.mock import patch

from chatbox.chat.context import Caller
from chatbox.chat.pages import PAGE_BYTES
from chatbox.errors import Busy, SignedOut
from chatbox.model import Draft
from chatbox.store import messages
from chatbox.store.base import Steps, Store
from tests.chat.support import World, error_of, in_world
from tests.chat.talk import GENERAL, connect, do, greet, make_room, post, refused, room_of
from tests.live.support import KeptSink, flushed
from tests.store.passing import Passing

T = TypeVar("T")
Act = Callable[[], Awaitable[Any]]


class Interrupted(Passing):
    """A store that lets something happen after each read, before the reader learns what was read."""

    def __init__(self, store: Store, *acts: Act) -> None:
        super().__init__(store)
        self._acts = list(acts)

    async def read(self, steps: Steps[T], *, slow: bool = False) -> T:
        result = await self._store.read(steps, slow=slow)
        if self._acts:
            await self._acts.pop(0)()
        return result


async def _greet_while(world: World, caller: Caller, *acts: Act, **fields: Any) -> dict[str, Any]:
    """Say hello while these happen: one after the caller's rooms were read, one after the snapshot …"""
    before = world.ctx
    world.ctx = replace(before, store=Interrupted(before.store, *acts))
    try:
        return await greet(world, caller, **fields)
    finally:
        world.ctx = before


async def _nothing() -> None:
    pass


def _events(sink: KeptSink) -> list[dict[str, Any]]:
    return [payload for payload in sink.payloads if "ev" in payload]


# -- the snapshot --------------------------------------------------------------------------------------------


@in_world
async def test_a_first_hello_tells_everything(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await do(world, ben, "user.update", full_name="Ben", status="here")
    room = await make_room(world, ada, "ops", ben, kind="private")
    hello = await do(world, ben, "hello")
    ctx = world.ctx
    assert {person["id"]: person for person in hello.pop("people")} == {
        ada.user: {"id": ada.user, "name": "ada", "admin": True},
        ben.user: {"id": ben.user, "name": "ben", "full_name": "Ben", "status": "here"},
    }
    assert sorted(each["id"] for each in hello["rooms"]) == [GENERAL, room]
    listed = (await do(world, ben, "room.list"))["rooms"]
    assert sorted(hello.pop("rooms"), key=lambda each: each["id"]) == sorted(
        listed, key=lambda each: each["id"]
    )
    assert hello["session"].pop("ticket").startswith(f"ticket-{ben.session}-")
    assert hello.pop("limits").keys() == {"text_bytes", "file_bytes", "frame_bytes"}
    numbers = await do(world, ben, "ping")
    assert hello == {
        "me": {"id": ben.user, "name": "ben", "full_name": "Ben", "status": "here", "role": "member"},
        "mine": numbers["mine"], "people_rev": numbers["people_rev"], "epoch": ctx.server.epoch,
        "server": {
            "id": ctx.server.id, "name": "Attic", "logo": "", "version": ctx.server.version, "protocol": 1,
            "addresses": ["http://192.168.1.5:8642"],
        },
        "join": "network", "assets": "", "session": {"id": ben.session, "shared": False},
        "online": [], "away": [],
    }  # fmt: skip


@in_world
async def test_what_changed_since_comes_with_the_snapshot(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    quiet, busy = await make_room(world, ada, "quiet", ben), await make_room(world, ada, "busy", ben)
    first = await post(world, ada, busy, "one")
    came = await do(world, ben, "hello")
    heads = {str(room["id"]): room["head"] for room in came["rooms"]}
    second = await post(world, ada, busy, "two")
    await do(world, ada, "message.edit", room=busy, seq=first, text="edited")
    back = await do(world, ben, "hello", epoch=came["epoch"], heads=heads, mine=came["mine"])
    assert back["changes"].keys() == {str(busy)}
    assert [message["seq"] for message in back["changes"][str(busy)]] == [second, first]
    head = (await room_of(world, ben, busy))["head"]
    assert {room["id"]: room["head"] for room in back["rooms"]}[busy] == head
    assert quiet in {room["id"] for room in back["rooms"]}
    heads[str(busy)] = head
    assert (await do(world, ben, "hello", epoch=came["epoch"], heads=heads))["changes"] == {}
    assert "changes" not in await do(world, ben, "hello", epoch=came["epoch"])


@in_world
async def test_a_change_of_members_alone_leaves_no_message_behind(world: World) -> None:
    ada = await world.set_up()
    heads = {str(GENERAL): (await room_of(world, ada))["head"]}
    await world.register("ben")
    back = await do(world, ada, "hello", epoch=world.ctx.server.epoch, heads=heads)
    assert back["changes"] == {str(GENERAL): []}


@in_world
async def test_another_history_means_starting_anew(world: World) -> None:
    ada = await world.set_up()
    head = (await room_of(world, ada))["head"]
    reset = {str(GENERAL): "reset"}
    for epoch, known in (("other", head), ("other", 0), (world.ctx.server.epoch, head + 1)):
        assert (await do(world, ada, "hello", epoch=epoch, heads={GENERAL: known}))["changes"] == reset


@in_world
async def test_too_much_to_tell_is_to_be_asked_for(world: World) -> None:
    ada = await world.set_up()
    epoch, ctx = world.ctx.server.epoch, world.ctx
    many, large, few = [await make_room(world, ada, name) for name in ("many", "large", "few")]
    drafts = [Draft(many, ada.user, 0, f"many-nonce-{number}", "x") for number in range(501)]
    await asyncio.gather(*map(ctx.committer.submit, drafts))
    await asyncio.gather(*(post(world, ada, large, "x" * 16_000) for _ in range(20)))
    last = await post(world, ada, few, "x")
    changes = (await do(world, ada, "hello", epoch=epoch, heads={many: 2, large: 2, few: 2}))["changes"]
    assert (changes[str(many)], changes[str(large)]) == ("behind", "behind")
    assert [message["seq"] for message in changes[str(few)]] == [last]
    assert len((await do(world, ada, "hello", epoch=epoch, heads={many: 3}))["changes"][str(many)]) == 500


@in_world
async def test_not_all_of_many_busy_rooms_are_read(world: World) -> None:
    ada = await world.set_up()
    rooms = [await make_room(world, ada, f"room {number}") for number in range(10)]
    await asyncio.gather(*(post(world, ada, room, "x" * 16_000) for room in rooms[:8] for _ in range(17)))
    await asyncio.gather(*(post(world, ada, room) for room in rooms[8:]))
    heads = dict.fromkeys(rooms, 2)
    with patch.object(messages, "changes", wraps=messages.changes) as read:
        changes = (await do(world, ada, "hello", epoch=world.ctx.server.epoch, heads=heads))["changes"]
    assert changes == {str(room): "behind" for room in rooms}
    assert read.call_count == 8


@in_world
async def test_all_changes_together_fit_into_256_kib(world: World) -> None:
    ada = await world.set_up()
    rooms = [await make_room(world, ada, f"room {number}") for number in range(4)]
    await asyncio.gather(*(post(world, ada, room, "x" * 16_000) for room in rooms for _ in range(6)))
    heads = dict.fromkeys(rooms, 2)
    changes = (await do(world, ada, "hello", epoch=world.ctx.server.epoch, heads=heads))["changes"]
    told = [found for found in changes.values() if found != "behind"]
    assert len(changes) == 4
    assert [len(found) for found in told] == [6, 6]
    assert sum(len(message["text"]) for found in told for message in found) < PAGE_BYTES


@in_world
async def test_a_room_that_one_is_out_of_is_absent(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben)
    heads = {room: (await room_of(world, ben, room))["head"], 999: 5}
    await post(world, ada, room, "secret")
    await do(world, ada, "room.remove", room=room, user=ben.user)
    back = await do(world, ben, "hello", epoch=world.ctx.server.epoch, heads=heads)
    assert [each["id"] for each in back["rooms"]] == [GENERAL]
    assert back["changes"] == {}


@in_world
async def test_people_are_told_who_changed(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    came = await do(world, ada, "hello")
    epoch, known = came["epoch"], came["people_rev"]
    await do(world, ben, "user.update", status="away")
    await do(world, ada, "user.disable", user=ben.user)
    cleo = await world.register("cleo")
    back = await do(world, ada, "hello", epoch=epoch, people=known)
    assert [person["id"] for person in back["people"]] == [ben.user, cleo.user]
    assert back["people"][0]["gone"]
    assert (await do(world, ada, "hello", epoch=epoch, people=back["people_rev"]))["people"] == []
    for fields in (
        {"epoch": "other", "people": known},
        {"epoch": epoch, "people": known + 100},
        {"epoch": epoch},
    ):
        assert len((await do(world, ada, "hello", **fields))["people"]) == 3


# -- the snapshot, and the events after it -------------------------------------------------------------------


@in_world
async def test_events_come_after_hello_and_not_before(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    there, sink = connect(world, ben)
    await post(world, ada)
    await do(world, there, "room.read", room=GENERAL, seq=99)
    assert sink.payloads == []
    hello = await greet(world, there)
    await post(world, ada)
    await flushed(world.ctx.hub)
    (event,) = _events(sink)
    head = next(room["head"] for room in hello["rooms"] if room["id"] == GENERAL)
    assert (event["after"], event["head"]) == (head, head + 1)


@in_world
async def test_what_happens_after_the_snapshot_was_read_follows_it(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    there, sink = connect(world, ben)
    hello = await _greet_while(
        world, there, lambda: post(world, ada, text="before"), lambda: post(world, ada)
    )
    head = next(room["head"] for room in hello["rooms"] if room["id"] == GENERAL)
    assert "ok" in sink.payloads[0]
    (event,) = (event for event in _events(sink) if event["ev"] == "messages")
    assert (event["after"], event["head"]) == (head, head + 1)


@in_world
async def test_a_room_joined_meanwhile_is_in_the_snapshot(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)

    async def invite() -> None:
        await do(world, ada, "room.invite", room=room, user=ben.user)
        await post(world, ada, room, "welcome")

    for acts in ((invite,), (_nothing, invite)):
        there, sink = connect(world, ben)
        hello = await _greet_while(world, there, *acts)
        (mine,) = (each for each in hello["rooms"] if each["id"] == room)
        await post(world, ada, room, "and now")
        await flushed(world.ctx.hub)
        last = _events(sink)[-1]
        assert (last["messages"][0]["text"], last["after"]) == ("and now", mine["head"])
        await do(world, ada, "room.remove", room=room, user=ben.user)


@in_world
async def test_who_is_removed_meanwhile_hears_nothing_of_the_room(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben, kind="private")

    def remove() -> Awaitable[Any]:
        return do(world, ada, "room.remove", room=room, user=ben.user)

    def tell() -> Awaitable[Any]:
        return post(world, ada, room, "secret")

    for acts in ((remove, tell, tell), (_nothing, remove, tell, tell)):
        there, sink = connect(world, ben)
        hello = await _greet_while(world, there, *acts)
        await post(world, ada, room, "secret")
        await flushed(world.ctx.hub)
        assert room not in {each["id"] for each in hello["rooms"]}
        assert b"secret" not in b"".join(sink.writes)
        await do(world, ada, "room.invite", room=room, user=ben.user)


@in_world
async def test_who_is_moved_about_all_the_time_is_asked_to_wait(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    there, sink = connect(world, ben)

    def move() -> Awaitable[Any]:
        return do(world, ben, "room.join", room=room)

    async def move_back() -> None:
        await do(world, ben, "room.leave", room=room)

    error = await error_of(_greet_while(world, there, *[move, move_back] * 25))
    assert isinstance(error, Busy)
    await greet(world, there)
    await post(world, ada)
    await flushed(world.ctx.hub)
    assert _events(sink)[-1]["ev"] == "messages"


@in_world
async def test_no_snapshot_for_a_sign_in_that_ends_meanwhile(world: World) -> None:
    ada = await world.set_up()
    there, sink = connect(world, ada)
    error = await error_of(_greet_while(world, there, lambda: do(world, ada, "session.end")))
    assert isinstance(error, SignedOut)
    assert there.connection is not None
    assert there.connection.closed
    assert sink.payloads == []


@in_world
async def test_a_second_hello_is_a_new_snapshot(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    there, sink = connect(world, ben)
    await greet(world, there)
    again = await _greet_while(world, there, _nothing, lambda: post(world, ada))
    kinds = ["reply" if "ok" in payload else payload["ev"] for payload in sink.payloads]
    assert kinds == ["reply", "reply", "messages"]
    head = next(room["head"] for room in again["rooms"] if room["id"] == GENERAL)
    assert _events(sink)[0]["after"] == head


# -- ping, presence ------------------------------------------------------------------------------------------


@in_world
async def test_a_ping_tells_the_heads_that_were_queued(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    there, _ = connect(world, ben)
    stored = await do(world, ben, "ping")
    assert await do(world, there, "ping") == stored
    hello = await greet(world, there)
    assert await do(world, there, "ping") == stored
    assert stored["heads"] == {str(room["id"]): room["head"] for room in hello["rooms"]}
    seq = await post(world, ada)
    room = await make_room(world, ada, "ops", ben)
    told = await do(world, there, "ping")
    assert told["heads"] == {str(GENERAL): seq, str(room): (await room_of(world, ben, room))["head"]}
    assert told == await do(world, ben, "ping")
    await do(world, ada, "room.remove", room=room, user=ben.user)
    assert (await do(world, there, "ping"))["heads"].keys() == {str(GENERAL)}


@in_world
async def test_who_is_here_and_who_is_away(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    there, _ = connect(world, ben)
    assert (await do(world, ada, "hello"))["online"] == []
    await greet(world, there)
    assert (await do(world, ada, "hello"))["online"] == [ben.user]
    assert await do(world, there, "away", away=True) == {}
    second, _ = connect(world, ben)
    assert (await do(world, ada, "hello"))["away"] == [ben.user]
    await greet(world, second)
    seen = await do(world, ada, "hello")
    assert (seen["online"], seen["away"]) == ([ben.user], [])


@in_world
async def test_who_types_is_told_to_the_room(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    here, sink = connect(world, ada)
    there, _ = connect(world, ben)
    await greet(world, here)
    await greet(world, there)
    assert await refused(world, there, "room.typing", room=room) == "not_found"
    await do(world, there, "room.typing", room=GENERAL)
    await flushed(world.ctx.hub)
    assert _events(sink) == [{"ev": "typing", "room": GENERAL, "user": ben.user}]
