"""Tasks are ended, even where a cancellation is lost."""

from __future__ import annotations

import asyncio

import pytest

from chatbox import tasks
from tests.harness.running import on_a_loop


@on_a_loop(10)
async def test_a_task_that_lost_its_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_AGAIN", 0.01)
    asked = 0

    async def work() -> None:
        nonlocal asked
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                asked += 1
                if asked == 2:
                    raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await tasks.cancel_all([task])
    assert (task.cancelled(), asked) == (True, 2)


@on_a_loop(10)
async def test_what_ended_already_or_ends_with_an_error_is_no_trouble() -> None:
    async def fail() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("at its end")

    async def be_done() -> None:
        pass

    failing, done = asyncio.create_task(fail()), asyncio.create_task(be_done())
    await asyncio.sleep(0)
    await tasks.cancel_all([failing, done])
    await tasks.cancel_all([])
    assert isinstance(failing.exception(), OSError)
    assert done.done()
