"""The administration page: what it shows, what it changes, and who has the last word."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from chatbox.chat.administration import logo_content
from chatbox.chat.context import Caller
from chatbox.chat.machine import Always
from chatbox.errors import Conflict, Invalid, NotFound
from chatbox.instance import close_instance, open_instance
from chatbox.rules.addresses import Around
from chatbox.rules.firewall import Guide, guide
from chatbox.settings_parser import parse
from tests.chat.support import CHEAP, HOME, World, error_of, in_world
from tests.chat.talk import Published, do, make_room, post, refused
from tests.test_settings import given

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000040000000400806000000")


class Fake:
    """A computer with ufw, whose person says what is said here."""

    here = 1
    can_open = True

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.opened = 0
        self.on = False
        self.problem = ""
        self.networks = Around()

    def own_addresses(self) -> set[str]:
        return {"127.0.0.1", "192.168.1.5"}

    def around(self) -> Around:
        return self.networks

    def guides(self) -> list[Guide]:
        return [guide("ufw", 8642)]

    async def open_firewall(self) -> str:
        self.opened += 1
        return self.answer

    async def always(self) -> Always:
        return Always(self.on, self.problem)

    async def run_always(self, on: bool) -> list[str]:
        if self.problem:
            raise Conflict(self.problem)
        self.on = on
        return ["It starts with this computer."] if on else []


def on(world: World, machine: Fake) -> None:
    world.ctx = replace(world.ctx, machine=machine)


@in_world
async def test_the_overview_tells_how_much_there_is(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await make_room(world, ben, "secret", kind="private")
    await post(world, ada, 1, "hello")
    found = await do(world, ada, "admin.overview")
    assert (found["people"], found["rooms"], found["messages"], found["online"]) == (2, 2, 1, 0)
    storage = found["storage"]
    assert storage["database"] > 50_000
    assert 0 < storage["free"] <= storage["total"]
    assert (storage["uploads"], storage["files"]) == (0, 0)
    assert await refused(world, ben, "admin.overview") == "forbidden"


@in_world
async def test_admins_see_public_rooms_and_only_the_number_of_others(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    ops = await make_room(world, ben, "ops")
    await make_room(world, ben, "payroll", kind="private")
    await do(world, ben, "direct.open", users=[ada.user])
    found = await do(world, ada, "admin.rooms")
    assert [(room["name"], room["count"]) for room in found["rooms"]] == [("general", 2), ("ops", 1)]
    assert (found["private"], found["direct"]) == (1, 1)
    assert "payroll" not in json.dumps(found)
    assert (await do(world, ada, "admin.archive", room=ops, archived=True))["room"]["archived"]
    listed = (await do(world, ada, "admin.rooms"))["rooms"]
    assert [(room["name"], bool(room["archived"])) for room in listed] == [("general", False), ("ops", True)]
    assert (
        await refused(world, ben, "message.post", room=ops, text="x", nonce="refused-nonce-1") == "conflict"
    )
    await do(world, ada, "admin.archive", room=ops, archived=False)
    await post(world, ben, ops, "back again")


@in_world
async def test_what_an_admin_may_not_archive(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    private = await make_room(world, ben, "payroll", kind="private")
    assert await refused(world, ada, "admin.archive", room=private, archived=True) == "not_found room"
    assert await refused(world, ada, "admin.archive", room=999, archived=True) == "not_found room"
    assert await refused(world, ada, "admin.archive", room=1, archived=True) == "conflict"


# -- settings ------------------------------------------------------------------------------------------------


def entry(reply: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in reply["settings"] if each["name"] == name)
    return found


@in_world
async def test_a_limit_holds_at_once_is_told_to_everybody_and_outlives_a_restart(world: World) -> None:
    ada = await world.set_up()
    published = Published(world)
    values = {"limits.text_bytes": "1 KB", "limits.messages_burst": "3"}
    reply = await do(world, ada, "settings.update", values=values)
    shown = entry(reply, "limits.text_bytes")
    assert (shown["value"], shown["by"], shown["changeable"]) == ("1 KB", "admin", True)
    told = [event for topic, event in published.take() if event["ev"] == "server"]
    assert told[-1]["limits"]["text_bytes"] == 1024
    assert await refused(world, ada, "message.post", room=1, text="x" * 1025, nonce="refused-nonce-1")
    assert [world.ctx.rate.take(ada.user, 1) for _ in range(3)] == [0, 0, 0]
    assert world.ctx.rate.take(ada.user, 1) > 0
    await world.restart()
    assert world.ctx.settings.limits.text_bytes == 1024
    assert (await do(world, ada, "hello"))["limits"]["text_bytes"] == 1024
    reply = await do(world, ada, "settings.update", values={"limits.text_bytes": None})
    assert (entry(reply, "limits.text_bytes")["value"], world.ctx.settings.limits.text_bytes) == (
        "16 KB",
        16_384,
    )
    assert entry(reply, "limits.messages_burst")["by"] == "admin"


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"limits.text_bytes": "many"}, "bad_request limits.text_bytes"),
        ({"limits.text_bytes": "99 GB"}, "bad_request limits.text_bytes"),
        ({"limits.messages_burst": "-1"}, "bad_request limits.messages_burst"),
        ({"limits.no_such": "1"}, "bad_request limits.no_such"),
        ({"": "1"}, "bad_request"),
        ({"server.port": "80"}, "conflict server.port"),
        ({"server.hosts": "evil.example"}, "conflict server.hosts"),
        ({"server.trusted_proxies": "0.0.0.0/0"}, "conflict server.trusted_proxies"),
        ({"storage.data": "/tmp"}, "conflict storage.data"),
        ({"storage.database": None}, "conflict storage.database"),
        ({"storage.uploads": "/"}, "conflict storage.uploads"),
        ({"tls.mode": "off"}, "conflict tls.mode"),
        ({"people.recover_admin": "eve"}, "conflict people.recover_admin"),
        ({"limits.queue": "10"}, "conflict limits.queue"),
        ({"limits.file_bytes": "5 MB", "limits.text_bytes": "x"}, "bad_request limits.text_bytes"),
    ],
)
def test_what_cannot_be_set_is_refused_and_changes_nothing(
    tmp_path: Path, values: dict[str, str | None], refusal: str
) -> None:
    @in_world
    async def check(world: World) -> None:
        ada = await world.set_up()
        before = world.ctx.settings
        assert (await refused(world, ada, "settings.update", values=values)).strip() == refusal
        assert world.ctx.settings == before

    check(tmp_path)


@in_world
async def test_what_the_machine_says_is_stronger_than_an_admin(world: World) -> None:
    ada = await world.set_up()
    await do(world, ada, "settings.update", values={"limits.text_bytes": "1 KB"})
    folder = world.folder
    await close_instance(world.ctx)
    machine = parse([given("limits.text_bytes=2 KB")])
    said = {"limits.text_bytes": "chatbox.ini, line 7", "server.port": "--port"}
    world.ctx = await open_instance(machine, folder, clock=world.clock, cost=CHEAP, given=said)
    assert world.ctx.settings.limits.text_bytes == 2048
    listed = await do(world, ada, "settings.list")
    shown = entry(listed, "limits.text_bytes")
    assert (shown["by"], shown["source"], shown["changeable"]) == ("machine", "chatbox.ini, line 7", False)
    assert [entry(listed, name)["source"] for name in ("server.port", "server.name")] == ["--port", ""]
    values = {"limits.text_bytes": "4 KB"}
    error = await error_of(do(world, ada, "settings.update", values=values))
    assert (error.code, error.field) == ("conflict", "limits.text_bytes")
    assert "chatbox.ini, line 7" in error.message


@in_world
async def test_a_stored_value_that_is_not_allowed_any_more_counts_for_nothing(world: World) -> None:
    await world.set_up()
    for stored in ({"limits.text_bytes": "-5"}, {"server.port": "80"}, {"gone.setting": "1"}):
        world.ctx.chosen.take(stored)
        assert world.ctx.settings.limits.text_bytes == 16_384
        assert world.ctx.settings.server.port == 8642


# -- the logo ------------------------------------------------------------------------------------------------


@in_world
async def test_the_servers_picture_is_shown_until_it_is_another(world: World) -> None:
    ada = await world.set_up()
    import base64

    published = Published(world)
    mark = (await do(world, ada, "admin.logo", image=base64.b64encode(PNG).decode()))["logo"]
    assert published.take()[-1][1]["server"]["logo"] == mark
    assert await logo_content(world.ctx, mark) == (PNG, "image/png")
    assert (await do(world, HOME, "server.info"))["logo"] == mark
    await world.restart()
    assert await logo_content(world.ctx, mark) == (PNG, "image/png")
    assert await do(world, ada, "admin.logo") == {"logo": ""}
    for gone in (mark, "", "0" * 16):
        assert isinstance(await error_of(logo_content(world.ctx, gone)), NotFound)


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\1\0" * 4,
        PNG[:16] + b"\0\0\x04\x01" * 4,
    ],
    ids=["empty", "svg", "gif", "too wide"],
)
def test_a_picture_that_cannot_be_shown_is_refused(tmp_path: Path, image: bytes) -> None:
    @in_world
    async def check(world: World) -> None:
        import base64

        ada = await world.set_up()
        given_image = base64.b64encode(image).decode()
        error = await error_of(do(world, ada, "admin.logo", image=given_image))
        assert (type(error), error.field) == (Invalid, "image")
        assert world.ctx.server.logo == ""

    check(tmp_path)


# -- being reached -------------------------------------------------------------------------------------------


@in_world
async def test_devices_count_but_not_this_computer_and_after_three_minutes_it_is_late(world: World) -> None:
    ada = await world.set_up()
    on(world, Fake())
    for address in ("127.0.0.1", "::1", "192.168.1.5"):
        world.ctx.devices.note(address)
    world.clock.forward(seconds=179)
    found = await do(world, ada, "admin.reach")
    assert (found["devices"], found["late"]) == (0, False)
    world.clock.forward(seconds=1)
    found = await do(world, ada, "admin.reach")
    assert (found["devices"], found["late"], found["addresses"]) == (0, True, ["http://192.168.1.5:8642"])
    assert found["guides"][0]["steps"][0]["command"] == "sudo ufw allow 8642/tcp"
    for address in ("192.168.1.34", "192.168.1.34", "fd00::7"):
        world.ctx.devices.note(address)
    found = await do(world, ada, "admin.reach")
    assert (found["devices"], found["late"]) == (2, False)


@in_world
async def test_a_public_network_that_does_not_count_yet_is_told(world: World) -> None:
    ada = await world.set_up()
    machine = Fake()
    on(world, machine)
    assert (await do(world, ada, "admin.reach"))["exposed"] == []
    machine.networks = Around(exposed=(ip_network("130.89.16.0/22"), ip_network("2001:db8:7:1::/64")))
    await do(world, ada, "settings.update", values={"people.networks": "130.89.16.0/22"})
    assert (await do(world, ada, "admin.reach"))["exposed"] == ["2001:db8:7:1::/64"]


@in_world
async def test_an_address_that_leads_nowhere_else_is_none_for_others(world: World) -> None:
    ada = await world.set_up()
    world.ctx.server.addresses = lambda: [
        "http://127.0.0.1:8642",
        "http://[::1]:8642",
        "http://10.0.0.7:8642",
    ]
    assert (await do(world, ada, "admin.reach"))["addresses"] == ["http://10.0.0.7:8642"]


@in_world
async def test_the_firewall_is_opened_only_from_this_computer(world: World) -> None:
    ada = await world.set_up()
    on(world, machine := Fake())
    assert not (await do(world, ada, "admin.reach"))["can_open"]
    assert await refused(world, ada, "admin.firewall") == "forbidden"
    here = replace(ada, local=True)
    assert (await do(world, here, "admin.reach"))["can_open"]
    assert machine.opened == 0
    assert await do(world, here, "admin.firewall") == {}
    assert machine.opened == 1


@in_world
async def test_where_the_firewall_stays_closed_it_is_told_why(world: World) -> None:
    here = replace(await world.set_up(), local=True)
    on(world, Fake("Request dismissed."))
    error = await error_of(do(world, here, "admin.firewall"))
    assert error.message == "That did not work: Request dismissed. Use the commands shown."
    world.ctx = replace(world.ctx, machine=type("Mac", (Fake,), {"can_open": False})())
    assert await refused(world, here, "admin.firewall") == "conflict"


@in_world
async def test_that_it_runs_always_is_switched_only_at_this_computer(world: World) -> None:
    ada = await world.set_up()
    on(world, machine := Fake())
    assert await do(world, ada, "service.status") == {
        "on": False,
        "problem": "",
        "command": "",
        "can_change": False,
    }
    assert await refused(world, ada, "service.set", on=True) == "forbidden"
    here = replace(ada, local=True)
    assert (await do(world, here, "service.status"))["can_change"]
    switched = await do(world, here, "service.set", on=True)
    assert (switched["on"], switched["notes"]) == (True, ["It starts with this computer."])
    assert not (await do(world, here, "service.set", on=False))["on"]
    machine.problem = "systemd does not run here."
    assert not (await do(world, here, "service.status"))["can_change"]
    error = await error_of(do(world, here, "service.set", on=True))
    assert (error.code, error.message) == ("conflict", "systemd does not run here.")


@in_world
async def test_a_qr_code_is_made_of_addresses_of_this_server_only(world: World) -> None:
    ben = await world.set_up()
    rows = (await do(world, ben, "qr.make", text="http://192.168.1.5:8642/#invite=abc"))["rows"]
    assert len(rows) == len(rows[0]) >= 21
    assert rows[0].startswith("1111111")
    for text in ("http://192.168.1.50:8642", "http://192.168.1.5:86420/", "javascript:alert(1)", "hello"):
        assert await refused(world, ben, "qr.make", text=text) == "bad_request text"
    assert await refused(world, Caller(), "qr.make", text="x") == "signed_out"
