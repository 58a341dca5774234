from __future__ import annotations

import asyncio

from chatbox.bus.base import Publication
from chatbox.live.publisher import ALL_SESSIONS
from tests.live.support import Room, event, flushed, on_loop


@on_loop
async def test_an_event_reaches_everybody_in_the_room_and_nobody_else() -> None:
    room = Room()
    _, inside = room.enter(1)
    _, outside = room.enter(2, (8,))
    room.hub.receive(event(1))
    await flushed(room.hub)
    assert [payload["number"] for payload in inside.payloads if payload] == [1]
    assert outside.payloads == []


@on_loop
async def test_receivers_are_sent_the_very_same_bytes() -> None:
    room = Room()
    sinks = [room.enter(user)[1] for user in (1, 2, 3)]
    room.hub.receive(event(1))
    await flushed(room.hub)
    assert sinks[0].writes[-1] is sinks[1].writes[-1] is sinks[2].writes[-1]


@on_loop
async def test_what_is_due_in_one_turn_goes_out_in_one_write() -> None:
    room = Room()
    _, sink = room.enter(1)
    sink.writes.clear()
    for number in range(5):
        room.hub.receive(event(number))
    await flushed(room.hub)
    assert len(sink.writes) == 1
    assert [payload["number"] for payload in sink.payloads] == [0, 1, 2, 3, 4]


@on_loop
async def test_whoever_leaves_gets_not_even_the_event_that_tells_it() -> None:
    room = Room()
    connection, sink = room.enter(1)
    other, others = room.enter(2)
    sink.writes.clear()
    room.hub.receive(event(1, left=(1,)))
    room.hub.receive(event(2))
    await flushed(room.hub)
    assert sink.payloads == []
    assert connection.rooms == set()
    assert other.rooms == {7}
    assert [payload["number"] for payload in others.payloads if payload] == [1, 2]


@on_loop
async def test_whoever_joins_gets_the_event_that_tells_it_and_what_follows() -> None:
    room = Room()
    _, sink = room.enter(1, ())
    sink.writes.clear()
    room.hub.receive(event(1, joined=(1,)))
    room.hub.receive(event(2))
    await flushed(room.hub)
    assert [payload["number"] for payload in sink.payloads] == [1, 2]


@on_loop
async def test_a_change_of_access_changes_the_generation() -> None:
    room = Room()
    before = room.hub.generation(1)
    room.hub.receive(event(1, left=(1,)))
    assert room.hub.generation(1) == before + 1
    room.hub.receive(event(2, joined=(1,)))
    assert room.hub.generation(1) == before + 2
    assert room.hub.generation(2) == 0


@on_loop
async def test_the_end_of_a_session_closes_its_connections_and_no_others() -> None:
    room = Room()
    ended, first = room.enter(1, session=1)
    _, second = room.enter(1, session=2)
    room.hub.receive(Publication("user:1", ended=(1,)))
    room.hub.receive(event(1))
    await flushed(room.hub)
    assert first.closed == [(4001, "signed out")]
    assert second.closed == []
    assert not [payload for payload in first.payloads if payload]
    assert room.hub.of_user(1) != []
    assert ended.closed
    room.hub.receive(Publication("user:1", ended=(ALL_SESSIONS,)))
    assert second.closed == [(4001, "signed out")]
    assert room.hub.of_user(1) == []


@on_loop
async def test_what_comes_while_a_snapshot_is_made_follows_its_reply() -> None:
    room = Room()
    connection, sink = room.enter(1)
    sink.writes.clear()
    connection.hold()
    room.hub.receive(event(1))
    assert sink.writes == []
    room.hub.release(connection, b'{"number":"snapshot"}')
    room.hub.receive(event(2))
    await flushed(room.hub)
    assert [payload["number"] for payload in sink.payloads] == ["snapshot", 1, 2]


