"""Admin changes from a browser: only within ten minutes of the password, and of that very sign-in."""

from __future__ import annotations

from dataclasses import replace

from chatbox.chat.context import Caller
from chatbox.chat.moving import session_move, session_take
from chatbox.chat.sessions import session_confirm, session_revoke, token_create
from chatbox.chat.signin import SignedIn, authenticate
from chatbox.errors import Forbidden, SignedOut
from chatbox.protocol import commands
from chatbox.web import dispatch
from tests.chat.support import HOME, PASSWORD, World, error_of, in_world

RENAME = commands.ServerUpdate(name="Loft")
CONFIRM = commands.SessionConfirm(password=PASSWORD)


async def asked(world: World, caller: Caller) -> bool:
    """Whether an admin change asks for the password first."""
    error = None
    try:
        await dispatch.run(world.ctx, caller, RENAME)
    except Forbidden as refused:
        error = refused
    assert error is None or (error.code, error.field) == ("forbidden", "confirm")
    return error is not None


def test_every_change_of_an_admin_is_made_sure_of() -> None:
    rows = {name: row for name, row in dispatch.ROWS.items() if row.who == dispatch.ADMIN}
    reading = {"people.list", "invite.list", "admin.overview", "admin.rooms", "admin.reach", "settings.list"}
    reading |= {"server.addresses", "service.status", "backup.list"}
    reading |= {"backup.create"}  # which changes nothing
    assert {name for name, row in rows.items() if not row.sure} == reading


@in_world
async def test_ten_minutes_after_the_password_it_is_asked_for_again(world: World) -> None:
    ada = await world.set_up()
    assert not await asked(world, ada)
    world.clock.forward(seconds=599)
    assert not await asked(world, ada)
    world.clock.forward(seconds=1)
    assert await asked(world, ada)
    wrong = commands.SessionConfirm(password="not the password")
    refused = await error_of(session_confirm(world.ctx, ada, wrong))
    assert (refused.code, refused.field) == ("forbidden", "password")
    assert await asked(world, ada)
    assert await session_confirm(world.ctx, ada, CONFIRM) == {"seconds": 600}
    assert not await asked(world, ada)


@in_world
async def test_another_sign_in_of_the_same_admin_is_asked_by_itself(world: World) -> None:
    ada = await world.set_up()
    world.clock.forward(seconds=700)
    phone = await world.sign_in("ada")
    assert not await asked(world, phone)
    assert await asked(world, ada)


@in_world
async def test_a_sign_in_that_moved_here_without_a_password_is_asked(world: World) -> None:
    ada = await world.set_up()
    secret = (await session_move(world.ctx, ada, commands.SessionMove()))["secret"]
    taken = await session_take(world.ctx, HOME, commands.SessionTake(secret=secret))
    assert isinstance(taken, SignedIn)
    assert await asked(world, await world.who(taken))


@in_world
async def test_a_number_that_comes_again_is_not_confirmed(world: World) -> None:
    ada = await world.set_up()
    other = await world.sign_in("ada")
    assert not await asked(world, other)
    await session_revoke(world.ctx, ada, commands.SessionRevoke(session=other.session))
    assert isinstance(await error_of(session_confirm(world.ctx, other, CONFIRM)), SignedOut)
    assert not world.ctx.confirmed.holds(other.user, other.session)
    assert not world.ctx.confirmed.holds(ada.user + 1, ada.session)
    assert world.ctx.confirmed.holds(ada.user, ada.session)


@in_world
async def test_a_program_with_a_token_is_never_asked(world: World) -> None:
    ada = await world.set_up()
    made = await token_create(world.ctx, ada, commands.TokenCreate(label="bot", password=PASSWORD))
    identity = await authenticate(world.ctx, made["token"])
    assert identity is not None
    world.clock.forward(seconds=3600)
    program = Caller(identity.user, identity.session, admin=True, bearer=identity.bearer)
    assert not await asked(world, program)
    assert await asked(world, replace(program, bearer=False))
