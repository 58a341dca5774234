"""Signing in: what is answered alike, what is slowed down, how long it lasts."""

from __future__ import annotations

import pytest

from chatbox.chat.context import Caller
from chatbox.chat.hashing import Cost, Hashing
from chatbox.chat.sessions import session_list, session_revoke, sweep, token_create
from chatbox.chat.signin import authenticate, session_create, session_end
from chatbox.errors import Forbidden, NotFound, RateLimited, SignedOut
from chatbox.operations import user_token
from chatbox.protocol import commands
from chatbox.store.base import Batch, Steps, one
from tests.chat.support import DAY, HOME, HOUR, PASSWORD, World, error_of, in_world, outcomes


def _sign_in(name: str, password: str = PASSWORD, *, shared: bool = False) -> commands.SessionCreate:
    return commands.SessionCreate(name=name, password=password, shared=shared)


@in_world
async def test_unknown_disabled_and_wrongly_tried_names_are_answered_alike(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    await world.commit(lambda batch: _disable(ben.user))
    hashed: list[str | None] = []
    matches = Hashing.matches

    async def counted(self: Hashing, password: str, stored: str | None) -> bool:
        hashed.append(stored)
        return await matches(self, password, stored)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Hashing, "matches", counted)
        answers = [
            await error_of(session_create(world.ctx, HOME, _sign_in(name, password)))
            for name, password in (("ada", "wrong"), ("nobody", "wrong"), ("ben", PASSWORD))
        ]
    assert {(type(error), error.message, error.field) for error in answers} == {
        (Forbidden, "The name or the password is wrong.", "password")
    }
    assert len(hashed) == 3
    assert hashed[1:] == [None, None]


def _disable(user: int) -> Steps[None]:
    yield one("UPDATE users SET state = 'disabled' WHERE id = ?", user)


@in_world
async def test_each_sign_in_has_a_new_token_and_ends_the_one_of_the_same_browser(world: World) -> None:
    ada = await world.set_up()
    first = await session_create(world.ctx, ada, _sign_in("ADA"))
    assert await world.rows("SELECT count(*) FROM sessions") == [(1,)]
    assert (f"user:{ada.user}", (ada.session,)) in world.ended
    second = await session_create(world.ctx, HOME, _sign_in("ada"))
    assert first.token != second.token
    assert len(first.token) == 43
    stored = await world.rows("SELECT token_hash FROM sessions")
    assert all(len(row[0]) == 32 for row in stored)


@in_world
async def test_a_bearer_token_survives_a_sign_in_made_with_it(world: World) -> None:
    ada = await world.set_up()
    made = await token_create(world.ctx, ada, commands.TokenCreate(label="Build bot", password=PASSWORD))
    bot = await authenticate(world.ctx, made["token"])
    assert bot is not None
    await session_create(world.ctx, Caller(user=bot.user, session=bot.session), _sign_in("ada"))
    assert await authenticate(world.ctx, made["token"]) is not None


@in_world
async def test_sessions_end_after_their_days_and_tokens_do_not(world: World) -> None:
    ada = await world.set_up()
    own = await session_create(world.ctx, HOME, _sign_in("ada"))
    shared = await session_create(world.ctx, HOME, _sign_in("ada", shared=True))
    token = (await user_token(world.ctx, {"name": "ada", "label": "bot"}))["token"]
    world.clock.forward(ms=12 * HOUR - 1)
    assert await authenticate(world.ctx, shared.token) is not None
    await world.commit(_nothing)
    world.clock.forward(ms=12 * HOUR)
    assert await authenticate(world.ctx, shared.token) is None
    assert await authenticate(world.ctx, own.token) is not None
    await world.commit(_nothing)
    world.clock.forward(ms=90 * DAY - 1)
    assert await authenticate(world.ctx, own.token) is not None
    await world.commit(_nothing)
    world.clock.forward(ms=90 * DAY)
    assert await authenticate(world.ctx, own.token) is None
    assert await authenticate(world.ctx, token) is not None
    await sweep(world.ctx, [ada.session])
    kept = await world.rows("SELECT id, kind FROM sessions ORDER BY id")
    assert kept == [(ada.session, "browser"), (4, "token")]


