"""Saying hello on one node while another changes who is in a room: nobody hears too much, or too little."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chatbox.store.base import Steps
from tests.chat.talk import connect, do, greet, make_room, post
from tests.cluster.support import Guest, Town, in_town, town_in


def before_redis_confirms(town: Town, happens: Callable[[], Any]) -> None:
    """Let this happen once the rooms were read and before Redis has confirmed that they are followed."""
    bus = town.two.follower._bus
    confirm = bus.subscribe
    happening: asyncio.Future[Any] | None = None

    async def subscribe(topics: list[str]) -> None:
        nonlocal happening
        if f"user:{town.ben.user}" in topics:
            happening = happening or asyncio.ensure_future(happens())
            await happening
        await confirm(topics)

    bus.subscribe = subscribe  # type: ignore[method-assign]


@pytest.mark.parametrize("what", ["room.remove", "room.invite"])
def test_what_changes_until_redis_confirms_is_in_the_snapshot_and_in_what_is_heard(
    what: str, tmp_path: Any
) -> None:
    async def play() -> None:
        async with town_in(tmp_path) as town:
            invited = [town.ben] if what == "room.remove" else []
            room = await make_room(town.one, town.ada, "ops", *invited)
            before_redis_confirms(town, lambda: do(town.one, town.ada, what, room=room, user=town.ben.user))
            ben = Guest(town.two, *connect(town.two, town.ben))
            ben.hello = await greet(town.two, ben.caller)
            told = [each["id"] for each in ben.hello["rooms"]]
            await post(town.one, town.ada, room, "after hello")
            await town.two.look()
            await town.settled()
            assert (room in told) == (what == "room.invite")
            assert ben.texts(room) == (["after hello"] if room in told else [])

    asyncio.run(play())


@in_town
async def test_a_room_that_lets_somebody_in_while_they_say_hello_again_stays_theirs(town: Town) -> None:
    room = await make_room(town.one, town.ada, "ops")
    ben = await town.two.come(town.ben)
    read = town.two.store.read
    reads = 0

    async def read_late(steps: Steps[Any], slow: bool) -> Any:
        found = await read(steps, slow=slow)  # the rooms, without the one that is about to come
        await do(town.one, town.ada, "room.invite", room=room, user=town.ben.user)
        await ben.until(lambda guest: room in _heard(guest))
        return found

    def reading(steps: Steps[Any], *, slow: bool = False) -> Any:
        nonlocal reads
        if getattr(steps, "__name__", "") == "ids_of_user":
            reads += 1
            if reads == 1:
                return read_late(steps, slow)
        return read(steps, slow=slow)

    town.two.store.read = reading  # type: ignore[method-assign]
    hello = await greet(town.two, ben.caller)
    assert reads > 1
    assert room in [each["id"] for each in hello["rooms"]]
    await post(town.one, town.ada, room, "heard")
    await ben.until(lambda guest: guest.texts(room) == ["heard"])


def _heard(guest: Guest) -> set[int]:
    assert guest.caller.connection is not None
    return guest.caller.connection.rooms
