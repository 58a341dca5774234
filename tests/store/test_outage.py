"""PostgreSQL goes away and comes back: nothing is acknowledged that is not stored."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import pytest

from chatbox.errors import Unavailable
from chatbox.model import Posted
from chatbox.store.base import Store
from chatbox.store.postgres_opening import open_postgres
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.proxy import Link, Proxy
from tests.harness.running import chance
from tests.store.support import PostgresBench, draft, on_postgres


@asynccontextmanager
async def behind_a_proxy(bench: PostgresBench) -> AsyncIterator[tuple[Store, Proxy]]:
    """A store that reaches the database by a network that can be cut."""
    server = postgres.server()
    proxy = Proxy(server.port, chance())
    await proxy.start()
    store = await open_postgres(bench.url.replace(f":{server.port}/", f":{proxy.port}/"), SetClock())
    try:
        yield store, proxy
    finally:
        await store.close()
        await proxy.close()


async def try_until_stored(store: Store, user: int, nonce: str) -> Posted:
    """Send the same again until it is acknowledged, as a client does."""
    async with asyncio.timeout(30):
        while True:
            try:
                (reply,) = (await store.commit([draft(user, nonce)])).replies
            except Unavailable as error:
                await asyncio.sleep(error.retry_in or 60)
            else:
                assert isinstance(reply, Posted)
                return reply


def test_while_it_is_away_everything_is_answered_at_once_and_then_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @on_postgres
    async def away(bench: PostgresBench) -> None:
        server = postgres.server()
        (before,) = await bench.commit(draft(bench.ada, "before"))
        server.stop()
        try:
            began = time.monotonic()
            for number in range(20):
                with pytest.raises(Unavailable) as refused:
                    await bench.commit(draft(bench.ada, f"{number}"))
                assert refused.value.retry_in
                with pytest.raises(Unavailable):
                    await bench.head()
            assert time.monotonic() - began < 5
        finally:
            server.start()
        after = await try_until_stored(bench.store, bench.ada, "after")
        assert (after.seq, after.duplicate) == (before.seq + 1, False)
        assert await bench.head() == after.seq

    with caplog.at_level(logging.WARNING, "chatbox.store"):
        away()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, told  # once that it is away, once that it is back
    assert "Until it can, nothing is stored" in told[0]
    assert "can be written again" in told[1]


@on_postgres
async def test_a_restart_between_two_calls_is_not_noticed(bench: PostgresBench) -> None:
    (first,) = await bench.commit(draft(bench.ada, "1"))
    assert await bench.head() == first.seq
    postgres.server().restart()
    (second,) = await bench.commit(draft(bench.ada, "2"))
    assert second.seq == first.seq + 1
    assert await bench.head() == second.seq


@on_postgres
async def test_what_was_acknowledged_is_there_after_kill_9_of_the_database(bench: PostgresBench) -> None:
    (first,) = await bench.commit(draft(bench.ada, "1"))
    server = postgres.server()
    server.kill()
    server.start()
    again = await try_until_stored(bench.store, bench.ada, "1")
    assert (again.seq, again.duplicate) == (first.seq, True)


@on_postgres
async def test_where_the_answer_to_the_commit_is_lost_the_resend_finds_what_was_stored(
    bench: PostgresBench,
) -> None:
    marked: set[Link] = set()
    pass_on = Link.pass_on

    def cut_after_commit(link: Link, end: Any, data: bytes) -> None:
        if end is link.client and b"COMMIT\0" in data:
            marked.add(link)
        if end is link.server and link in marked:
            link.reset()
        else:
            pass_on(link, end, data)

    async with behind_a_proxy(bench) as (store, _):
        await try_until_stored(store, bench.ada, "0")
        lost = pytest.raises(Unavailable, match="not known whether")
        with patch.object(Link, "pass_on", cut_after_commit), lost:
            await store.commit([draft(bench.ada, "1")])
        assert marked
        again = await try_until_stored(store, bench.ada, "1")
        assert again.duplicate
        assert await bench.head() == again.seq


@pytest.mark.parametrize("trouble", ["reset", "silence"])
def test_a_cut_in_the_middle_of_a_batch_stores_all_of_it_or_nothing(trouble: str) -> None:
    @on_postgres
    async def cut_off(bench: PostgresBench) -> None:
        before = await bench.head()
        drafts = [draft(bench.ada, f"{number}") for number in range(400)]
        async with behind_a_proxy(bench) as (store, proxy):
            left = chance().randrange(10, 300)  # questions that still get through
            pass_on = Link.pass_on

            def cut_later(link: Link, end: Any, data: bytes) -> None:
                nonlocal left
                left -= end is link.client
                if left == 0:
                    getattr(link, trouble)()
                pass_on(link, end, data)

            with patch.object(Link, "pass_on", cut_later), pytest.raises(Unavailable) as lost:
                await store.commit(drafts)
            assert lost.value.retry_in
            proxy.calm()
            assert await bench.head() in (before, before + len(drafts))
            assert (await try_until_stored(store, bench.ada, "0")).seq == before + 1

    with patch("chatbox.store.postgres_opening._ANSWERS_WITHIN", 1.0):
        cut_off()