def _nothing(batch: Batch) -> Steps[None]:
    """A barrier: what was submitted before is stored once this is."""
    yield from ()


@in_world
async def test_use_is_noted_once_an_hour(world: World) -> None:
    await world.set_up()
    signed_in = await session_create(world.ctx, HOME, _sign_in("ada"))
    start = world.clock.now()
    for expected, ms in ((start, HOUR), (start + HOUR + 1, 1)):
        world.clock.forward(ms=ms)
        await authenticate(world.ctx, signed_in.token)
        await world.commit(_nothing)
        assert await world.rows("SELECT used_at FROM sessions WHERE id = 2") == [(expected,)]


@in_world
async def test_the_first_use_of_a_token_is_noted_at_once(world: World) -> None:
    ada = await world.set_up()
    made = await token_create(world.ctx, ada, commands.TokenCreate(label="reports", password=PASSWORD))
    session, start = made["session"]["id"], world.clock.now()
    assert made["session"]["used"] == made["session"]["created"] == start
    for _ in range(2):  # the second use falls into the same hour
        world.clock.forward(ms=1)
        await authenticate(world.ctx, made["token"])
        await world.commit(_nothing)
        assert await world.rows("SELECT used_at FROM sessions WHERE id = ?", session) == [(start + 1,)]


@in_world
async def test_signing_out_ends_the_session_and_its_connections(world: World) -> None:
    ada = await world.set_up()
    await session_end(world.ctx, ada, commands.SessionEnd())
    assert (f"user:{ada.user}", (ada.session,)) in world.ended
    refused = await error_of(session_revoke(world.ctx, ada, commands.SessionRevoke(others=True)))
    assert isinstance(refused, SignedOut)


@in_world
async def test_people_see_and_end_their_own_sessions_only(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    phone = await world.sign_in("ada")
    listed = (await session_list(world.ctx, ada, commands.SessionList()))["sessions"]
    assert {entry["id"]: entry.get("current", False) for entry in listed} == {
        ada.session: True,
        phone.session: False,
    }
    assert listed[0]["label"] == "Firefox on Linux"
    stranger = await error_of(session_revoke(world.ctx, ben, commands.SessionRevoke(session=ada.session)))
    assert isinstance(stranger, NotFound)
    await session_revoke(world.ctx, ada, commands.SessionRevoke(others=True))
    assert await world.rows("SELECT id FROM sessions WHERE user = ?", ada.user) == [(ada.session,)]
    assert (f"user:{ada.user}", (phone.session,)) in world.ended


@in_world
async def test_a_token_needs_the_password(world: World) -> None:
    ada = await world.set_up()
    cmd = commands.TokenCreate(label="bot", password="wrong")
    refused = await error_of(token_create(world.ctx, ada, cmd))
    assert (refused.code, refused.field) == ("forbidden", "password")


@in_world
async def test_wrong_passwords_are_slowed_down_even_when_tried_at_once(world: World) -> None:
    await world.set_up()
    _, failed = await outcomes(
        *(session_create(world.ctx, HOME, _sign_in("ada", f"wrong {number}")) for number in range(50))
    )
    assert sum(isinstance(error, Forbidden) for error in failed) == 3
    assert sum(isinstance(error, RateLimited) for error in failed) == 47
    waiting = await error_of(session_create(world.ctx, HOME, _sign_in("ada")))
    assert waiting.retry_in == 1.0
    world.clock.forward(seconds=1)
    await session_create(world.ctx, HOME, _sign_in("ada"))


@in_world
async def test_a_password_is_hashed_anew_where_the_cost_has_changed(world: World) -> None:
    await world.set_up()
    ((old,),) = await world.rows("SELECT password FROM users")
    world.ctx.hashing._cost = Cost(memory=128, passes=1)
    await session_create(world.ctx, HOME, _sign_in("ada"))
    ((new,),) = await world.rows("SELECT password FROM users")
    assert old.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert new.startswith("$argon2id$v=19$m=128,t=1,p=1$")
    await session_create(world.ctx, HOME, _sign_in("ada"))
