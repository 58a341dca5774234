from __future__ import annotations

from msgspec import json

from chatbox.bus.base import Publication
from chatbox.live.connection import Connection
from chatbox.live.presence import Presence
from tests.harness.running import chance
from tests.live.support import Room, on_loop


def watched(room: Room) -> tuple[Presence, list[Publication]]:
    told: list[Publication] = []
    room.hub.watch(told.append)
    return Presence(room.hub, room.clock, told.extend), told


def listed(presence: Presence) -> tuple[list[int], list[int]]:
    """Who is here, and who away, as a hello tells it."""
    online, away = (sorted(json.decode(ids)) for ids in presence.lists())
    return online, away


def last(told: list[Publication]) -> object:
    return json.decode(told[-1].event)


@on_loop
async def test_who_comes_is_told_once_a_second_in_one_event() -> None:
    room = Room()
    presence, told = watched(room)
    for user in (1, 2):
        room.enter(user)
        presence.update(user)
    presence.tick()
    presence.tick()
    assert len(told) == 1
    assert last(told) == {"ev": "presence", "online": [1, 2]}


@on_loop
async def test_a_reload_within_ten_seconds_is_no_absence() -> None:
    room = Room()
    presence, told = watched(room)
    connection, _ = room.enter(1)
    presence.update(1)
    presence.tick()
    room.hub.detach(connection)
    presence.update(1)
    room.clock.forward(seconds=9)
    presence.tick()
    room.enter(1)
    presence.update(1)
    room.clock.forward(seconds=9)
    presence.tick()
    assert len(told) == 1


@on_loop
async def test_who_stays_away_is_told_as_offline() -> None:
    room = Room()
    presence, told = watched(room)
    connection, _ = room.enter(1)
    presence.update(1)
    presence.tick()
    room.hub.detach(connection)
    presence.update(1)
    room.clock.forward(seconds=11)
    presence.tick()
    assert last(told) == {"ev": "presence", "offline": [1]}
    assert listed(presence) == ([], [])


@on_loop
async def test_somebody_is_away_only_where_every_screen_says_so() -> None:
    room = Room()
    presence, _ = watched(room)
    first, _ = room.enter(1)
    second, _ = room.enter(1)
    first.away = True
    presence.update(1)
    assert listed(presence) == ([1], [])
    second.away = True
    presence.update(1)
    assert listed(presence) == ([1], [1])


@on_loop
async def test_typing_goes_to_no_crowd() -> None:
    room = Room()
    presence, told = watched(room)
    room.enter(1)
    presence.typing(7, 5, 1)
    assert last(told) == {"ev": "typing", "room": 7, "user": 1}
    for user in range(2, 110):
        room.enter(user)
    presence.typing(7, 5, 1)
    assert len(told) == 1


@on_loop
async def test_who_is_on_any_node_is_here_and_away_is_who_is_away_on_all() -> None:
    room = Room()
    elsewhere = {1: "online", 2: "away", 3: "away", 9: "online"}
    told: list[Publication] = []
    room.hub.watch(told.append)
    presence = Presence(room.hub, room.clock, told.extend, lambda: elsewhere)
    for user in (1, 2, 3):
        connection, _ = room.enter(user)
        connection.away = user != 2
        presence.update(user)
    presence.tick()
    assert listed(presence) == ([1, 2, 3, 9], [3])
    assert presence.here == {1: "away", 2: "online", 3: "away"}
    del elsewhere[9], elsewhere[1]
    presence.tick()
    assert last(told) == {"ev": "presence", "away": [1], "offline": [9]}
    presence.tick()
    assert len(told) == 2


@on_loop
async def test_the_lists_of_a_hello_and_what_is_told_after_it_give_everybody_as_they_are() -> None:
    """Whatever happens between two seconds, whoever comes then knows all that those know who were there."""
    random = chance()
    room = Room()
    elsewhere: dict[int, str] = {}
    told: list[Publication] = []
    room.hub.watch(told.append)
    presence = Presence(room.hub, room.clock, told.extend, lambda: elsewhere)
    open_here: dict[int, Connection] = {}
    for _ in range(300):
        user = random.randrange(1, 9)
        match random.randrange(5):
            case 0:
                elsewhere[user] = random.choice(["online", "away"])
            case 1:
                elsewhere.pop(user, None)
            case 2 if user in open_here:
                room.hub.detach(open_here.pop(user))
                presence.update(user)
                room.clock.forward(seconds=random.choice([1, 11]))
            case 2 | 3:
                open_here.setdefault(user, room.enter(user)[0]).away = random.random() < 0.5
                presence.update(user)
            case _:
                presence.tick()
                continue
        online, away = listed(presence)
        assert len(online) == len(set(online))
        assert set(open_here) <= set(online), "who comes is there at once"
        seen = dict.fromkeys(online, "online") | dict.fromkeys(away, "away")
        before = len(told)
        presence.tick()
        for publication in told[before:]:
            event = json.decode(publication.event)
            for state in ("online", "away", "offline"):
                seen |= dict.fromkeys(event.get(state, []), state)
        here = {user: state for user, state in seen.items() if state != "offline"}
        assert here == dict(presence.everybody)
