"""Argon2id off the event loop, with a bounded queue."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from chatbox.chat import hashing
from chatbox.chat.hashing import COST, MOST_WAITING, Hashing
from chatbox.errors import Busy
from tests.chat.support import CHEAP, outcomes

PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$"


def test_a_password_matches_what_was_made_of_it_and_nothing_else() -> None:
    async def scenario() -> None:
        own = Hashing()
        stored = await own.hash("plum-trout-lantern-9")
        assert stored.startswith(PREFIX)
        assert stored != await own.hash("plum-trout-lantern-9")
        assert await own.matches("plum-trout-lantern-9", stored)
        assert not await own.matches("plum-trout-lantern-8", stored)
        assert not await own.matches("plum-trout-lantern-9", None)
        assert not own.outdated(stored)
        own.close()

    asyncio.run(scenario())


def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    async def scenario() -> None:
        own = Hashing(CHEAP)
        assert await own.matches("pāssword-ā-é", await own.hash("pa\u0304ssword-a\u0304-e\u0301"))
        own.close()

    asyncio.run(scenario())


def test_nobody_costs_what_somebody_costs() -> None:
    """The same function runs with the same parameters, which decide the time."""
    own = Hashing(COST)
    assert own._nobody.startswith(PREFIX)
    assert [len(part) for part in own._nobody.split("$")[4:]] == [22, 43]
    own.close()


def test_no_more_run_at_once_than_there_are_workers_and_the_rest_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def slow(password: bytes, stored: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001)
        with lock:
            running -= 1
        return True

    async def scenario() -> None:
        own = Hashing(CHEAP, workers=2)
        done, failed = await outcomes(*(own.matches("x", "y") for _ in range(200)))
        assert len(done) == MOST_WAITING + 2
        assert {type(error) for error in failed} == {Busy}
        assert await own.matches("x", "y")
        own.close()

    monkeypatch.setattr(hashing, "_verify", slow)
    asyncio.run(scenario())
    assert most == 2
