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
from chatbox.store.base import Steps, Store, one
from chatbox.store.postgres_opening import open_postgres
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.proxy import Link, Proxy
from tests.harness.running import chance
from tests.store.support import GENERAL, PostgresBench, draft, on_postgres


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


def asked_slowly(seconds: float, *, marked: str = "") -> Steps[int]:
    """A read that takes so long; what it is marked with can be found among what it asks."""
    ((found,),) = yield one(f"SELECT 7 FROM pg_sleep({seconds}) /* {marked} */")
    return int(found)


def test_a_slow_read_does_not_wait_for_ever_on_a_line_that_has_gone_silent() -> None:
    @on_postgres
    async def silent(bench: PostgresBench) -> None:
        async with behind_a_proxy(bench) as (store, proxy):
            assert await store.read(asked_slowly(0), slow=True) == 7
            first = silenced(proxy)  # between two reads: the next one begins on another line
            assert await store.read(asked_slowly(0), slow=True) == 7
            reading = asyncio.ensure_future(store.read(asked_slowly(60, marked="cut"), slow=True))
            await until_asked(bench, "cut")
            second = silenced(proxy)
            with pytest.raises(Unavailable):
                await asyncio.wait_for(reading, 30)
            assert await store.read(asked_slowly(0), slow=True) == 7
            for link in first + second:
                link.reset()

    with (
        patch("chatbox.store.postgres_opening._SLOWLY_ANSWERS_WITHIN", 3.0),
        patch("chatbox.store.lane._BEGINS_WITHIN", 1.0),
    ):
        silent()


def silenced(proxy: Proxy) -> list[Link]:
    """All lines that there are, from now on silent."""
    links = list(proxy.links)
    for link in links:
        link.silence()
    return links


async def until_asked(bench: PostgresBench, marked: str) -> None:
    """Wait until the server is at it."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%/* {marked} */' AND state = 'active'"
    async with asyncio.timeout(20):
        while not (await bench.rows(query))[0][0]:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


@on_postgres
async def test_a_read_whose_asker_has_gone_before_its_turn_is_not_done(bench: PostgresBench) -> None:
    began = []

    def steps(name: str) -> Steps[None]:
        began.append(name)
        yield one("SELECT 1")

    first = asyncio.ensure_future(bench.store.read(steps("first"), slow=True))
    gone = asyncio.ensure_future(bench.store.read(steps("gone"), slow=True))
    last = asyncio.ensure_future(bench.store.read(steps("last"), slow=True))
    gone.cancel()
    await asyncio.gather(first, last)
    assert began == ["first", "last"]


@on_postgres
async def test_where_the_server_lets_nobody_begin_it_is_to_be_tried_again(bench: PostgresBench) -> None:
    """What is refused at BEGIN was not stored, whatever the reason: the client is to send it again."""
    pass_on = Link.pass_on

    def refuse_to_begin(link: Link, end: Any, data: bytes) -> None:
        if end is link.client and data.startswith(b"Q") and b"BEGIN" in data:
            fields = b"SERROR\0VERROR\0C53200\0Mout of memory\0\0"
            pass_on(link, link.server, b"E" + (len(fields) + 4).to_bytes(4) + fields + b"Z\0\0\0\5I")
        else:
            pass_on(link, end, data)

    async with behind_a_proxy(bench) as (store, _):
        before = await try_until_stored(store, bench.ada, "before")
        with patch.object(Link, "pass_on", refuse_to_begin):
            for asked in (
                lambda: store.commit([draft(bench.ada, "1")]),
                lambda: store.read(head_of_general()),
            ):
                with pytest.raises(Unavailable) as refused:
                    await asked()
                assert refused.value.retry_in
        after = await try_until_stored(store, bench.ada, "1")
        assert (after.seq, after.duplicate) == (before.seq + 1, False)


def head_of_general() -> Steps[int]:
    ((head,),) = yield one("SELECT head FROM rooms WHERE id = ?", GENERAL)
    return int(head)
