"""Somebody sets the machine's clock wrong, and right again: what may end meanwhile."""

from __future__ import annotations

from typing import Any

from chatbox.chat import files
from chatbox.chat.links import invite_create
from chatbox.chat.sessions import sweep
from chatbox.chat.signin import authenticate, session_create
from chatbox.protocol import commands
from chatbox.store.base import Batch, Steps, one
from tests.chat.support import DAY, HOME, HOUR, PASSWORD, World, in_world

AHEAD = 3650 * DAY


async def _sign_in(world: World, shared: bool = False) -> str:
    cmd = commands.SessionCreate(name="ada", password=PASSWORD, shared=shared)
    return (await session_create(world.ctx, HOME, cmd)).token


async def _works(world: World, *tokens: str) -> list[bool]:
    found = [await authenticate(world.ctx, token) is not None for token in tokens]
    await world.commit(_nothing)  # what `authenticate` notes is noted by now
    return found


def _nothing(batch: Batch) -> Steps[None]:
    yield from ()


async def _sweep_for(world: World, hours: int, *live: int) -> None:
    for _ in range(hours):
        world.clock.forward(ms=HOUR)
        await sweep(world.ctx, live)


async def _ends_at(world: World, token: str, days: int) -> None:
    """It works until this many days from now, if nobody uses it."""
    world.clock.forward(ms=days * DAY - 2 * HOUR)
    await sweep(world.ctx, [])
    found = await world.rows("SELECT count(*) FROM sessions WHERE kind = 'browser'")
    assert found[0][0] > 0
    world.clock.forward(ms=3 * HOUR)
    assert await _works(world, token) == [False]
    await sweep(world.ctx, [])
    assert await world.rows("SELECT count(*) FROM sessions") == [(0,)]


@in_world
async def test_ten_years_ahead_for_some_hours_end_no_session(world: World) -> None:
    ada = await world.set_up()
    own, shared = await _sign_in(world), await _sign_in(world, shared=True)
    world.clock.step(AHEAD)
    assert await _works(world, own, shared) == [True, True]
    await _sweep_for(world, 6, ada.session)
    assert await _works(world, own, shared) == [True, True]
    meanwhile = await _sign_in(world)
    world.clock.step(-AHEAD)
    assert await _works(world, own, shared, meanwhile) == [True, True, True]


@in_world
async def test_what_was_used_while_the_clock_was_ahead_still_grows_old(world: World) -> None:
    ada = await world.set_up()
    own = await _sign_in(world)
    world.clock.step(AHEAD)
    await _sweep_for(world, 2, ada.session)
    meanwhile = await _sign_in(world, shared=True)
    world.clock.step(-AHEAD)
    await sweep(world.ctx, [ada.session])
    assert await world.rows("SELECT max(used_at) FROM sessions") == [(world.clock.now(),)]
    world.clock.forward(ms=13 * HOUR)
    assert await _works(world, meanwhile, own) == [False, True]
    await _ends_at(world, own, 90)


@in_world
async def test_a_start_ten_years_ahead_ends_no_session(world: World) -> None:
    await world.set_up()
    own = await _sign_in(world)
    await sweep(world.ctx, [])
    world.clock.step(AHEAD)
    await world.restart()
    await _sweep_for(world, 3)
    assert await _works(world, own) == [True]
    world.clock.step(-AHEAD)
    await world.restart()
    await _sweep_for(world, 3)
    assert await _works(world, own) == [True]
    await _ends_at(world, own, 90)


@in_world
async def test_a_clock_that_was_far_behind_takes_nothing_of_a_session(world: World) -> None:
    ada = await world.set_up()
    own = await _sign_in(world)
    await sweep(world.ctx, [])
    world.clock.step(-AHEAD)
    await world.restart()
    await _sweep_for(world, 1, ada.session)
    assert await _works(world, own) == [True]
    world.clock.step(AHEAD)
    await _sweep_for(world, 48, ada.session)
    assert await _works(world, own) == [True]


@in_world
async def test_a_wrong_clock_removes_no_link_and_no_file_that_waits(world: World) -> None:
    ada = await world.set_up()
    await invite_create(world.ctx, ada, commands.InviteCreate(days=7))
    await world.commit(lambda batch: _waiting_file(batch, ada.user))
    kept: Any = [(1, 1)]
    count = "SELECT (SELECT count(*) FROM links), (SELECT count(*) FROM files)"
    world.clock.step(AHEAD)
    await _sweep_for(world, 3)
    await files.sweep(world.ctx)
    assert await world.rows(count) == kept
    world.clock.step(-AHEAD)
    world.clock.forward(ms=25 * HOUR)
    await _sweep_for(world, 1)
    await files.sweep(world.ctx)
    assert await world.rows(count) == [(1, 0)]
    world.clock.forward(ms=40 * DAY)
    await _sweep_for(world, 1)
    assert await world.rows(count) == [(0, 0)]


def _waiting_file(batch: Batch, user: int) -> Steps[None]:
    yield one(
        "INSERT INTO files (id, hash, name, size, type, user, created_at)"
        " VALUES ('a', 'b', 'c', 1, 'd', ?, ?)",
        user,
        batch.now,
    )
