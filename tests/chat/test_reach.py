"""Where the server is reached: for its admins, and for pages that are open while that changes."""

from __future__ import annotations

from typing import Any

from msgspec import json

from chatbox.chat.reach import addresses_changed, name_is_taken, remember_address
from chatbox.model import OwnAddress
from tests.chat.support import World, in_world
from tests.chat.talk import connect, do, greet

OLD, NEW, NEWER = "http://192.168.1.5:8642", "http://192.168.1.77:8642", "http://192.168.1.78:8642"


@in_world
async def test_admins_see_each_address_and_what_it_is(world: World) -> None:
    ada = await world.set_up()
    world.ctx.server.own_addresses = lambda: [OwnAddress(OLD, "wifi", "wlan0"), OwnAddress(NEW, "local")]
    reply = json.decode(json.encode(await do(world, ada, "server.addresses")))
    assert reply == {
        "addresses": [{"url": OLD, "kind": "wifi", "adapter": "wlan0"}, {"url": NEW, "kind": "local"}]
    }


@in_world
async def test_open_pages_hear_of_new_addresses(world: World) -> None:
    await world.set_up()
    ben, sink = connect(world, await world.register("ben"))
    await greet(world, ben)
    world.ctx.server.addresses = lambda: [NEW]
    addresses_changed(world.ctx)
    world.ctx.hub.flush()
    assert sink.payloads[-1] == {"ev": "addresses", "addresses": [NEW]}
    assert (await do(world, ben, "hello"))["server"]["addresses"] == [NEW]


async def notice_of(world: World, name: str) -> Any:
    ((found,),) = await world.rows("SELECT notice FROM users WHERE name = ?", name)
    return json.decode(found) if found else None


@in_world
async def test_admins_and_nobody_else_are_told_when_the_address_changes(world: World) -> None:
    ada, sink = connect(world, await world.set_up())
    await world.register("ben")
    await greet(world, ada)
    assert [await remember_address(world.ctx, url) for url in (OLD, OLD, NEW, NEW)] == ["", "", OLD, ""]
    wanted = {"kind": "address", "at": world.clock.now(), "old": OLD, "url": NEW}
    assert await notice_of(world, "ada") == wanted
    assert await notice_of(world, "ben") is None
    world.ctx.hub.flush()
    assert sink.payloads[-1]["me"]["notice"] == wanted
    await do(world, ada, "notice.dismiss")
    assert await notice_of(world, "ada") is None


@in_world
async def test_a_change_between_two_starts_is_told_too(world: World) -> None:
    await world.set_up()
    await remember_address(world.ctx, OLD)
    await world.restart()
    assert await remember_address(world.ctx, NEW) == OLD
    assert (await notice_of(world, "ada"))["url"] == NEW


@in_world
async def test_the_latest_notice_counts_but_one_about_the_account_stays(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await do(world, ada, "user.role", user=ben.user, role="admin")
    for url in (OLD, NEW, NEWER):
        await remember_address(world.ctx, url)
    await name_is_taken(world.ctx, "chatbox.local", "192.168.1.9")
    assert await notice_of(world, "ada") == {
        "kind": "local_name",
        "at": world.clock.now(),
        "name": "chatbox.local",
        "address": "192.168.1.9",
    }
    assert (await notice_of(world, "ben"))["kind"] == "role"
