"""Whoever loses a file on one node gets not the rest of it from another, to which they have no connection."""

from __future__ import annotations

from typing import NamedTuple, cast

from msgspec import structs

from chatbox.chat import files
from chatbox.chat.context import Caller, Context
from chatbox.chat.signin import authenticate, session_create
from chatbox.errors import NotFound, SignedOut, Unavailable
from chatbox.protocol import commands
from chatbox.web.base import Handler
from chatbox.web.uploads import UNHEARD, UNSURE, Rights
from tests.chat.support import HOME, PASSWORD, World, error_of, in_world
from tests.chat.talk import do, make_room, new_nonce
from tests.cluster.support import Town, in_town


class Request:
    """A request with ben's token, as far as rights are concerned; `looks` is how often it was looked up, and
    the database may be `away`."""

    def __init__(self, ctx: Context, token: str) -> None:
        self.ctx = ctx
        self.looks = 0
        self.away = False
        self._token = token

    async def identify(self) -> Caller:
        if self.away:
            raise Unavailable("The database does not answer just now.")
        self.looks += 1
        found = await authenticate(self.ctx, self._token)
        return Caller() if found is None else Caller(**structs.asdict(found))


class Download(NamedTuple):
    request: Request
    rights: Rights
    ben: Caller
    room: int


async def _begun(world: World, at: Context, ada: Caller) -> Download:
    """Ben, signed in anew at one node, has begun to fetch a file of a room at this one."""
    signed_in = await session_create(world.ctx, HOME, commands.SessionCreate(name="ben", password=PASSWORD))
    ben = await world.who(signed_in)
    room = await make_room(world, ada, "ops", ben)
    world.ctx.blobs.prepare()
    id = (await (await files.begin(world.ctx, ada, "a.txt", 0)).finish())["id"]
    await do(world, ada, "message.post", room=room, nonce=new_nonce(), text="", files=[id])
    request = Request(at, signed_in.token)
    return Download(request, Rights(cast(Handler, request), id, ben.user), ben, room)


@in_town
async def test_who_signs_out_elsewhere_gets_the_rest_of_no_file(town: Town) -> None:
    request, rights, ben, _ = await _begun(town.one, town.two.ctx, town.ada)
    for _ in range(3):
        town.clock.forward(seconds=int(UNHEARD))
        await rights.check()
    await rights.check()
    assert request.looks == 3  # not with each block
    await do(town.one, ben, "session.end")
    town.clock.forward(seconds=int(UNHEARD))
    assert isinstance(await error_of(rights.check()), SignedOut)


@in_town
async def test_who_is_disabled_elsewhere_gets_the_rest_of_no_file(town: Town) -> None:
    _, rights, ben, _ = await _begun(town.one, town.two.ctx, town.ada)
    await do(town.one, town.ada, "session.confirm", password=PASSWORD)
    await do(town.one, town.ada, "user.disable", user=ben.user)
    town.clock.forward(seconds=int(UNHEARD))
    assert isinstance(await error_of(rights.check()), SignedOut)


@in_town
async def test_who_is_removed_elsewhere_gets_the_rest_of_no_file(town: Town) -> None:
    _, rights, ben, room = await _begun(town.one, town.two.ctx, town.ada)
    await do(town.one, town.ada, "room.remove", room=room, user=ben.user)
    town.clock.forward(seconds=int(UNHEARD))
    assert isinstance(await error_of(rights.check()), NotFound)


@in_town
async def test_a_download_outlasts_a_moment_without_the_database_and_no_more(town: Town) -> None:
    request, rights, _, _ = await _begun(town.one, town.two.ctx, town.ada)
    request.away = True
    town.clock.forward(seconds=int(UNHEARD))
    await rights.check()
    town.clock.forward(seconds=int(UNSURE))
    assert isinstance(await error_of(rights.check()), Unavailable)
    request.away = False
    await rights.check()


@in_world
async def test_a_single_server_looks_again_only_where_something_changed(world: World) -> None:
    ada = await world.set_up()
    await world.register("ben")
    request, rights, ben, _ = await _begun(world, world.ctx, ada)
    world.clock.forward(seconds=3600)
    await rights.check()
    assert request.looks == bool(world.settings.storage.database)
    await do(world, ben, "session.end")
    assert isinstance(await error_of(rights.check()), SignedOut)
