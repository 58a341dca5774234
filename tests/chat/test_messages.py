"""Messages: posting, editing, deleting, reading by pages, catching up, searching; what is told of each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec import json

from chatbox.chat.context import Caller
from chatbox.chat.pages import PAGE_BYTES
from tests.chat.support import World, error_of, in_world
from tests.chat.talk import GENERAL, Published, counts, do, make_room, new_nonce, post, refused, room_of


def _seqs(page: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in page["messages"]]


async def _history(world: World, caller: Caller, **fields: int) -> dict[str, Any]:
    return dict(await do(world, caller, "room.history", **{"room": GENERAL} | fields))


@in_world
async def test_a_post_is_answered_and_told_to_the_room(world: World) -> None:
    ada = await world.set_up()
    published = Published(world)
    head = (await room_of(world, ada))["head"]
    fields = {"room": GENERAL, "nonce": "nonce-01", "text": "hello"}
    reply = await do(world, ada, "message.post", **fields)
    now = world.clock.now()
    assert reply == {"room": GENERAL, "seq": head + 1, "rev": head + 1, "at": now}
    message = fields | reply | {"user": ada.user}
    event = {"ev": "messages", "room": GENERAL, "after": head, "head": head + 1, "messages": [message]}
    assert published.take() == [(f"room:{GENERAL}", event)]
    assert await _history(world, ada) == {"messages": [message], "more": False}


@in_world
async def test_a_resend_gets_the_first_answer_and_is_told_to_nobody(world: World) -> None:
    ada = await world.set_up()
    fields = {"room": GENERAL, "nonce": "nonce-01", "text": "hello"}
    replies = await asyncio.gather(*(do(world, ada, "message.post", **fields) for _ in range(5)))
    first = replies[0]
    assert replies[1:] == [first | {"duplicate": True}] * 4
    published = Published(world)
    world.clock.forward(seconds=60)
    assert await do(world, ada, "message.post", **fields) == first | {"duplicate": True}
    again = await do(world, ada, "message.post", **fields, reply_to=first["seq"])
    assert again == first | {"duplicate": True}, "room and text are what it is known by"
    assert await refused(world, ada, "message.post", **fields | {"text": "other"}) == "nonce_reused nonce"
    assert published.take() == []


@in_world
async def test_what_cannot_be_sent_is_refused(world: World) -> None:
    ada = await world.set_up()
    for text, code in (
        ("", "bad_request text"),
        (" \n\u200b", "bad_request text"),
        ("bell \x07", "bad_request text"),
        ("x" * 16_385, "too_large text"),
        ("ä" * 8_193, "too_large text"),
    ):
        fields = {"room": GENERAL, "nonce": new_nonce(), "text": text}
        assert await refused(world, ada, "message.post", **fields) == code
    await post(world, ada, text="ä" * 8_192)


@in_world
async def test_markup_and_mentions_go_with_the_text_as_typed(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    published = Published(world)
    await post(world, ada, room, "**hi** @BEN and @ada")
    ((_, event),) = published.take()
    (message,) = event["messages"]
    assert message["text"] == "**hi** @BEN and @ada"
    assert message["parts"][0]["c"][0] == {"t": "b", "c": ["hi"]}
    assert message["mentions"] == [ada.user]  # ben is not in the room
    await do(world, ben, "room.join", room=room)
    await post(world, ada, room, "@ben")
    assert (await counts(world, ben, room))[1:] == (1, 1)


@in_world
async def test_a_reply_names_a_message_of_its_room(world: World) -> None:
    ada = await world.set_up()
    room = await make_room(world, ada)
    seq = await post(world, ada, room)
    fields = {"nonce": new_nonce(), "text": "yes", "reply_to": seq}
    assert await refused(world, ada, "message.post", room=GENERAL, **fields) == "bad_request reply_to"
    await do(world, ada, "message.post", room=room, **fields)
    assert (await _history(world, ada, room=room))["messages"][-1]["reply_to"] == seq


@in_world
async def test_an_edit_is_told_as_the_new_state(world: World) -> None:
    ada = await world.set_up()
    seq = await post(world, ada, text="**old**")
    await post(world, ada)
    head = (await room_of(world, ada))["head"]
    world.clock.forward(seconds=5)
    published = Published(world)
    reply = await do(world, ada, "message.edit", room=GENERAL, seq=seq, text="new")
    assert reply == {"room": GENERAL, "seq": seq, "rev": head + 1}
    ((_, event),) = published.take()
    (message,) = event["messages"]
    assert (event["after"], event["head"]) == (head, head + 1)
    assert (message["seq"], message["rev"], message["text"]) == (seq, head + 1, "new")
    assert (message["edited"], message["at"]) == (world.clock.now(), world.clock.now() - 5_000)
    assert "parts" not in message
    assert await do(world, ada, "message.edit", room=GENERAL, seq=seq, text="new") == reply
    assert published.take() == []


@in_world
async def test_what_cannot_be_edited_is_refused(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    seq = await post(world, ben)
    edit = {"room": GENERAL, "seq": seq, "text": "new"}
    assert await refused(world, ada, "message.edit", **edit) == "forbidden"
    assert await refused(world, ben, "message.edit", **edit | {"seq": 999}) == "not_found"
    assert await refused(world, ben, "message.edit", **edit | {"text": " "}) == "bad_request text"
    await do(world, ben, "message.delete", room=GENERAL, seq=seq)
    assert await refused(world, ben, "message.edit", **edit) == "not_found"


@in_world
async def test_a_deletion_is_told_as_the_state_that_is_left(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    seq = await post(world, ben, text="**gone**, @ada")
    published = Published(world)
    reply = await do(world, ada, "message.delete", room=GENERAL, seq=seq)
    (_, event), = (each for each in published.take() if each[1]["ev"] == "messages")  # fmt: skip
    (message,) = event["messages"]
    assert (message["seq"], message["rev"], message["text"]) == (seq, reply["rev"], "")
    assert message["deleted"] == world.clock.now()
    assert not message.keys() & {"parts", "mentions", "files", "edited"}
    assert await do(world, ben, "message.delete", room=GENERAL, seq=seq) == reply
    assert published.take() == []
    assert await refused(world, ben, "message.delete", room=GENERAL, seq=999) == "not_found"


@in_world
async def test_nothing_is_changed_in_an_archived_room(world: World) -> None:
    ada = await world.set_up()
    room = await make_room(world, ada)
    seq = await post(world, ada, room)
    await do(world, ada, "room.update", room=room, archived=True)
    assert await refused(world, ada, "message.edit", room=room, seq=seq, text="new") == "conflict"
    assert await refused(world, ada, "message.delete", room=room, seq=seq) == "conflict"


@in_world
async def test_changes_of_one_batch_are_told_together_and_in_order(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada)
    head = (await room_of(world, ada, room))["head"]
    published = Published(world)
    everything = [do(world, ada, "message.post", room=room, nonce=new_nonce(), text="first")]
    everything += [do(world, ada, "message.edit", room=room, seq=head + 1, text="edited")]
    everything += [do(world, ben, "room.join", room=room)]
    everything += [do(world, ben, "message.post", room=room, nonce=new_nonce(), text="second")]
    everything += [do(world, ada, "room.update", room=room, topic="new")]
    everything += [do(world, ben, "room.leave", room=room)]
    await asyncio.gather(*everything)
    told = published.take()
    changes = [event for topic, event in told if topic == f"room:{room}" and event["ev"] == "messages"]
    position = head
    for event in changes:
        assert event["after"] == position < event["head"]
        position = event["head"]
    assert position == head + 6
    last = {message["seq"]: message["text"] for event in changes for message in event["messages"]}
    assert last == {head + 1: "edited", head + 4: "second"}
    assert [event["ev"] for topic, event in told if topic == f"user:{ben.user}"] == ["room", "room.gone"]


@in_world
async def test_history_is_read_by_pages_in_both_directions(world: World) -> None:
    ada = await world.set_up()
    seqs = [await post(world, ada) for _ in range(9)]
    newest = await _history(world, ada, limit=4)
    assert (_seqs(newest), newest["more"]) == (seqs[5:], True)
    older = await _history(world, ada, limit=4, before=seqs[5])
    assert (_seqs(older), older["more"]) == (seqs[1:5], True)
    oldest = await _history(world, ada, limit=4, before=seqs[1])
    assert (_seqs(oldest), oldest["more"]) == (seqs[:1], False)
    newer = await _history(world, ada, limit=4, after=seqs[0])
    assert (_seqs(newer), newer["more"]) == (seqs[1:5], True)
    last = await _history(world, ada, limit=4, after=seqs[4])
    assert (_seqs(last), last["more"]) == (seqs[5:], False)
    assert await _history(world, ada, before=0) == {"messages": [], "more": False}
    assert await _history(world, ada, after=10**6) == {"messages": [], "more": False}


@in_world
async def test_history_around_a_place_holds_it_and_its_neighbours(world: World) -> None:
    ada = await world.set_up()
    seqs = [await post(world, ada) for _ in range(9)]
    page = await _history(world, ada, around=seqs[4], limit=4)
    assert (_seqs(page), page["more"], page["more_after"]) == (seqs[3:7], True, True)
    page = await _history(world, ada, around=seqs[0], limit=4)
    assert (_seqs(page), page["more"], page["more_after"]) == (seqs[:3], False, True)
    page = await _history(world, ada, around=seqs[8], limit=4)
    assert (_seqs(page), page["more"], page["more_after"]) == (seqs[7:], True, False)
    page = await _history(world, ada, around=seqs[4], limit=1)
    assert _seqs(page) == [seqs[4]]
    page = await _history(world, ada, around=seqs[4], limit=500)
    assert (_seqs(page), page["more"], page["more_after"]) == (seqs, False, False)


@in_world
async def test_a_page_holds_at_most_256_kib(world: World) -> None:
    ada = await world.set_up()
    posted = await asyncio.gather(*(post(world, ada, text="x" * 16_000) for _ in range(40)))
    seqs = sorted(posted)
    found: list[int] = []
    page = await _history(world, ada, limit=500)
    while True:
        assert len(json.encode(page)) < PAGE_BYTES + 1024
        found = _seqs(page) + found
        if not page["more"]:
            break
        page = await _history(world, ada, limit=500, before=found[0])
    assert found == seqs
    forwards = await _history(world, ada, limit=500, after=0)
    assert (_seqs(forwards), forwards["more"]) == (seqs[: len(forwards["messages"])], True)
    around = await _history(world, ada, limit=100, around=seqs[20])
    assert len(json.encode(around)) < PAGE_BYTES + 1024
    assert seqs[20] in _seqs(around)
    assert around["more"]
    assert around["more_after"]
    changed = await do(world, ada, "room.changes", room=GENERAL, after=0)
    assert len(json.encode(changed)) < PAGE_BYTES + 1024
    assert (changed["more"], changed["to"]) == (True, changed["messages"][-1]["rev"])


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
def test_changes_lead_to_the_head(limit: int, tmp_path: Any) -> None:
    @in_world
    async def walk(world: World) -> None:
        ada = await world.set_up()
        seqs = [await post(world, ada) for _ in range(5)]
        await do(world, ada, "message.edit", room=GENERAL, seq=seqs[1], text="new")
        await do(world, ada, "message.delete", room=GENERAL, seq=seqs[0])
        await do(world, ada, "room.update", room=GENERAL, topic="new")
        head = (await room_of(world, ada))["head"]
        after, found, more = 0, [], True
        while more:
            page = await do(world, ada, "room.changes", room=GENERAL, after=after, limit=limit)
            assert page["head"] == head
            assert page["to"] > after
            assert len(page["messages"]) <= limit
            after, more = page["to"], page["more"]
            found += page["messages"]
        assert after == head
        assert [message["seq"] for message in found] == [*seqs[2:], seqs[1], seqs[0]]
        assert [message["rev"] for message in found] == sorted(message["rev"] for message in found)

    walk(tmp_path)


@in_world
async def test_at_the_head_nothing_changed(world: World) -> None:
    ada = await world.set_up()
    await post(world, ada)
    head = (await room_of(world, ada))["head"]
    for after in (head, head + 100):
        page = await do(world, ada, "room.changes", room=GENERAL, after=after)
        assert page == {"messages": [], "to": head, "head": head, "more": False}


@in_world
async def test_words_and_phrases_are_found(world: World) -> None:
    ada = await world.set_up()
    fox = await post(world, ada, text="The quick brown Fox")
    fix = await post(world, ada, text="a quick fix, café")
    for text, found in (
        ("quick", [fix, fox]),
        ("QUI", [fix, fox]),
        ("fox quick", [fox]),
        ('"quick brown"', [fox]),
        ('"brown quick"', []),
        ("cafe", [fix]),
        ("slow", []),
        ("!!", []),
        ('NOT quick"', []),
    ):
        hits = (await do(world, ada, "search", text=text))["hits"]
        assert [hit["message"]["seq"] for hit in hits] == found, text


@in_world
async def test_what_was_edited_or_deleted_is_found_no_more(world: World) -> None:
    ada = await world.set_up()
    first, second = await post(world, ada, text="secret"), await post(world, ada, text="secret")
    await do(world, ada, "message.edit", room=GENERAL, seq=first, text="harmless")
    await do(world, ada, "message.delete", room=GENERAL, seq=second)
    assert (await do(world, ada, "search", text="secret"))["hits"] == []
    assert len((await do(world, ada, "search", text="harmless"))["hits"]) == 1


@in_world
async def test_only_rooms_where_one_is_are_searched(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    room = await make_room(world, ada, "ops", ben, kind="private")
    await post(world, ada, room, "secret plans")
    await post(world, ada, GENERAL, "no secret")
    assert len((await do(world, ben, "search", text="secret"))["hits"]) == 2
    assert len((await do(world, ben, "search", text="secret", room=room))["hits"]) == 1
    await do(world, ada, "room.remove", room=room, user=ben.user)
    (hit,) = (await do(world, ben, "search", text="secret"))["hits"]
    assert hit["message"]["room"] == GENERAL
    assert await refused(world, ben, "search", text="secret", room=room) == "not_found"


@in_world
async def test_a_search_goes_on_from_its_last_hit(world: World) -> None:
    ada = await world.set_up()
    seqs = [await post(world, ada, text="word") for _ in range(5)]
    found: list[int] = []
    before: dict[str, int] = {}
    while True:
        page = await do(world, ada, "search", text="word", limit=2, **before)
        found += [hit["message"]["seq"] for hit in page["hits"]]
        if not page["more"]:
            break
        before = {"before": page["before"]}
    assert found == seqs[::-1]


@in_world
async def test_nothing_is_read_or_written_after_the_sign_in_ended(world: World) -> None:
    ada = await world.set_up()
    room = await make_room(world, ada)
    seq = await post(world, ada, room)
    await do(world, ada, "session.end")
    for name, fields in (
        ("message.post", {"room": room, "nonce": "nonce-99", "text": "hi"}),
        ("message.edit", {"room": room, "seq": seq, "text": "hi"}),
        ("message.delete", {"room": room, "seq": seq}),
        ("room.history", {"room": room}),
        ("room.changes", {"room": room, "after": 0}),
        ("room.members", {"room": room}),
        ("room.list", {}),
        ("room.create", {"name": "more", "kind": "public"}),
        ("room.join", {"room": room}),
        ("direct.open", {"users": [99]}),
        ("search", {"text": "hello"}),
        ("hello", {}),
        ("ping", {}),
        ("session.list", {}),
    ):
        error = await error_of(do(world, ada, name, **fields))
        assert error.code == "signed_out", name
