from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pytest

from chatbox.errors import Busy, NotFound, Restarting, StorageFull
from chatbox.live.committer import Committer
from chatbox.store.base import Batch, Committed


class HeldStore:
    """A store whose commits end when the test says so. Changes are plain values, and their own replies."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.futures: list[asyncio.Future[Committed]] = []
        self.holding = True

    def commit(self, changes: Sequence[Any]) -> Awaitable[Committed]:
        self.batches.append(list(changes))
        self.futures.append(asyncio.get_running_loop().create_future())
        if not self.holding:
            self.end(-1)
        return self.futures[-1]

    def end(self, number: int) -> None:
        self.futures[number].set_result(Committed(list(self.batches[number]), Batch(0), {}))


async def settle() -> None:
    """Let everything that is ready to run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def committing(
    test: Callable[[HeldStore, Committer, list[Any]], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    async def live() -> None:
        store, published = HeldStore(), []
        committer = Committer(store, lambda done: published.append(done.replies), capacity=5)  # type: ignore[arg-type]
        committer.start()
        await test(store, committer, published)
        store.holding = False
        for number, future in enumerate(store.futures):
            if not future.done():
                store.end(number)
        await committer.close()

    def run() -> None:
        asyncio.run(live())

    run.__name__ = test.__name__
    return run


@committing
async def test_what_gathers_during_a_commit_is_the_next_batch(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    committer.submit("a")  # type: ignore[arg-type]
    await settle()
    for change in "bcd":
        committer.submit(change)  # type: ignore[arg-type]
    await settle()
    assert store.batches == [["a"]]
    store.end(0)
    await settle()
    assert store.batches == [["a"], ["b", "c", "d"]]


@committing
async def test_nothing_is_answered_or_published_before_the_commit(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    future = committer.submit("a")  # type: ignore[arg-type]
    await settle()
    assert not future.done()
    assert published == []
    store.end(0)
    assert await future == "a"
    assert published == [["a"]]


@committing
async def test_the_next_batch_is_with_the_writer_before_the_last_is_published(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    seen: list[int] = []
    committer._publish = lambda done: seen.append(len(store.batches))
    committer.submit("a")  # type: ignore[arg-type]
    await settle()
    committer.submit("b")  # type: ignore[arg-type]
    store.end(0)
    await settle()
    assert seen == [2]


@committing
async def test_changes_that_arrive_one_turn_after_the_other_are_one_batch(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    await settle()
    for change in "abc":
        committer.submit(change)  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await settle()
    assert store.batches == [["a", "b", "c"]]


@committing
async def test_it_is_busy_while_more_will_be_published(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    seen = [committer.busy]
    committer._publish = lambda done: seen.append(committer.busy)
    committer.submit("a")  # type: ignore[arg-type]
    seen.append(committer.busy)
    await settle()
    committer.submit("b")  # type: ignore[arg-type]
    store.end(0)
    await settle()
    store.end(1)
    await settle()
    assert seen == [False, True, True, False]


@committing
async def test_a_cancelled_change_is_left_out(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    committer.submit("a")  # type: ignore[arg-type]
    await settle()
    committer.submit("b").cancel()  # type: ignore[arg-type]
    committer.submit("c")  # type: ignore[arg-type]
    store.end(0)
    await settle()
    assert store.batches[1] == ["c"]


@committing
async def test_a_full_queue_answers_busy_and_when_to_try_again(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    committer.submit("a")  # type: ignore[arg-type]
    await settle()
    for change in "bcdef":
        committer.submit(change)  # type: ignore[arg-type]
    with pytest.raises(Busy) as refused:
        committer.submit("g")  # type: ignore[arg-type]
    assert refused.value.retry_in


@committing
async def test_a_failed_batch_fails_its_changes_and_the_next_goes_on(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    first = committer.submit("a")  # type: ignore[arg-type]
    await settle()
    second = committer.submit("b")  # type: ignore[arg-type]
    store.futures[0].set_exception(StorageFull())
    with pytest.raises(StorageFull):
        await first
    await settle()
    store.end(1)
    assert await second == "b"
    assert published == [["b"]]


@committing
async def test_a_change_that_is_refused_raises_its_error(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    future = committer.submit(NotFound("Not there."))  # type: ignore[arg-type]
    await settle()
    store.end(0)
    with pytest.raises(NotFound):
        await future


@committing
async def test_publishing_that_fails_does_not_fail_the_change(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    def fail(done: Committed) -> None:
        raise ValueError(done)

    committer._publish = fail
    future = committer.submit("a")  # type: ignore[arg-type]
    await settle()
    store.end(0)
    assert await future == "a"
    assert committer.alive


@committing
async def test_closing_commits_what_is_queued_and_takes_nothing_more(
    store: HeldStore, committer: Committer, published: list[Any]
) -> None:
    first = committer.submit("a")  # type: ignore[arg-type]
    await settle()
    second = committer.submit("b")  # type: ignore[arg-type]
    closing = asyncio.create_task(committer.close())
    await settle()
    with pytest.raises(Restarting):
        committer.submit("c")  # type: ignore[arg-type]
    store.end(0)
    await settle()
    store.end(1)
    await closing
    assert (await first, await second) == ("a", "b")
    assert not committer.alive
