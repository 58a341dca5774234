"""My sign-in on my phone, by a code on this screen: asked for there, agreed to here, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chatbox.chat.context import Caller
from chatbox.chat.moving import session_take
from chatbox.chat.signin import SignedIn, authenticate
from chatbox.protocol import commands
from tests.chat.support import HOME, World, error_of, in_world
from tests.chat.talk import do, refused

PHONE = replace(
    HOME,
    address="192.168.1.34",
    agent="Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
)
THIEF = replace(PHONE, address="192.168.1.66")


async def offer(world: World, who: Caller) -> str:
    made = await do(world, who, "session.move", phone=True)
    assert made["url"] == f"http://192.168.1.5:8642/#move={made['secret']}"
    return str(made["secret"])


async def take(world: World, secret: str, caller: Caller = PHONE, claim: str | None = None) -> Any:
    return await session_take(world.ctx, caller, commands.SessionTake(secret=secret, claim=claim))


@in_world
async def test_a_phone_asks_the_old_screen_agrees_and_both_go_on(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    secret = await offer(world, ben)
    assert (await do(world, ben, "session.moving"))["phase"] == "offered"
    seen = await do(world, PHONE, "link.check", secret=secret)
    assert (seen["kind"], seen["name"], seen["phone"]) == ("move", "ben", True)
    asked = await take(world, secret)
    assert asked["waiting"]
    shown = await do(world, ben, "session.moving")
    assert (shown["phase"], shown["label"], shown["address"]) == (
        "asked",
        "Chrome on Android",
        "192.168.1.34",
    )
    assert (await take(world, secret, claim=asked["claim"]))["waiting"]
    assert await world.rows("SELECT count(*) FROM sessions WHERE user = ?", ben.user) == [(1,)]
    await do(world, ben, "session.allow", allow=True)
    arrived = await take(world, secret, claim=asked["claim"])
    assert isinstance(arrived, SignedIn)
    found = await authenticate(world.ctx, arrived.token)
    assert found is not None
    assert found.user == ben.user
    assert not world.ctx.confirmed.holds(found.user, found.session)
    assert (await do(world, ben, "session.moving")) == {"phase": "arrived"}
    labels = await world.rows("SELECT label FROM sessions WHERE user = ? ORDER BY id", ben.user)
    assert labels == [("Firefox on Linux",), ("Chrome on Android",)]


@in_world
async def test_a_code_lets_in_one_device_and_works_once(world: World) -> None:
    ada = await world.set_up()
    secret = await offer(world, ada)
    claim = (await take(world, secret))["claim"]
    for stranger in (None, "guessed", secret):
        error = await error_of(take(world, secret, THIEF, stranger))
        assert error.code == "not_found"
    await do(world, ada, "session.allow", allow=True)
    assert (await error_of(take(world, secret, THIEF))).code == "not_found"
    assert isinstance(await take(world, secret, claim=claim), SignedIn)
    assert (await error_of(take(world, secret, claim=claim))).code == "not_found"


@in_world
async def test_whoever_is_not_let_in_stays_out(world: World) -> None:
    ada = await world.set_up()
    secret = await offer(world, ada)
    claim = (await take(world, secret, THIEF))["claim"]
    await do(world, ada, "session.allow", allow=False)
    assert (await error_of(take(world, secret, THIEF, claim))).code == "not_found"
    assert await do(world, ada, "session.moving") == {"phase": "over"}
    assert await world.rows("SELECT count(*) FROM sessions") == [(1,)]


@in_world
async def test_nobody_agrees_before_somebody_asks_nor_for_somebody_else(world: World) -> None:
    ada = await world.set_up()
    tablet = await world.sign_in("ada")
    secret = await offer(world, ada)
    assert await refused(world, ada, "session.allow", allow=True) == "not_found"
    claim = (await take(world, secret))["claim"]
    assert await refused(world, tablet, "session.allow", allow=True) == "not_found"
    assert await do(world, tablet, "session.moving") == {"phase": "over"}
    assert (await take(world, secret, claim=claim))["waiting"]


@in_world
async def test_after_two_minutes_nobody_is_let_in_even_if_it_was_agreed(world: World) -> None:
    ada = await world.set_up()
    secret = await offer(world, ada)
    claim = (await take(world, secret))["claim"]
    await do(world, ada, "session.allow", allow=True)
    world.clock.forward(seconds=120)
    assert (await error_of(take(world, secret, claim=claim))).code == "not_found"
    assert await do(world, ada, "session.moving") == {"phase": "over"}


@in_world
async def test_where_the_old_screen_signs_out_meanwhile_the_phone_stays_out(world: World) -> None:
    ada = await world.set_up()
    secret = await offer(world, ada)
    claim = (await take(world, secret))["claim"]
    await do(world, ada, "session.allow", allow=True)
    other = await world.sign_in("ada")
    await do(world, other, "session.revoke", session=ada.session)
    assert (await error_of(take(world, secret, claim=claim))).code == "not_found"


@in_world
async def test_a_newer_code_makes_the_older_one_worthless(world: World) -> None:
    ada = await world.set_up()
    first = await offer(world, ada)
    second = await offer(world, ada)
    assert (await error_of(take(world, first))).code == "not_found"
    assert (await take(world, second))["waiting"]
