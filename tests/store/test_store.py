"""What every engine keeps to, whatever is asked of it."""

from __future__ import annotations

import pytest

from chatbox.errors import Conflict, NotFound
from chatbox.model import Posted
from chatbox.store import integrity, messages
from chatbox.store.base import Batch, Steps, one
from tests.store.support import GENERAL, Bench, draft, on_both


@on_both
async def test_readers_cannot_write(bench: Bench) -> None:
    with pytest.raises(Exception, match="read its data"):
        await bench.rows("DELETE FROM messages")


@on_both
async def test_a_change_that_is_refused_leaves_nothing_behind(bench: Bench) -> None:
    def bad(batch: Batch) -> Steps[None]:
        yield one("UPDATE rooms SET topic = 'spoilt'")
        batch.publish("all", {"ev": "spoilt"})
        raise NotFound("Not there.")

    done = await bench.batch(draft(bench.ada, "1"), bad, draft(bench.ada, "2"))
    first, refused, second = done.replies
    assert isinstance(first, Posted)
    assert isinstance(second, Posted)
    assert isinstance(refused, NotFound)
    assert done.batch.events == []
    assert await bench.rows("SELECT count(*) FROM rooms WHERE topic = 'spoilt'") == [(0,)]


@on_both
async def test_a_constraint_error_refuses_one_change_and_keeps_the_others(bench: Bench) -> None:
    def bad(batch: Batch) -> Steps[None]:
        yield one("INSERT INTO meta (key, value) VALUES ('epoch', ?)", "twice")

    first, refused, second = await bench.commit(draft(bench.ada, "1"), bad, draft(bench.ada, "2"))
    assert isinstance(refused, Conflict)
    assert second.seq == first.seq + 1
    assert await bench.rows("SELECT count(*) FROM messages") == [(2,)]


@on_both
async def test_what_was_edited_and_deleted_has_its_checksum(bench: Bench) -> None:
    parts = b'[{"t":"p","c":["hi ",{"t":"b","c":["Ben"]}]}]'
    first, second = await bench.commit(draft(bench.ada, "1"), draft(bench.ada, "2", reply_to=1))
    await bench.commit(
        lambda batch: messages.edit(batch, GENERAL, first.seq, "hi **Ben**", parts, (bench.ben,)),
        lambda batch: messages.edit(batch, GENERAL, second.seq, "edited", None, ()),
        lambda batch: messages.delete(batch, GENERAL, second.seq),
    )
    assert await bench.store.read(integrity.check()) == []
