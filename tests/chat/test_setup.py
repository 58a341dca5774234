"""The first start: one admin, a code that cannot be guessed, and a door that closes for good."""

from __future__ import annotations

import asyncio
import stat

from chatbox.chat.context import Caller
from chatbox.chat.removing import user_delete
from chatbox.chat.setup import server_update, setup_complete
from chatbox.chat.setup_code import FILE_NAME
from chatbox.chat.signin import server_info
from chatbox.errors import Conflict, Forbidden, RateLimited
from chatbox.operations import user_add
from chatbox.protocol import commands
from chatbox.store import users
from chatbox.store.base import Steps, one
from tests.chat.support import HOME, PASSWORD, World, error_of, in_world, outcomes


def _setup(secret: str, name: str = "ada") -> commands.SetupComplete:
    return commands.SetupComplete(name=name, password=PASSWORD, secret=secret, server_name="Attic")


@in_world
async def test_a_hundred_setups_at_once_make_one_admin(world: World) -> None:
    world.ctx.hashing._most = 200
    code = world.codes[-1]
    done, failed = await outcomes(
        *(setup_complete(world.ctx, HOME, _setup(code, f"admin{number}")) for number in range(100))
    )
    assert len(done) == 1
    assert {type(error) for error in failed} == {Conflict}
    assert await world.rows("SELECT count(*) FROM users") == [(1,)]
    assert await world.rows("SELECT count(*) FROM sessions") == [(1,)]


@in_world
async def test_setup_names_the_server_and_brings_its_admin_into_general(world: World) -> None:
    ada = await world.set_up(join="closed")
    assert ada.admin
    info = await server_info(world.ctx, Caller(), commands.ServerInfo())
    assert (info["name"], info["join"], info["setup"]) == ("Attic", "closed", False)
    assert await world.rows("SELECT room, user FROM memberships") == [(1, ada.user)]
    assert world.ctx.directory.persons[ada.user]["admin"]


@in_world
async def test_the_code_stands_in_a_file_for_its_owner_only_until_setup_is_done(world: World) -> None:
    file = world.folder / FILE_NAME
    assert file.read_text() == f"{world.codes[-1]}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await world.set_up()
    assert not file.exists()


@in_world
async def test_the_code_may_be_typed_in_small_letters_without_its_dash(world: World) -> None:
    typed = world.codes[-1].lower().replace("-", " ")
    await setup_complete(world.ctx, HOME, _setup(typed))


@in_world
async def test_five_wrong_codes_make_a_new_one_and_wait_out_their_minute(world: World) -> None:
    old = world.codes[-1]
    for _ in range(4):
        assert isinstance(await error_of(setup_complete(world.ctx, HOME, _setup("AAAA-AAAA"))), Forbidden)
    assert world.codes == [old]
    assert isinstance(await error_of(setup_complete(world.ctx, HOME, _setup("AAAA-AAAA"))), RateLimited)
    new = world.codes[-1]
    assert new != old
    assert (world.folder / FILE_NAME).read_text() == f"{new}\n"
    refused = await error_of(setup_complete(world.ctx, HOME, _setup(new)))
    assert refused.retry_in == 60
    world.clock.forward(seconds=60)
    assert isinstance(await error_of(setup_complete(world.ctx, HOME, _setup(old))), Forbidden)
    await setup_complete(world.ctx, HOME, _setup(new))


@in_world
async def test_wrong_codes_keep_neither_the_local_browser_nor_other_addresses_out(world: World) -> None:
    assert world.ctx.setup is not None
    for _ in range(5):
        await error_of(setup_complete(world.ctx, HOME, _setup("AAAA-AAAA")))
    elsewhere = Caller(address="192.168.1.21")
    assert isinstance(await error_of(setup_complete(world.ctx, elsewhere, _setup("AAAA-AAAA"))), Forbidden)
    await setup_complete(world.ctx, HOME, _setup(world.ctx.setup.token))


@in_world
async def test_setup_never_opens_again(world: World) -> None:
    ada = await world.set_up()
    code = world.codes[-1]
    await world.commit(lambda batch: _remove_everybody())
    await world.restart()
    assert world.codes == [code]
    refused = await error_of(setup_complete(world.ctx, HOME, _setup(code)))
    assert refused.message == "This server is already set up. Sign in."
    assert ada.user == 1


def _remove_everybody() -> Steps[None]:
    yield one("UPDATE users SET state = 'deleted', name_key = NULL")
    yield one("DELETE FROM sessions")


@in_world
async def test_an_admin_from_the_command_line_closes_setup_and_a_member_does_not(world: World) -> None:
    async def is_open() -> bool:
        return bool((await server_info(world.ctx, Caller(), commands.ServerInfo()))["setup"])

    await user_add(world.ctx, {"name": "ben", "password": PASSWORD})
    assert await is_open()
    await user_add(world.ctx, {"name": "ada", "password": PASSWORD, "admin": True})
    assert not await is_open()
    assert not (world.folder / FILE_NAME).exists()
    assert isinstance(await error_of(setup_complete(world.ctx, HOME, _setup(world.codes[-1]))), Conflict)


@in_world
async def test_a_name_that_is_taken_leaves_setup_open(world: World) -> None:
    await user_add(world.ctx, {"name": "ada", "password": PASSWORD})
    refused = await error_of(setup_complete(world.ctx, HOME, _setup(world.codes[-1], "ADA")))
    assert (refused.code, refused.field) == ("conflict", "name")
    await setup_complete(world.ctx, HOME, _setup(world.codes[-1], "eve"))


@in_world
async def test_renaming_the_server_reaches_everybody(world: World) -> None:
    ada = await world.set_up()
    reply = await server_update(world.ctx, ada, commands.ServerUpdate(name="Cellar", join="invite"))
    assert reply == {"name": "Cellar", "join": "invite"}
    assert (world.ctx.server.name, world.ctx.server.join) == ("Cellar", "invite")
    assert any(b'"ev":"server"' in event and b"Cellar" in event for event in world.events)
    await world.restart()
    assert (world.ctx.server.name, world.ctx.server.join) == ("Cellar", "invite")


@in_world
async def test_a_new_name_holds_though_its_admin_has_gone(world: World) -> None:
    ada = await world.set_up()
    renaming = asyncio.create_task(server_update(world.ctx, ada, commands.ServerUpdate(name="Cellar")))
    while not world.ctx.committer.waiting:  # noqa: ASYNC110 - it tells of no event
        await asyncio.sleep(0)
    while world.ctx.committer.waiting:  # noqa: ASYNC110
        await asyncio.sleep(0)
    renaming.cancel()  # as when the socket closes while it is being stored
    await world.commit(lambda _: users.meta())
    assert await world.rows("SELECT value FROM meta WHERE key = 'name'") == [("Cellar",)]
    assert world.ctx.server.name == "Cellar"


@in_world
async def test_the_last_admin_cannot_delete_the_own_account(world: World) -> None:
    ada = await world.set_up()
    assert isinstance(
        await error_of(user_delete(world.ctx, ada, commands.UserDelete(user=ada.user))), Conflict
    )
