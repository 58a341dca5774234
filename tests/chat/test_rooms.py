"""Rooms: making, changing, joining, leaving, inviting, removing, roles; and what is told of each."""

from __future__ import annotations

import asyncio

from tests.chat.support import World, in_world, outcomes
from tests.chat.talk import GENERAL, Published, do, make_room, post, refused, room_of


@in_world
async def test_who_makes_a_room_is_in_it_as_its_owner(world: World) -> None:
    ada = await world.set_up()
    published = Published(world)
    made = (await do(world, ada, "room.create", name="#ops", kind="public", topic="On call"))["room"]
    now = world.clock.now()
    shared = {
        "id": made["id"], "kind": "public", "name": "ops", "topic": "On call", "head": 2, "rev": 1,
        "posts": 0, "at": now, "count": 1, "archived": None,
    }  # fmt: skip
    mine = {"member": True, "role": "owner", "read": 2, "unread": 0, "mentions": 0, "hidden": False}
    assert made == shared | mine
    room, me = f"room:{made['id']}", f"user:{ada.user}"
    member = {"user": ada.user, "rev": 2, "role": "owner"}
    number = (await do(world, ada, "ping"))["mine"]
    changes = {"room": made["id"], "after": 0, "head": 2, "messages": [], "members": [member]}
    assert published.take() == [
        (me, {"ev": "room", "room": made, "mine": number}),
        (room, {"ev": "messages"} | changes),
        (room, {"ev": "room", "room": shared}),
    ]


