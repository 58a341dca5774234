"""What a committed batch tells, and in which order."""

from __future__ import annotations

from typing import Any

from chatbox.bus.base import Publication
from chatbox.live.hub import Hub
from chatbox.live.publisher import publications
from chatbox.store import rooms, users
from chatbox.store.base import Batch, Steps
from tests.live.support import Room, flushed
from tests.store.support import GENERAL, Bench, draft, on_bench


async def _deliver(hub: Hub, bench: Bench, *changes: Any) -> None:
    for publication in publications(await bench.batch(*changes)):
        hub.receive(publication)
    await flushed(hub)


@on_bench
async def test_a_head_is_not_told_before_the_messages_up_to_it(bench: Bench) -> None:
    room = Room()
    _, sink = room.enter(bench.ben, (GENERAL,))

    def promote(batch: Batch) -> Steps[None]:
        yield from rooms.set_role(batch, GENERAL, bench.ben, "moderator")

    await _deliver(room.hub, bench, draft(bench.ada, "1"), promote)
    told = [(payload["ev"], payload.get("head") or payload["room"]["head"]) for payload in sink.payloads]
    head = told[0][1]
    assert told == [("messages", head), ("room", head), ("room", head)]


@on_bench
async def test_who_joins_knows_the_room_before_its_messages(bench: Bench) -> None:
    room = Room()
    connection, sink = room.enter(bench.ben, ())

    def leave_and_join(batch: Batch) -> Steps[None]:
        yield from rooms.remove_member(batch, GENERAL, bench.ben)
        yield from rooms.add_member(batch, GENERAL, bench.ben)

    await _deliver(room.hub, bench, leave_and_join, draft(bench.ada, "1"))
    assert connection.rooms == {GENERAL}
    assert [payload["ev"] for payload in sink.payloads] == ["room.gone", "room", "messages", "room"]


@on_bench
async def test_whoever_is_shut_out_hears_nothing_of_the_same_batch(bench: Bench) -> None:
    room = Room()
    _, shut_out = room.enter(bench.ben, (GENERAL,))
    _, others = room.enter(bench.ada, (GENERAL,))

    def shut(batch: Batch) -> Steps[None]:
        batch.end_sessions(bench.ben)
        yield from ()

    await _deliver(room.hub, bench, shut, draft(bench.ada, "1"))
    assert shut_out.payloads == []
    assert len(shut_out.closed) == 1
    assert [payload["ev"] for payload in others.payloads] == ["messages"]


@on_bench
async def test_what_others_stored_in_between_is_not_claimed_to_be_told(bench: Bench) -> None:
    first = await bench.batch(draft(bench.ada, "1"))
    await bench.batch(draft(bench.ben, "of another server"))
    first.batch.absorb((await bench.batch(draft(bench.ada, "2"))).batch)
    head = await bench.head()
    assert publications(first) == [Publication(f"room:{GENERAL}", head=head, after=head - 3)]


@on_bench
async def test_what_is_numbered_tells_from_where_to_where(bench: Bench) -> None:
    def promote(batch: Batch) -> Steps[None]:
        yield from rooms.set_role(batch, GENERAL, bench.ben, "moderator")
        yield from rooms.set_role(batch, GENERAL, bench.ben, "member")
        yield from users.announce(batch, bench.ben)

    head, mine = (
        await bench.head(),
        (await bench.rows("SELECT mine FROM users WHERE id = ?", bench.ben))[0][0],
    )
    people = (await bench.rows("SELECT value FROM meta WHERE key = 'people_rev'"))[0][0]
    told = publications(await bench.batch(promote))
    assert [(each.topic, each.after, each.head) for each in told] == [
        ("all", people, people + 1),
        (f"room:{GENERAL}", head, head + 2),
        (f"user:{bench.ben}", mine, mine + 1),
        (f"user:{bench.ben}", mine + 1, mine + 2),
    ]
