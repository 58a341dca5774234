"""Direct rooms, one per set of people; and how far everybody has read."""

from __future__ import annotations

import asyncio

from tests.chat.support import World, in_world
from tests.chat.talk import GENERAL, Published, counts, do, make_room, post, refused, room_of


@in_world
async def test_there_is_one_direct_room_for_a_set_of_people(world: World) -> None:
    ada = await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    published = Published(world)
    everyone = [ada.user, ben.user, cleo.user]
    opened = await asyncio.gather(
        do(world, ada, "direct.open", users=[ben.user, cleo.user]),
        do(world, ben, "direct.open", users=[cleo.user, ada.user, ada.user]),
        do(world, cleo, "direct.open", users=everyone),
    )
    (room,) = {reply["room"]["id"] for reply in opened}
    assert all(reply["room"]["users"] == everyone for reply in opened)
    first = opened[0]["room"]
    assert (first["kind"], first["name"], first["role"], first["count"]) == ("direct", "", "member", 3)
    assert [topic for topic, event in published.take() if topic.startswith("user:")] == [
        f"user:{user}" for user in everyone
    ]
    pair = await do(world, ada, "direct.open", users=[ben.user])
    assert pair["room"]["id"] != room


@in_world
async def test_a_direct_room_is_for_two_to_nine(world: World) -> None:
    ada = await world.set_up()
    others = [(await world.register(f"p{number}")).user for number in range(9)]
    assert await refused(world, ada, "direct.open", users=[ada.user]) == "bad_request users"
    assert await refused(world, ada, "direct.open", users=others) == "bad_request users"
    assert (await do(world, ada, "direct.open", users=others[:8]))["room"]["count"] == 9
    assert (await do(world, ada, "direct.open", users=[*others[:7], ada.user]))["room"]["count"] == 8


@in_world
async def test_a_hidden_room_comes_back_when_it_is_opened_or_something_new_is_posted(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = (await do(world, ada, "direct.open", users=[ben.user]))["room"]["id"]
    await post(world, ada, room)
    for come_back in (
        do(world, ben, "direct.open", users=[ada.user]),
        post(world, ada, room),
        do(world, ben, "room.hide", room=room, hidden=False),
    ):
        published = Published(world)
        assert (await do(world, ben, "room.hide", room=room))["room"]["hidden"]
        ((topic, event),) = published.take()
        assert (topic, event["ev"], event["room"]["hidden"]) == (f"user:{ben.user}", "room", True)
        assert not (await room_of(world, ada, room))["hidden"]
        await come_back
        assert not (await room_of(world, ben, room))["hidden"]
    assert await refused(world, ben, "room.hide", room=GENERAL) == "conflict"


@in_world
async def test_an_edit_brings_no_hidden_room_back(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = (await do(world, ada, "direct.open", users=[ben.user]))["room"]["id"]
    seq = await post(world, ada, room)
    await do(world, ben, "room.hide", room=room)
    await do(world, ada, "message.edit", room=room, seq=seq, text="new")
    assert (await room_of(world, ben, room))["hidden"]


@in_world
async def test_a_read_position_goes_forwards(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    seqs = [await post(world, ada) for _ in range(3)]
    published = Published(world)
    reply = await do(world, ben, "room.read", room=GENERAL, seq=seqs[1])
    head = (await room_of(world, ben))["head"]
    assert reply == {"room": GENERAL, "read": seqs[1], "unread": 1, "mentions": 0, "head": head}
    mine = (await do(world, ben, "ping"))["mine"]
    assert published.take() == [(f"user:{ben.user}", {"ev": "read", **reply, "mine": mine})]
    for seq in (seqs[0], seqs[1], 0):
        assert await do(world, ben, "room.read", room=GENERAL, seq=seq) == reply
    assert published.take() == []
    assert (await do(world, ben, "room.read", room=GENERAL, seq=10**9))["read"] == head
    assert await counts(world, ben) == (head, 0, 0)


@in_world
async def test_a_read_position_goes_backwards_where_that_is_meant(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    seqs = [await post(world, ada, text=text) for text in ("one", "@ben two", "three")]
    await do(world, ben, "room.read", room=GENERAL, seq=seqs[2])
    back = await do(world, ben, "room.read", room=GENERAL, seq=seqs[1] - 1, unread=True)
    assert (back["unread"], back["mentions"]) == (2, 1)
    back = await do(world, ben, "room.read", room=GENERAL, seq=0, unread=True)
    assert (back["read"], back["unread"]) == (0, 3)
    forth = await do(world, ben, "room.read", room=GENERAL, seq=seqs[1], unread=True)
    assert (forth["unread"], forth["mentions"]) == (1, 0)


@in_world
async def test_what_is_unread_is_counted_in_posts(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben)
    first = await post(world, ada, room)
    second = await post(world, ada, room, "@ben")
    assert (await counts(world, ben, room))[1:] == (2, 1)
    await do(world, ada, "message.edit", room=room, seq=first, text="new")
    await do(world, ada, "room.update", room=room, topic="new")
    await world.register("cleo")
    assert (await counts(world, ben, room))[1:] == (2, 1)
    await do(world, ada, "message.delete", room=room, seq=second)
    assert (await counts(world, ben, room))[1:] == (2, 0)
    own = await post(world, ben, room)
    assert await counts(world, ben, room) == (own, 0, 0)
    assert (await counts(world, ada, room))[1:] == (1, 0)


@in_world
async def test_new_mentions_are_told_to_the_mentioned(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    seq = await post(world, ada, text="hello")
    published = Published(world)
    for text, mentions in (("hello @ben", 1), ("hello @Ben again", 1), ("hello", 0)):
        await do(world, ada, "message.edit", room=GENERAL, seq=seq, text=text)
        assert (await counts(world, ben))[1:] == (1, mentions)
    told = [(event["unread"], event["mentions"]) for _, event in published.take() if event["ev"] == "read"]
    assert told == [(1, 1), (1, 0)]


@in_world
async def test_who_types_is_told_to_the_room_however_it_was_said(world: World) -> None:
    ada = await world.set_up()
    published = Published(world)
    assert await do(world, ada, "room.typing", room=GENERAL) == {}
    told = {"ev": "typing", "room": GENERAL, "user": ada.user}
    assert published.take() == [(f"room:{GENERAL}", told)]


@in_world
async def test_only_who_may_post_in_a_room_types_in_it(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, kind="private")
    assert await refused(world, ben, "room.typing", room=room) == "not_found"
    assert await refused(world, ben, "room.typing", room=room + 1) == "not_found"
    await do(world, ada, "room.update", room=room, archived=True)
    assert await refused(world, ada, "room.typing", room=room) == "conflict"
