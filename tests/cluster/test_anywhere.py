"""What begins on one node goes on on another: requests may come to any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbox.bus.base import Publication
from chatbox.chat.moving import session_take
from chatbox.chat.setup_code import SetupCode, SharedCodes
from chatbox.chat.signin import SignedIn, authenticate
from chatbox.errors import ChatboxError
from chatbox.protocol import commands
from chatbox.version import VERSION
from chatbox.web.health import Look, _lines, _trouble
from tests.bus.support import Node as BusNode
from tests.bus.support import passed
from tests.chat.support import HOME, PASSWORD, SetClock, error_of
from tests.chat.talk import do
from tests.cluster.support import PATIENCE, Town, town_in
from tests.harness.redis import Redis, redis_in

PHONE = replace(HOME, address="192.168.1.34")


def over_redis(test: Callable[[Town], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    async def live(folder: Path) -> None:
        async with redis_in(folder) as redis, town_in(folder, redis.url) as town:
            await test(town)

    def run(tmp_path: Path) -> None:
        asyncio.run(live(tmp_path))

    run.__name__ = test.__name__
    return run


@over_redis
async def test_a_sign_in_moves_to_a_phone_by_whatever_nodes(town: Town) -> None:
    secret = (await do(town.one, town.ben, "session.move", phone=True))["secret"]
    assert (await do(town.two, PHONE, "link.check", secret=secret))["phone"] is True
    asked = await session_take(town.two.ctx, PHONE, commands.SessionTake(secret=secret))
    assert isinstance(asked, dict)
    again = commands.SessionTake(secret=secret, claim=asked["claim"])
    assert (await session_take(town.one.ctx, PHONE, again)) == asked
    assert (await do(town.two, town.ben, "session.moving"))["phase"] == "asked"
    await do(town.two, town.ben, "session.allow", allow=True)
    arrived = await session_take(town.one.ctx, PHONE, again)
    assert isinstance(arrived, SignedIn)
    found = await authenticate(town.two.ctx, arrived.token)
    assert found is not None
    assert found.user == town.ben.user
    assert (await do(town.two, town.ben, "session.moving"))["phase"] == "arrived"
    assert (await error_of(session_take(town.two.ctx, PHONE, again))).code == "not_found"


@over_redis
async def test_a_ticket_is_taken_by_any_node(town: Town) -> None:
    ticket = (await do(town.one, town.ben, "hello"))["session"]["ticket"]
    arrived = await session_take(town.two.ctx, HOME, commands.SessionTake(secret=ticket))
    assert isinstance(arrived, SignedIn)
    assert arrived.reply["user"]["name"] == "ben"


@over_redis
async def test_a_password_given_on_one_node_confirms_on_all(town: Town) -> None:
    confirmed = town.two.ctx.confirmed
    town.clock.forward(seconds=601)  # since setup
    assert not confirmed.holds(town.ada.user, town.ada.session)
    await do(town.one, town.ada, "session.confirm", password=PASSWORD)
    async with asyncio.timeout(PATIENCE):
        while not confirmed.holds(town.ada.user, town.ada.session):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    town.clock.forward(seconds=601)
    assert not confirmed.holds(town.ada.user, town.ada.session)


@over_redis
async def test_each_node_tells_how_it_gets_on_with_the_others(town: Town) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(leases := await town.two.ctx.cluster.leases() or []) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert {lease.version for lease in leases} == {VERSION}
    figures = "".join(_lines(town.one.ctx, 0))
    assert "\nchatbox_redis_up 1" in figures
    assert "\nchatbox_repairs_total 0" in figures


@over_redis
async def test_an_admin_sees_the_connections_to_all_nodes(town: Town) -> None:
    await town.two.come(town.ben)
    await town.two.come(town.ben)
    await town.one.come(town.eve)
    town.clock.forward(seconds=6)  # each writes its lease again
    async with asyncio.timeout(PATIENCE):
        while (found := await do(town.one, town.ada, "admin.overview"))["connections"] < 3:
            await town.one.ctx.cluster.leases()
            await asyncio.sleep(0.01)
    assert (found["connections"], found["servers"], found["online"]) == (3, 2, 2)


@over_redis
async def test_only_a_node_that_alone_lost_the_database_sends_people_to_the_others(town: Town) -> None:
    one, two = town.one.ctx, town.two.ctx
    async with asyncio.timeout(PATIENCE):
        while len(await one.cluster.leases() or []) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    looks = Look(), Look()
    town.one.store.broken = True
    assert await _trouble(one, looks[0]) == ""  # it may be over in a moment
    town.clock.forward(seconds=16)
    await town.two.look()
    async with asyncio.timeout(PATIENCE):
        while not (trouble := await _trouble(one, looks[0])):
            await asyncio.sleep(0.01)
            await one.cluster.leases()
    assert trouble == "the data cannot be read"
    assert await _trouble(two, looks[1]) == ""
    town.two.store.broken = True
    town.clock.forward(seconds=16)
    async with asyncio.timeout(PATIENCE):
        while await _trouble(one, looks[0]) or await _trouble(two, looks[1]):
            await asyncio.sleep(0.01)
            await one.cluster.leases()
            await two.cluster.leases()


class _Desk:
    """A node that asks for the setup code, and nothing else."""

    def __init__(self, folder: Path, redis: Redis, server: str = "") -> None:
        folder.mkdir()
        self.told: list[str] = []
        self.base = BusNode(folder.name, redis)
        self.codes = SharedCodes(self.base.seal.derived("setup"), server, self.base.bus)
        self.code = SetupCode(folder, SetClock(), self.told.append, self.codes)

    def hear(self, publication: Publication) -> None:
        if publication.topic == SharedCodes.TOPIC:
            self.codes.hear(publication)
        self.base.kept(publication)


def test_one_setup_code_counts_on_all_nodes_until_it_was_guessed_at_too_often(tmp_path: Path) -> None:
    async def live() -> None:
        async with redis_in(tmp_path) as redis:
            one, two = _Desk(tmp_path / "one", redis), _Desk(tmp_path / "two", redis)
            for desk in (one, two):
                await desk.base.bus.start(desk.hear)
                await desk.base.bus.subscribe([SharedCodes.TOPIC, "room:7"])
            assert one.code.code == two.code.code == one.told[0] == two.told[0]
            two.code.check(one.code.code, HOME.address)
            for _ in range(5):
                with pytest.raises(ChatboxError):
                    one.code.check("XXXX-XXXX", HOME.address)
            await passed(one.base.bus, two.base.kept, "room:7")
            assert one.code.code == two.code.code == one.told[1] == two.told[1] != one.told[0]
            for desk in (one, two):
                desk.code.close()
                await desk.base.bus.close()

    asyncio.run(live())


def test_another_database_has_another_setup_code_though_the_key_of_the_cluster_is_the_same(
    tmp_path: Path,
) -> None:
    """Whoever set up what was there before does not know it."""
    redis = Redis(tmp_path)
    desks = [_Desk(tmp_path / name, redis, server) for name, server in (("a", "1"), ("b", "2"), ("c", "2"))]
    first, second, third = (desk.code.code for desk in desks)
    assert first != second == third
