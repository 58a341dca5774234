"""One at a time for a key; different keys do not wait for each other."""

from __future__ import annotations

import asyncio

import pytest

from chatbox.errors import Busy
from chatbox.live.turns import Turns


def test_those_of_one_key_go_one_by_one_in_their_order() -> None:
    async def live() -> None:
        turns: Turns[int] = Turns()
        went: list[tuple[int, str]] = []

        async def go(number: int) -> None:
            async with turns.take(1):
                went.append((number, "in"))
                await asyncio.sleep(0)
                went.append((number, "out"))

        await asyncio.gather(*(go(number) for number in range(5)))
        assert went == [(number, way) for number in range(5) for way in ("in", "out")]
        assert not turns

    asyncio.run(live())


def test_other_keys_do_not_wait_and_too_many_of_one_are_refused() -> None:
    async def live() -> None:
        turns: Turns[str] = Turns(most=1)
        async with turns.take("ada"), turns.take("ben"):
            with pytest.raises(Busy):
                async with turns.take("ada"):
                    pass
        async with turns.take("ada"):
            assert len(turns) == 1
        assert not turns

    asyncio.run(live())


def test_who_fails_or_gives_up_waiting_keeps_nobody_waiting() -> None:
    async def live() -> None:
        turns: Turns[int] = Turns()

        async def fail() -> None:
            async with turns.take(1):
                raise ZeroDivisionError

        async with turns.take(1):
            failing, waiting = asyncio.create_task(fail()), asyncio.create_task(fail())
            await asyncio.sleep(0)
            waiting.cancel()
        await asyncio.gather(failing, waiting, return_exceptions=True)
        assert isinstance(failing.exception(), ZeroDivisionError)
        assert waiting.cancelled()
        assert not turns

    asyncio.run(live())
