from __future__ import annotations

from msgspec import json

from chatbox.errors import Conflict, Invalid, NonceReused, NotFound
from chatbox.model import Message, Posted
from chatbox.store import integrity, messages, rooms, users
from chatbox.store.base import Batch, Steps, one
from tests.store.support import GENERAL, Bench, draft, on_both


@on_both
async def test_posts_of_one_batch_take_neighbouring_numbers_in_their_order(bench: Bench) -> None:
    head = await bench.head()
    replies = await bench.commit(draft(bench.ada, "1"), draft(bench.ben, "2"), draft(bench.ada, "3"))
    assert [reply.seq for reply in replies] == [head + 1, head + 2, head + 3]
    assert all(reply.rev == reply.seq for reply in replies)
    assert await bench.head() == head + 3


@on_both
async def test_a_resend_gets_the_first_answer_marked_as_such(bench: Bench) -> None:
    (first,) = await bench.commit(draft(bench.ada, "1"))
    (again,) = await bench.commit(draft(bench.ada, "1"))
    assert again == Posted(first.room, first.seq, first.rev, first.at, True)


@on_both
async def test_a_resend_within_one_batch_is_stored_once(bench: Bench) -> None:
    first, second, third = await bench.commit(*[draft(bench.ada, "1")] * 3)
    assert (first.seq, first.duplicate) == (second.seq, False)
    assert second.duplicate
    assert third.duplicate
    assert (await bench.rows("SELECT count(*) FROM messages")) == [(1,)]


@on_both
async def test_a_nonce_with_another_text_or_room_is_refused(bench: Bench) -> None:
    def make(batch: Batch) -> Steps[int]:
        room = yield from rooms.create(batch, "public", "ops", "ops", "", bench.ada, None, None)
        yield from rooms.add_member(batch, room, bench.ada, "owner")
        return room

    (room,) = await bench.commit(make)
    first, other = await bench.commit(draft(bench.ada, "1"), draft(bench.ada, "1", "another"))
    assert isinstance(first, Posted)
    assert isinstance(other, NonceReused)
    (elsewhere,) = await bench.commit(draft(bench.ada, "1", room=room))
    assert isinstance(elsewhere, NonceReused)


@on_both
async def test_two_people_may_use_the_same_nonce(bench: Bench) -> None:
    replies = await bench.commit(draft(bench.ada, "1"), draft(bench.ben, "1"))
    assert all(isinstance(reply, Posted) and not reply.duplicate for reply in replies)


@on_both
async def test_a_stranger_to_the_room_is_refused_and_the_others_are_not(bench: Bench) -> None:
    def make(batch: Batch) -> Steps[int]:
        room = yield from rooms.create(batch, "private", "ops", "ops", "", bench.ada, None, None)
        yield from rooms.add_member(batch, room, bench.ada, "owner")
        return room

    (room,) = await bench.commit(make)
    mine, refused, nowhere = await bench.commit(
        draft(bench.ada, "1", room=room), draft(bench.ben, "2", room=room), draft(bench.ben, "3", room=999)
    )
    assert isinstance(mine, Posted)
    assert isinstance(refused, NotFound)
    assert (refused.message, refused.code) == (nowhere.message, nowhere.code)


@on_both
async def test_a_room_that_is_archived_within_the_batch_takes_no_more_posts(bench: Bench) -> None:
    def make(batch: Batch) -> Steps[int]:
        room = yield from rooms.create(batch, "public", "ops", "ops", "", bench.ada, None, None)
        yield from rooms.add_member(batch, room, bench.ada, "owner")
        return room

    (room,) = await bench.commit(make)

    def archive(batch: Batch) -> Steps[None]:
        yield from rooms.update(batch, room, "ops", None, "", 5)

    before, _, after = await bench.commit(
        draft(bench.ada, "1", room=room), archive, draft(bench.ada, "2", room=room)
    )
    assert isinstance(before, Posted)
    assert isinstance(after, Conflict)


@on_both
async def test_an_edit_keeps_the_place_and_takes_the_next_number(bench: Bench) -> None:
    (posted,) = await bench.commit(draft(bench.ada, "1", "first text"))

    def change(batch: Batch) -> Steps[Message]:
        return (yield from messages.edit(batch, GENERAL, posted.seq, "second text", None, ()))

    (edited,) = await bench.commit(change)
    assert (edited.seq, edited.rev, edited.text) == (posted.seq, posted.rev + 1, "second text")
    assert edited.edited
    found = await bench.store.read(messages.search('"second"', bench.ada, None, 10**9, 5))
    assert [message.seq for _, message in found] == [posted.seq]
    assert await bench.store.read(messages.search('"first"', bench.ada, None, 10**9, 5)) == []


@on_both
async def test_an_edit_to_the_same_text_changes_nothing(bench: Bench) -> None:
    (posted,) = await bench.commit(draft(bench.ada, "1", "text"))

    def change(batch: Batch) -> Steps[Message]:
        return (yield from messages.edit(batch, GENERAL, posted.seq, "text", None, ()))

    (same,) = await bench.commit(change)
    assert (same.rev, same.edited) == (posted.rev, None)
    assert await bench.head() == posted.rev