@on_loop
async def test_a_large_room_is_written_to_in_turns_and_what_comes_meanwhile_goes_along() -> None:
    room = Room()
    sinks = [room.enter(user)[1] for user in range(1, 451)]
    room.hub.receive(event(1))
    await asyncio.sleep(0)
    assert [len(sink.writes) for sink in sinks] == [1] * 200 + [0] * 250
    room.hub.receive(event(2))
    await flushed(room.hub)
    assert all([payload["number"] for payload in sink.payloads] == [1, 2] for sink in sinks)
    assert [len(sink.writes) for sink in sinks] == [2] * 200 + [1] * 250


@on_loop
async def test_a_connection_without_hello_gets_no_event() -> None:
    room = Room()
    connection, sink = room.enter(1)
    connection.ready = False
    sink.writes.clear()
    room.hub.receive(event(1))
    room.hub.receive(Publication("all", b'{"ev":"presence"}'))
    await flushed(room.hub)
    assert sink.writes == []


@on_loop
async def test_the_heads_are_those_that_were_queued() -> None:
    room = Room()
    connection, _ = room.enter(1, (7, 8))
    room.hub.receive(event(41))
    assert room.hub.heads(connection) == {"7": 41, "8": 0}


@on_loop
async def test_a_second_snapshot_leaves_the_heads_as_they_are() -> None:
    room = Room()
    connection, _ = room.enter(1, (7, 8))
    room.hub.receive(event(41))
    room.hub.subscribe(connection, (7, 9))
    assert room.hub.heads(connection) == {"7": 41, "9": 0}
    assert room.hub.crowd(8) == 0


@on_loop
async def test_a_connection_over_its_byte_budget_is_closed_and_told_to_come_back() -> None:
    room = Room()
    _, slow = room.enter(1)
    _, quick = room.enter(2)
    slow.stuck = True
    big = Publication("room:7", b'{"text":"' + b"x" * 700_000 + b'"}', head=1)
    room.hub.receive(big)
    await flushed(room.hub)
    assert slow.closed == []
    room.hub.receive(big)
    await flushed(room.hub)
    assert slow.closed == [(4008, "too slow")]
    assert quick.closed == []


@on_loop
async def test_short_frames_are_joined_and_long_ones_are_the_same_bytes_for_everybody() -> None:
    room = Room()
    _, first = room.enter(1)
    _, second = room.enter(2)
    for number in range(3):
        room.hub.receive(event(number))
    await flushed(room.hub)
    assert [len(sink.writes) for sink in (first, second)] == [1, 1]
    for _ in range(3):
        room.hub.receive(Publication("room:7", b'{"text":"' + b"x" * 60_000 + b'"}', head=3))
    await flushed(room.hub)
    assert len(first.payloads) == len(second.payloads) == 6
    for mine, yours in zip(first.writes[1:], second.writes[1:], strict=True):
        assert mine is yours


@on_loop
async def test_a_connection_without_progress_for_ten_seconds_is_closed() -> None:
    room = Room()
    _, slow = room.enter(1)
    slow.stuck = True
    room.hub.receive(event(1))
    await flushed(room.hub)
    room.clock.forward(seconds=9)
    room.hub.check()
    assert slow.closed == []
    slow.written += 1  # progress starts the time anew
    room.hub.check()
    room.clock.forward(seconds=9)
    room.hub.check()
    assert slow.closed == []
    room.clock.forward(seconds=2)
    room.hub.check()
    assert slow.closed == [(4008, "too slow")]


@on_loop
async def test_more_than_the_budget_is_not_kept_back_for_a_snapshot() -> None:
    room = Room()
    connection, sink = room.enter(1)
    connection.hold()
    big = Publication("room:7", b'{"text":"' + b"x" * 700_000 + b'"}', head=1)
    room.hub.receive(big)
    assert sink.closed == []
    room.hub.receive(big)
    assert sink.closed == [(4008, "too slow")]
    assert connection._held == []


@on_loop
async def test_the_number_of_connections_is_right_however_often_one_comes_and_goes() -> None:
    room = Room()
    (first, _), (second, _), (other, _) = (room.enter(user) for user in (1, 1, 2))
    room.hub.attach(first)
    assert room.hub.count == len(room.hub.connections) == 3
    for connection in (first, first, other):
        room.hub.detach(connection)
    assert room.hub.count == len(room.hub.connections) == 1
    room.hub.detach(second)
    assert room.hub.count == 0
