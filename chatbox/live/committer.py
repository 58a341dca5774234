"""Group commit: many changes, one transaction, one order.

There is one queue for every kind of change. Whatever gathers while one transaction runs is the next one, so
batches grow with the load by themselves, with no timer and no task per message. The next batch is handed to
the writer before the last one is published, so that the disk works while the event loop sends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from chatbox.errors import Busy, ChatboxError, Restarting, Unavailable
from chatbox.model import Draft
from chatbox.store.base import Change, Committed, Store

log = logging.getLogger("chatbox.committer")

_BATCH = 500
_Entry = tuple[Draft | Change, "asyncio.Future[Any]"]


class Committer:
    """Takes changes, commits them in batches, publishes each batch after its COMMIT."""

    def __init__(self, store: Store, publish: Callable[[Committed], None], capacity: int = 10_000) -> None:
        self._store = store
        self._publish = publish
        self._capacity = capacity
        self._queue: list[_Entry] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._committing = False
        self._began = 0.0  # time of the event loop at which the transaction under way was handed over
        self.batches = 0
        self.lasted = 0.0  # seconds that the last transaction took
        self.changes = 0

    def start(self) -> None:
        """Begin to commit. Changes may be submitted before."""
        self._task = asyncio.create_task(self._supervise(), name="committer")

    @property
    def alive(self) -> bool:
        """Whether changes are being committed."""
        return self._task is not None and not self._task.done()

    @property
    def waiting(self) -> int:
        """How many changes are queued."""
        return len(self._queue)

    @property
    def busy(self) -> bool:
        """Whether changes are queued or being committed: there will be more to publish in a moment."""
        return self._committing or bool(self._queue)

    def submit(self, change: Draft | Change) -> asyncio.Future[Any]:
        """Queue a change; the future gives its reply once it is durable, or raises its `ChatboxError`.

        Raises `Busy` where the queue is full and `Restarting` once the committer is closing. A future that is
        cancelled before its turn takes the change out of the queue.
        """
        if self._closing:
            raise Restarting
        if len(self._queue) >= self._capacity or (self._task is not None and self._task.done()):
            raise Busy(retry_in=2.0)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.append((change, future))
        self._wake.set()
        return future

    async def close(self) -> None:
        """Commit and publish what is queued, then end. Nothing can be submitted any more."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _supervise(self) -> None:
        while not (self._closing and not self._queue):
            try:
                await self._run()
            except Exception:
                log.exception("the committer failed and starts again")
                await asyncio.sleep(0.1)

    async def _run(self) -> None:
        commit: Awaitable[Committed] | None = None
        batch: list[_Entry] = []
        while True:
            if commit is None:
                if not self._queue:
                    if self._closing:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                    await self._gather()
                batch = self._take()
                commit = self._begin(batch)
                continue
            try:
                committed = await commit
            except ChatboxError as error:
                _fail(batch, error)
                batch = self._take()
                commit = self._begin(batch)
                continue
            except BaseException:
                _fail(batch, Unavailable("The server could not store that. Send it again."))
                raise
            self.lasted = asyncio.get_running_loop().time() - self._began
            following = self._take()
            commit = self._begin(following)
            self.batches += 1
            self.changes += len(batch)
            # Callbacks queue the replies: they come after the events, and go out in the same writes.
            _answer(batch, committed.replies)
            self._publish_safely(committed)
            batch = following

    async def _gather(self) -> None:
        """Let those come along whose commands have arrived: a commit costs nearly the same for all."""
        gathered = 0
        while gathered < len(self._queue) < _BATCH:
            gathered = len(self._queue)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def _take(self) -> list[_Entry]:
        batch = [entry for entry in self._queue[:_BATCH] if not entry[1].cancelled()]
        del self._queue[:_BATCH]
        return batch

    def _begin(self, batch: list[_Entry]) -> Awaitable[Committed] | None:
        self._committing = bool(batch)
        self._began = asyncio.get_running_loop().time()
        return self._store.commit([change for change, _ in batch]) if batch else None

    def _publish_safely(self, committed: Committed) -> None:
        """Publishing cannot fail a change that is stored: receivers see by the numbers what they missed."""
        try:
            self._publish(committed)
        except Exception:
            log.exception("a committed batch could not be published")


def _answer(batch: list[_Entry], replies: list[Any]) -> None:
    for (_, future), reply in zip(batch, replies, strict=True):
        if future.cancelled():
            continue
        if isinstance(reply, ChatboxError):
            future.set_exception(reply)
        else:
            future.set_result(reply)


def _fail(batch: list[_Entry], error: ChatboxError) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