@on_both
async def test_a_deleted_message_keeps_its_place_and_loses_its_text(bench: Bench) -> None:
    (posted,) = await bench.commit(draft(bench.ada, "1", "secret words"))

    def change(batch: Batch) -> Steps[Message]:
        return (yield from messages.delete(batch, GENERAL, posted.seq))

    (gone,) = await bench.commit(change)
    assert (gone.seq, gone.text, gone.nonce) == (posted.seq, "", "nonce-1")
    assert gone.deleted
    assert await bench.store.read(messages.search('"secret"', bench.ada, None, 10**9, 5)) == []
    (again,) = await bench.commit(change)
    assert again.rev == gone.rev
    assert await bench.store.read(integrity.check()) == []


@on_both
async def test_a_resend_of_an_edited_message_is_still_known(bench: Bench) -> None:
    (posted,) = await bench.commit(draft(bench.ada, "1", "text"))

    def change(batch: Batch) -> Steps[Message]:
        return (yield from messages.edit(batch, GENERAL, posted.seq, "other", None, ()))

    await bench.commit(change)
    (again,) = await bench.commit(draft(bench.ada, "1", "text"))
    assert (again.seq, again.duplicate) == (posted.seq, True)


@on_both
async def test_only_members_are_mentioned_and_a_deletion_takes_it_back(bench: Bench) -> None:
    def make(batch: Batch) -> Steps[int]:
        return (
            yield from users.add(batch, name="cleo", key="cleo", full_name="", role="member", password="")
        ).id

    (cleo,) = await bench.commit(make)
    (posted,) = await bench.commit(draft(bench.ada, "1", "@ben @cleo", mentions=(bench.ben, cleo)))
    stored = await bench.store.read(messages.get(GENERAL, posted.seq))
    assert stored is not None
    assert json.decode(bytes(stored.mentions)) == [bench.ben]  # type: ignore[arg-type]
    described = await bench.store.read(rooms.of_user_one(GENERAL, bench.ben))
    assert (described["unread"], described["mentions"]) == (1, 1)

    def delete(batch: Batch) -> Steps[Message]:
        return (yield from messages.delete(batch, GENERAL, posted.seq))

    await bench.commit(delete)
    described = await bench.store.read(rooms.of_user_one(GENERAL, bench.ben))
    assert (described["unread"], described["mentions"]) == (1, 0)


@on_both
async def test_posting_moves_the_own_read_position(bench: Bench) -> None:
    await bench.commit(draft(bench.ben, "1"), draft(bench.ben, "2"))
    assert (await bench.store.read(rooms.of_user_one(GENERAL, bench.ada)))["unread"] == 2
    (mine,) = await bench.commit(draft(bench.ada, "3"))
    described = await bench.store.read(rooms.of_user_one(GENERAL, bench.ada))
    assert (described["read"], described["unread"]) == (mine.seq, 0)


@on_both
async def test_a_reply_to_what_is_not_there_is_refused(bench: Bench) -> None:
    (refused,) = await bench.commit(draft(bench.ada, "1", reply_to=999))
    assert isinstance(refused, Invalid)
    assert refused.field == "reply_to"


@on_both
async def test_pages_and_changes_tell_every_message_once(bench: Bench) -> None:
    await bench.commit(*[draft(bench.ada, f"{number}", f"text {number}") for number in range(30)])
    head = await bench.head()
    older = await bench.store.read(messages.before(GENERAL, head, 10))
    assert [message.seq for message in older] == list(range(head - 10, head))
    newer = await bench.store.read(messages.after(GENERAL, head - 5, 10))
    assert [message.seq for message in newer] == list(range(head - 4, head + 1))
    changed = await bench.store.read(messages.changes(GENERAL, head - 3, 10))
    assert [message.rev for message in changed] == [head - 2, head - 1, head]


@on_both
async def test_a_message_is_found_by_the_names_of_its_files(bench: Bench) -> None:
    def upload(batch: Batch) -> Steps[None]:
        yield one(
            "INSERT INTO files (id, hash, name, size, type, user, created_at) VALUES (?, ?, ?, 9, ?, ?, 0)",
            "file-0000000000001",
            "00",
            "Invoice_2026-March.pdf",
            "application/pdf",
            bench.ada,
        )

    await bench.commit(upload)
    (posted,) = await bench.commit(draft(bench.ada, "1", "here it is", files=("file-0000000000001",)))

    async def found(words: str) -> list[int]:
        hits = await bench.store.read(messages.search(words, bench.ben, None, 10**9, 5))
        return [message.seq for _, message in hits]

    assert await found('"invoice" "2026"') == [posted.seq]
    assert await found('"invoice" "here"') == [posted.seq]

    def edit(batch: Batch) -> Steps[Message]:
        return (yield from messages.edit(batch, GENERAL, posted.seq, "corrected", None, ()))

    await bench.commit(edit)
    assert await found('"invoice" "corrected"') == [posted.seq]

    def delete(batch: Batch) -> Steps[Message]:
        return (yield from messages.delete(batch, GENERAL, posted.seq))

    await bench.commit(delete)
    assert await found('"invoice"') == []
