"""What a node delivers of what all nodes publish: everything, once, in the room's order."""

from __future__ import annotations

import itertools
from unittest.mock import patch

import pytest

from chatbox.bus.base import Publication
from chatbox.errors import Unavailable
from chatbox.live import missing
from tests.chat.talk import GENERAL, do, make_room, post
from tests.cluster.support import Guest, Town, in_town


def _in_order(guest: Guest, room: int = GENERAL) -> bool:
    """Each event begins where the one before it ended."""
    numbers = guest.numbers(room)
    return all(first[1] == second[0] for first, second in itertools.pairwise(numbers))


@in_town
async def test_what_is_posted_on_one_node_reaches_those_on_the_other(town: Town) -> None:
    ben, eve = await town.two.come(town.ben), await town.one.come(town.eve)
    for number in range(5):
        await post(town.one, town.ada, text=f"one {number}")
        await post(town.two, town.ada, text=f"two {number}")
    await town.settled()
    expected = [f"{where} {number}" for number in range(5) for where in ("one", "two")]
    for guest in (ben, eve):
        assert guest.texts(GENERAL) == expected
        assert _in_order(guest)
    assert town.one.follower.repaired == town.two.follower.repaired == 0


@in_town
async def test_what_comes_in_the_wrong_order_is_delivered_in_the_right_one(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.held = True
    for number in range(3):
        await post(town.one, town.ada, text=str(number))
    for number in (2, 0, 0):
        town.ether.deliver(number)
    await town.settled()
    assert ben.texts(GENERAL) == ["0", "1", "2"]
    assert town.two.follower.repaired == 0


@in_town
async def test_what_comes_twice_is_delivered_once(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.held = True
    await post(town.one, town.ada)
    town.ether.letters *= 2
    town.ether.deliver_all()
    await town.settled()
    assert ben.texts(GENERAL) == ["hello"]


@in_town
async def test_what_is_missing_before_an_event_is_read_once_and_told_as_one(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.held = True
    for number in range(4):
        await post(town.one, town.ada, text=str(number))
    last = town.ether.letters[-1]
    town.ether.letters = [last]
    town.ether.deliver_all()
    await ben.until(lambda ben: ben.texts(GENERAL))
    await town.settled()
    assert ben.texts(GENERAL) == ["0", "1", "2", "3"]
    assert len(ben.numbers(GENERAL)) == 1
    assert town.two.follower.repaired == 1


@in_town
async def test_what_a_node_commits_itself_waits_for_what_came_before_it(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.held = True
    await post(town.one, town.ada, text="first")
    await post(town.two, town.eve, text="second")
    assert ben.texts(GENERAL) == []
    town.ether.deliver()
    await town.settled()
    assert ben.texts(GENERAL) == ["first", "second"]
    assert len(ben.numbers(GENERAL)) == 2


@in_town
async def test_what_tells_only_that_something_changed_is_read(town: Town) -> None:
    ben, eve = await town.two.come(town.ben), await town.one.come(town.eve)
    town.ether.lost = True
    await post(town.one, town.ada, text="heard")
    seq = await post(town.two, town.ada, text="read")
    town.ether.lost = False
    town.one.ctx.bus.publish([Publication(f"room:{GENERAL}", head=seq, after=seq - 2)])
    await town.settled()
    assert eve.texts(GENERAL) == ben.texts(GENERAL) == ["heard", "read"]


@in_town
async def test_the_last_words_of_a_node_are_found_by_looking(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.lost = True
    await post(town.one, town.ada, text="last words")
    await town.two.look()
    await ben.until(lambda ben: ben.texts(GENERAL))
    assert ben.texts(GENERAL) == ["last words"]
    await town.two.look()
    await town.settled()
    assert town.two.follower.repaired == 1


@in_town
async def test_an_edit_and_a_deletion_that_were_missed_come_as_they_are_by_now(town: Town) -> None:
    ben = await town.two.come(town.ben)
    first, second = await post(town.one, town.ada, text="one"), await post(town.one, town.ada, text="two")
    town.ether.lost = True
    ada = await town.one.come(town.ada)
    await ada.do("message.edit", room=GENERAL, seq=first, text="three")
    await ada.do("message.delete", room=GENERAL, seq=second)
    await town.two.look()
    await town.settled()
    assert ben.texts(GENERAL) == ["one", "two", "three", ""]
    assert _in_order(ben)


@in_town
async def test_more_than_can_be_sent_to_everybody_is_left_to_the_clients(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.lost = True
    for number in range(11):
        await post(town.one, town.ada, text=str(number))
    head = (await town.one.rows("SELECT head FROM rooms WHERE id = ?", GENERAL))[0][0]
    with patch.object(missing, "MOST", 10):
        await town.two.look()
        await town.settled()
    assert (ben.texts(GENERAL), ben.numbers(GENERAL)) == ([], [(head, head)])
    assert (await ben.do("ping"))["heads"][str(GENERAL)] == head


@in_town
async def test_a_room_made_here_is_heard_at_once(town: Town) -> None:
    ben = await town.two.come(town.ben)
    room = (await ben.do("room.create", name="ops", kind="private"))["room"]["id"]
    assert await post(town.two, town.ben, room) == 3
    await town.settled()
    assert ben.texts(room) == ["hello"]
    assert _in_order(ben, room)
    assert f"room:{room}" in town.ether.buses[1].topics


@in_town
async def test_who_is_brought_into_a_room_on_another_node_hears_it(town: Town) -> None:
    ben = await town.two.come(town.ben)
    room = await make_room(town.one, town.ada, "ops", town.ben, kind="private")
    await post(town.one, town.ada, room, "before")
    await ben.until(lambda ben: ben.caller.connection and room in ben.caller.connection.rooms)
    await town.settled()
    await post(town.one, town.ada, room, "after")
    await ben.until(lambda ben: "after" in ben.texts(room))
    told = ben.events("room")[0]["room"]
    assert (told["id"], told["member"]) == (room, True)
    assert (await ben.do("ping"))["heads"][str(room)] == ben.numbers(room)[-1][1]
    # Whatever was posted before the node listened, a client finds by the numbers.
    seen = [told["head"], *(number for pair in ben.numbers(room) for number in pair)]
    assert seen == sorted(seen)


@in_town
async def test_who_comes_into_a_room_that_others_here_hear_is_told_in_its_order(town: Town) -> None:
    ben, eve = await town.two.come(town.ben), await town.two.come(town.eve)
    room = await make_room(town.one, town.ada, "ops", town.ben, kind="private")
    await ben.until(lambda ben: ben.caller.connection and room in ben.caller.connection.rooms)
    await town.settled()
    town.ether.held = True
    await post(town.one, town.ada, room, "before")
    ada = await town.one.come(town.ada)
    await ada.do("room.invite", room=room, user=eve.user)
    await post(town.one, town.ada, room, "after")
    town.ether.deliver_all()
    await town.settled()
    assert "after" in eve.texts(room)
    assert [each["room"]["id"] for each in eve.events("room") if each["room"].get("member")] == [room]


@in_town
async def test_who_came_in_while_the_database_could_not_be_read_is_told_where_the_room_is(town: Town) -> None:
    ben = await town.two.come(town.ben)
    room = await make_room(town.one, town.ada, "ops", kind="private")
    town.two.store.broken = True
    await do(town.one, town.ada, "room.invite", room=room, user=ben.user)
    await ben.until(lambda ben: ben.events("room"))
    await town.settled()
    for text in ("meanwhile", "and then"):
        await post(town.one, town.ada, room, text)
    town.two.store.broken = False
    await town.two.look()
    await town.settled()
    ((head,),) = await town.one.rows("SELECT head FROM rooms WHERE id = ?", room)
    assert ben.events("room")[0]["room"]["head"] < head
    assert ben.numbers(room) == [(head, head)]
    assert (await ben.do("ping"))["heads"][str(room)] == head
    await post(town.one, town.ada, room, "after")
    await town.settled()
    assert ben.texts(room) == ["after"]


@in_town
async def test_nothing_is_lost_between_the_subscription_and_the_snapshot(town: Town) -> None:
    town.ether.held = True
    for number in range(10):
        coming = town.two.come(town.ben if number % 2 else town.eve)
        await post(town.one, town.ada, text=f"{number}")
        guest = await coming
        await post(town.one, town.ada, text=f"{number} later")
        town.ether.deliver_all()
        await town.settled()
        position = next(room["head"] for room in guest.hello["rooms"] if room["id"] == GENERAL)
        for after, head in guest.numbers(GENERAL):
            assert after <= position or head <= position
            position = max(position, head)
        assert f"{number} later" in guest.texts(GENERAL)
        assert guest.caller.connection is not None
        town.two.ctx.hub.detach(guest.caller.connection)


@in_town
async def test_rooms_that_nobody_here_hears_are_forgotten(town: Town) -> None:
    ben = await town.two.come(town.ben)
    bus = town.ether.buses[1]
    everywhere = {"all", "nodes", "confirmed", "setup"}
    assert bus.topics == {*everywhere, f"user:{ben.user}", f"room:{GENERAL}"}
    assert ben.caller.connection is not None
    town.two.ctx.hub.detach(ben.caller.connection)
    await town.two.look()
    assert f"room:{GENERAL}" in bus.topics  # somebody may come back at once
    await town.two.look()
    assert bus.topics == everywhere
    assert town.two.follower.positions().keys() == {"all"}
    again = await town.two.come(town.ben)
    await post(town.one, town.ada)
    await town.settled()
    assert again.texts(GENERAL) == ["hello"]


@in_town
async def test_what_is_missed_of_ones_own_leads_to_a_new_snapshot(town: Town) -> None:
    ben = await town.two.come(town.ben)
    room = await make_room(town.one, town.ada)
    await town.settled()
    town.ether.lost = True
    ada = await town.one.come(town.ada)
    await ada.do("room.invite", room=room, user=ben.user)
    await town.two.look()
    await town.settled()
    (told,) = ben.events("me")
    mine = (await town.one.rows("SELECT mine FROM users WHERE id = ?", ben.user))[0][0]
    assert (told["after"], told["mine"]) == (mine, mine)  # ahead of what any client may know
    assert ben.caller.connection is not None
    assert room in ben.caller.connection.rooms
    town.ether.lost = False
    await post(town.one, town.ada, room)
    await town.settled()
    assert ben.texts(room) == ["hello"]


@in_town
async def test_people_who_changed_unheard_are_found(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.lost = True
    ada = await town.one.come(town.ada)
    await ada.do("user.update", status="away fishing")
    await town.one.register("zoe")
    await town.two.look()
    await ben.until(lambda ben: ben.events("people"))
    (told,) = ben.events("people")
    assert {person["name"]: person.get("status") for person in told["people"]} == {
        "ada": "away fishing",
        "zoe": None,
    }
    assert town.two.ctx.directory.people_rev == told["people_rev"]
    assert "zoe" in town.two.ctx.directory.by_key


@in_town
async def test_a_database_that_cannot_be_read_is_asked_again(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.lost = True
    await post(town.one, town.ada, text="unheard")
    town.ether.lost = False
    town.two.store.broken = True
    await post(town.one, town.ada, text="heard")
    with pytest.raises(Unavailable):
        await town.two.look()
    assert ben.texts(GENERAL) == []
    town.two.store.broken = False
    await ben.until(lambda ben: ben.texts(GENERAL))
    assert ben.texts(GENERAL) == ["unheard", "heard"]


@in_town
async def test_a_hello_that_could_not_begin_leaves_nothing_behind(town: Town) -> None:
    town.two.store.broken = True
    with pytest.raises(Unavailable):
        await town.two.follower.subscribe([f"room:{GENERAL}"])
    town.two.store.broken = False
    ben = await town.two.come(town.ben)
    await post(town.one, town.ada)
    await town.settled()
    assert ben.texts(GENERAL) == ["hello"]


@in_town
async def test_a_room_renamed_unheard_is_told_with_what_was_missed(town: Town) -> None:
    ben = await town.two.come(town.ben)
    room = await make_room(town.one, town.ada, "ops", town.ben)
    await ben.until(lambda ben: ben.caller.connection and room in ben.caller.connection.rooms)
    await town.settled()
    town.ether.lost = True
    ada = await town.one.come(town.ada)
    await ada.do("room.update", room=room, name="cellar")
    await town.two.look()
    await town.settled()
    assert ben.events("room")[-1]["room"]["name"] == "cellar"