@in_world
async def test_a_nonce_makes_one_room(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    fields = {"name": "ops", "kind": "private", "nonce": "nonce-of-a-room"}
    made = await asyncio.gather(*(do(world, ada, "room.create", **fields) for _ in range(5)))
    assert len({reply["room"]["id"] for reply in made}) == 1
    published = Published(world)
    assert await do(world, ada, "room.create", **fields) == made[0]
    assert published.take() == []
    other = await do(world, ben, "room.create", **fields | {"name": "dev"})
    assert other["room"]["id"] != made[0]["room"]["id"]


@in_world
async def test_a_nonce_tells_nothing_of_a_room_that_one_has_left(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    fields = {"name": "ops", "kind": "private", "nonce": "nonce-of-a-room"}
    room = (await do(world, ben, "room.create", **fields))["room"]["id"]
    await do(world, ben, "room.invite", room=room, user=ada.user)
    await do(world, ben, "room.leave", room=room)
    await do(world, ada, "room.update", room=room, name="secret plans")
    assert await refused(world, ben, "room.create", **fields) == "not_found"


@in_world
async def test_of_rooms_of_one_name_there_is_one(world: World) -> None:
    ada = await world.set_up()
    names = ("ops", "OPS", "#Ops", "ｏｐｓ")
    made, failed = await outcomes(
        *(do(world, ada, "room.create", name=names[number % 4], kind="public") for number in range(12))
    )
    assert len(made) == 1
    assert {(getattr(error, "code", ""), getattr(error, "field", "")) for error in failed} == {
        ("conflict", "name")
    }
    assert await refused(world, ada, "room.create", name="GENERAL", kind="private") == "conflict name"
    assert await refused(world, ada, "room.create", name=" ", kind="private") == "bad_request name"


@in_world
async def test_a_new_name_and_topic_are_told_to_the_room(world: World) -> None:
    ada = await world.set_up()
    room = await make_room(world, ada)
    published = Published(world)
    changed = (await do(world, ada, "room.update", room=room, name="dev", topic="Code"))["room"]
    assert (changed["name"], changed["topic"], changed["head"], changed["rev"]) == ("dev", "Code", 3, 3)
    (first, event), (second, described) = published.take()
    assert first == second == f"room:{room}"
    assert event == {"ev": "messages", "room": room, "after": 2, "head": 3, "messages": []}
    personal = {"member", "role", "read", "unread", "mentions", "hidden"}
    assert described == {"ev": "room", "room": {key: changed[key] for key in changed if key not in personal}}
    await do(world, ada, "room.update", room=room, name="dev", topic="Code", archived=False)
    assert published.take() == []


@in_world
async def test_an_archived_room_is_read_and_not_written(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    cleo = await world.register("cleo")
    room = await make_room(world, ada, "ops", ben)
    await post(world, ben, room)
    archived = (await do(world, ada, "room.update", room=room, archived=True))["room"]
    assert archived["archived"] == world.clock.now()
    assert await refused(world, ben, "message.post", room=room, nonce="nonce-01", text="hi") == "conflict"
    assert await refused(world, ada, "room.invite", room=room, user=cleo.user) == "conflict"
    assert await refused(world, cleo, "room.join", room=room) == "conflict"
    assert room not in [each["id"] for each in (await do(world, cleo, "room.list"))["rooms"]]
    assert (await room_of(world, ben, room))["archived"]
    assert len((await do(world, ben, "room.history", room=room))["messages"]) == 1
    assert (await do(world, ben, "room.read", room=room, seq=0, unread=True))["unread"] == 1
    await do(world, ben, "room.leave", room=room)
    back = (await do(world, ada, "room.update", room=room, archived=False))["room"]
    assert back["archived"] is None
    await post(world, ada, room)


@in_world
async def test_an_archived_room_frees_its_name(world: World) -> None:
    ada = await world.set_up()
    old = await make_room(world, ada, "ops")
    await do(world, ada, "room.update", room=old, archived=True)
    await make_room(world, ada, "OPS")
    published = Published(world)
    assert await refused(world, ada, "room.update", room=old, archived=False) == "conflict name"
    assert (published.take(), (await room_of(world, ada, old))["head"]) == ([], 3)
    back = (await do(world, ada, "room.update", room=old, archived=False, name="old ops"))["room"]
    assert (back["name"], back["archived"]) == ("old ops", None)


@in_world
async def test_the_room_of_everybody_keeps_everybody(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    assert (await room_of(world, ben))["general"]
    for name, fields in (
        ("room.leave", {}),
        ("room.remove", {"user": ben.user}),
        ("room.update", {"archived": True}),
    ):
        assert await refused(world, ada, name, room=GENERAL, **fields) == "conflict"
    assert await refused(world, ben, "room.update", room=GENERAL, name="hall") == "forbidden"
    assert (await do(world, ada, "room.update", room=GENERAL, name="hall"))["room"]["name"] == "hall"


@in_world
async def test_the_room_of_everybody_needs_no_owner(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    for role in ("owner", "member"):
        await do(world, ada, "room.role", room=GENERAL, user=ben.user, role=role)
        assert (await room_of(world, ben))["role"] == role
    await do(world, ada, "room.role", room=GENERAL, user=ben.user, role="owner")
    await do(world, ada, "user.delete", user=ben.user)
    members = (await do(world, ada, "room.members", room=GENERAL))["members"]
    assert members == [{"user": ada.user, "role": "member"}]


@in_world
async def test_joining_twice_changes_nothing(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    await post(world, ada, room)
    joined = (await do(world, ben, "room.join", room=room))["room"]
    assert (joined["member"], joined["role"], joined["unread"], joined["count"]) == (True, "member", 0, 2)
    published = Published(world)
    assert (await do(world, ben, "room.join", room=room))["room"] == joined
    assert published.take() == []


@in_world
async def test_who_comes_back_has_read_everything(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben)
    await post(world, ada, room, "@ben look")
    assert (await room_of(world, ben, room))["mentions"] == 1
    left = await do(world, ben, "room.leave", room=room)
    assert left == {"room": {"id": room}}
    await post(world, ada, room, "@ben gone?")
    back = (await do(world, ben, "room.join", room=room))["room"]
    assert (back["unread"], back["mentions"], back["read"], back["role"]) == (0, 0, back["head"], "member")


@in_world
async def test_an_invitation_tells_the_invited_and_the_room(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, kind="private")
    published = Published(world)
    reply = (await do(world, ada, "room.invite", room=room, user=ben.user))["room"]
    assert (reply["role"], reply["count"]) == ("owner", 2)
    (first, mine), (second, messages), (third, shared) = published.take()
    assert (first, second, third) == (f"user:{ben.user}", f"room:{room}", f"room:{room}")
    assert mine["room"] == await room_of(world, ben, room)
    assert mine["mine"] == (await do(world, ben, "ping"))["mine"]
    assert messages["members"] == [{"user": ben.user, "rev": reply["head"], "role": "member"}]
    assert (shared["ev"], shared["room"]["count"]) == ("room", 2)
    await do(world, ada, "room.invite", room=room, user=ben.user)
    assert published.take() == []


@in_world
async def test_only_people_who_can_come_are_invited(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    await do(world, ada, "user.disable", user=ben.user)
    for user in (ben.user, 999):
        assert await refused(world, ada, "room.invite", room=room, user=user) == "not_found user"
        assert await refused(world, ada, "direct.open", users=[user]) == "not_found users"


@in_world
async def test_a_removal_tells_the_removed_that_the_room_is_gone(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben, kind="private")
    published = Published(world)
    reply = (await do(world, ada, "room.remove", room=room, user=ben.user))["room"]
    mine = (await do(world, ben, "ping"))["mine"]
    (first, messages), (second, shared), (third, gone) = published.take()
    assert (first, messages["head"]) == (f"room:{room}", reply["head"])
    assert messages["members"] == [{"user": ben.user, "rev": reply["head"], "left": True}]
    assert (second, shared["room"]["count"]) == (f"room:{room}", 1)
    assert (third, gone) == (f"user:{ben.user}", {"ev": "room.gone", "room": room, "mine": mine})
    await do(world, ada, "room.remove", room=room, user=ben.user)
    assert published.take() == []
    assert await refused(world, ben, "room.history", room=room) == "not_found"


@in_world
async def test_the_last_owner_hands_the_room_to_who_is_longest_in_it(world: World) -> None:
    ada = await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    room = await make_room(world, ada)
    for caller in (cleo, ben):
        world.clock.forward(seconds=1)
        await do(world, caller, "room.join", room=room)
    published = Published(world)
    await do(world, ada, "room.leave", room=room)
    assert (await room_of(world, cleo, room))["role"] == "owner"
    assert (await room_of(world, ben, room))["role"] == "member"
    assert [event["members"] for topic, event in published.take() if event.get("members")] == [
        [{"user": ada.user, "rev": 5, "left": True}, {"user": cleo.user, "rev": 6, "role": "owner"}]
    ]


@in_world
async def test_a_room_is_handed_to_nobody_who_is_shut_out(world: World) -> None:
    ada = await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    room = await make_room(world, ada, "ops", ben, cleo)
    await do(world, ada, "user.disable", user=ben.user)
    await do(world, ada, "room.leave", room=room)
    assert (await room_of(world, cleo, room))["role"] == "owner"


@in_world
async def test_who_is_deleted_hands_over_as_well(world: World) -> None:
    ada = await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    room = await make_room(world, ben, "ops", cleo)
    await do(world, ada, "user.delete", user=ben.user)
    assert (await do(world, cleo, "room.members", room=room))["members"] == [
        {"user": cleo.user, "role": "owner"}
    ]


@in_world
async def test_the_last_one_may_leave_too(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    await do(world, ada, "room.leave", room=room)
    joined = (await do(world, ben, "room.join", room=room))["room"]
    assert (joined["count"], joined["role"]) == (1, "member")


@in_world
async def test_a_room_keeps_one_owner(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben)
    role = {"room": room, "user": ada.user, "role": "member"}
    assert await refused(world, ada, "room.role", **role) == "conflict"
    await do(world, ada, "room.role", room=room, user=ben.user, role="owner")
    published = Published(world)
    await do(world, ada, "room.role", room=room, user=ben.user, role="owner")
    assert published.take() == []
    await do(world, ben, "room.role", **role)
    assert published.shapes() == [
        (f"room:{room}", "messages"),
        (f"room:{room}", "room"),
        (f"user:{ada.user}", "room"),
    ]
    assert (await room_of(world, ada, room))["role"] == "member"
    assert await refused(world, ada, "room.role", room=room, user=999, role="member") == "not_found user"


@in_world
async def test_every_change_of_what_is_mine_has_the_next_number(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    before = (await do(world, ben, "ping"))["mine"]
    published = Published(world)
    room = await make_room(world, ada, "ops", ben)
    await post(world, ada, room, "@ben")
    await do(world, ben, "room.read", room=room, seq=99)
    await do(world, ada, "room.role", room=room, user=ben.user, role="moderator")
    await do(world, ada, "room.remove", room=room, user=ben.user)
    numbers = [event["mine"] for topic, event in published.take() if topic == f"user:{ben.user}"]
    assert numbers == list(range(before + 1, before + 5))
    assert (await do(world, ben, "ping"))["mine"] == numbers[-1]
