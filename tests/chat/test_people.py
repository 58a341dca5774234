"""Joining, one's own account, and what admins may do; two admins at once included."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from chatbox.chat.context import Caller
from chatbox.chat.machine import NoMachine
from chatbox.chat.people import (
    notice_dismiss,
    people_list,
    user_disable,
    user_enable,
    user_password,
    user_register,
    user_role,
    user_update,
)
from chatbox.chat.removing import user_delete
from chatbox.chat.sessions import token_create
from chatbox.chat.setup import server_update
from chatbox.chat.signin import authenticate
from chatbox.errors import Conflict, Forbidden, Invalid, SignedOut
from chatbox.live.throttle import REGISTRATION
from chatbox.protocol import commands
from chatbox.rules.addresses import Around
from chatbox.settings import changed
from tests.chat.support import HOME, HOUR, PASSWORD, World, error_of, in_world, outcomes
from tests.chat.talk import do

NEW = "walnut-harbour-kettle-4"


def _register(name: str) -> commands.UserRegister:
    return commands.UserRegister(name=name, password=PASSWORD)


@in_world
async def test_nobody_registers_before_setup(world: World) -> None:
    refused = await error_of(user_register(world.ctx, HOME, _register("ben")))
    assert isinstance(refused, Forbidden)


@in_world
async def test_people_of_a_private_network_may_join_a_server_that_is_open_to_it(world: World) -> None:
    await world.set_up(join="network")
    for number, address in enumerate(
        ("10.1.2.3", "::ffff:192.168.1.9", "fe80::1%eth0", "fd00::7", "127.0.0.1")
    ):
        await user_register(world.ctx, Caller(address=address), _register(f"near{number}"))
    for number, address in enumerate(("8.8.8.8", "::ffff:8.8.8.8", "2001:db8::1", "", "100.64.0.1")):
        refused = await error_of(user_register(world.ctx, Caller(address=address), _register(f"far{number}")))
        assert isinstance(refused, Forbidden), address
    members = await world.rows("SELECT count(*) FROM memberships WHERE room = 1 AND left_at IS NULL")
    assert members == [(6,)]


class Here(NoMachine):
    """A computer at home, which is in a network of a data centre too."""

    def own_addresses(self) -> set[str]:
        return {"130.89.16.5"}

    def around(self) -> Around:
        return Around((ip_network("2001:db8:7:1::/64"),), (ip_network("130.89.16.0/22"),))


@in_world
async def test_an_ipv6_neighbour_at_home_joins_and_a_public_ipv4_one_only_if_an_admin_wants(
    world: World,
) -> None:
    ada = await world.set_up(join="network")
    world.ctx = replace(world.ctx, machine=Here())
    await world.register("home", Caller(address="2001:db8:7:1::9"))
    await world.register("nearby", Caller(address="130.89.16.5"))
    neighbour = Caller(address="130.89.17.1")
    refused = await error_of(world.register("ben", neighbour))
    assert (refused.code, refused.field) == ("forbidden", "invite")
    assert "130.89.17.1. Ask an admin for an invitation link." in refused.message
    notice = (await do(world, ada, "hello"))["me"]["notice"]
    assert (notice["kind"], notice["address"], notice["network"]) == (
        "neighbour",
        "130.89.17.1",
        "130.89.16.0/22",
    )
    await do(world, ada, "settings.update", values={"people.networks": "130.89.16.0/22"})
    await world.register("ben", neighbour)
    assert isinstance(await error_of(world.register("far", Caller(address="130.89.20.1"))), Forbidden)


@in_world
async def test_admins_hear_of_neighbours_only_and_of_none_where_an_invitation_is_needed(world: World) -> None:
    ada = await world.set_up(join="network")
    world.ctx = replace(world.ctx, machine=Here())
    assert isinstance(await error_of(world.register("far", Caller(address="8.8.8.8"))), Forbidden)
    await server_update(world.ctx, ada, commands.ServerUpdate(join="invite"))
    refused = await error_of(world.register("ben", Caller(address="130.89.17.1")))
    assert refused.message.startswith("You need an invitation to join.")
    assert "notice" not in (await do(world, ada, "hello"))["me"]


@in_world
async def test_of_a_network_whose_neighbours_are_refused_admins_are_told_once_an_hour(world: World) -> None:
    ada = await world.set_up(join="network")
    world.ctx = replace(world.ctx, machine=Here())
    before = len(world.events)
    crowd = (world.register("ben", Caller(address=f"130.89.17.{number}")) for number in range(60))
    _, failed = await outcomes(*crowd)
    assert [type(error) for error in failed] == [Forbidden] * 60
    assert (await do(world, ada, "hello"))["me"]["notice"]["kind"] == "neighbour"
    await do(world, ada, "notice.dismiss")
    assert isinstance(await error_of(world.register("ben", Caller(address="130.89.17.8"))), Forbidden)
    assert "notice" not in (await do(world, ada, "hello"))["me"]
    assert len(world.events) - before == 2  # the notice, and that it was read
    world.clock.forward(ms=HOUR)
    await error_of(world.register("ben", Caller(address="130.89.17.9")))
    assert (await do(world, ada, "hello"))["me"]["notice"]["address"] == "130.89.17.9"


@in_world
async def test_nobody_joins_whom_a_trusted_proxy_does_not_name_and_admins_are_told_why(world: World) -> None:
    ada = await world.set_up(join="network")
    proxies = (ip_network("192.168.1.10"), ip_network("2001:db8:7:1::1"))
    networks = (ip_network("192.168.1.0/24"),)
    world.ctx.chosen.settings = changed(
        world.ctx.settings, {"server.trusted_proxies": proxies, "people.networks": networks}
    )
    world.ctx = replace(world.ctx, machine=Here())
    for proxy in ("192.168.1.10", "2001:db8:7:1::1"):
        refused = await error_of(world.register("ben", Caller(address=proxy)))
        assert (refused.code, refused.field) == ("forbidden", "invite")
        assert "Ask an admin for an invitation link." in refused.message
    notice = (await do(world, ada, "hello"))["me"]["notice"]
    assert (notice["kind"], notice["address"]) == ("proxy", "192.168.1.10")
    await world.register("ben", Caller(address="192.168.1.11"))


@in_world
async def test_an_address_that_makes_accounts_without_end_is_told_to_wait_and_others_are_not(
    world: World,
) -> None:
    await world.set_up(join="network")
    for number in range(REGISTRATION.free):
        await world.register(f"pupil{number}")
    refused = await error_of(world.register("ben"))
    assert (refused.code, refused.retry_in) == ("rate_limited", 1)
    assert refused.message == (
        "Many accounts were made from your network just now. Wait a second, then try again."
    )
    await world.register("cleo", Caller(address="192.168.1.21"))
    world.clock.forward(seconds=1)
    await world.register("ben")
    assert "Wait 2 seconds, then" in (await error_of(world.register("dan"))).message
    assert await world.rows("SELECT count(*) FROM users WHERE name = 'dan'") == [(0,)]


@in_world
async def test_nobody_joins_a_closed_server(world: World) -> None:
    await world.set_up(join="closed")
    assert isinstance(await error_of(user_register(world.ctx, HOME, _register("ben"))), Forbidden)


@in_world
async def test_of_many_who_want_one_name_one_gets_it(world: World) -> None:
    await world.set_up()
    spellings = ("ben", "BEN", "Ben", "ｂｅｎ")
    done, failed = await outcomes(
        *(user_register(world.ctx, HOME, _register(spellings[number % 4])) for number in range(20))
    )
    assert len(done) == 1
    assert {(type(error), getattr(error, "field", None)) for error in failed} == {(Conflict, "name")}


@in_world
async def test_a_name_can_be_changed_to_one_that_is_free(world: World) -> None:
    ada = await world.set_up()
    await world.register("ben")
    refused = await error_of(user_update(world.ctx, ada, commands.UserUpdate(name="BEN")))
    assert (refused.code, refused.field) == ("conflict", "name")
    reply = await user_update(
        world.ctx, ada, commands.UserUpdate(name="ADA", full_name="Ada L", status="Out")
    )
    assert (
        reply["me"] | {"name": "ADA", "full_name": "Ada L", "status": "Out", "role": "admin"} == reply["me"]
    )
    assert world.ctx.directory.by_key["ada"] == ada.user
    assert world.ctx.directory.persons[ada.user]["name"] == "ADA"


@in_world
async def test_a_new_password_ends_all_other_sessions_and_tokens(world: World) -> None:
    ada = await world.set_up()
    phone = await world.sign_in("ada")
    made = await token_create(world.ctx, ada, commands.TokenCreate(label="bot", password=PASSWORD))
    await user_password(world.ctx, ada, commands.UserPassword(old=PASSWORD, new=NEW))
    assert await world.rows("SELECT id FROM sessions") == [(ada.session,)]
    assert await authenticate(world.ctx, made["token"]) is None
    assert (f"user:{ada.user}", (phone.session,)) in world.ended
    assert isinstance(await error_of(world.sign_in("ada")), Forbidden)
    await world.sign_in("ada", NEW)


@in_world
async def test_a_new_password_needs_the_old_one_and_must_be_a_good_one(world: World) -> None:
    ada = await world.set_up()
    wrong = await error_of(user_password(world.ctx, ada, commands.UserPassword(old="no", new=NEW)))
    assert (wrong.code, wrong.field) == ("forbidden", "old")
    weak = await error_of(
        user_password(world.ctx, ada, commands.UserPassword(old=PASSWORD, new="password123"))
    )
    assert isinstance(weak, Invalid)
    assert weak.field == "new"


@in_world
async def test_of_two_changes_of_a_password_at_once_one_holds(world: World) -> None:
    ada = await world.set_up()
    done, failed = await outcomes(
        *(user_password(world.ctx, ada, commands.UserPassword(old=PASSWORD, new=f"{NEW}{n}")) for n in (1, 2))
    )
    assert (len(done), [type(error) for error in failed]) == (1, [Forbidden])


@in_world
async def test_who_is_disabled_is_out_at_once_and_shown_as_gone(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    reply = await user_disable(world.ctx, ada, commands.UserDisable(user=ben.user))
    assert (reply["person"]["state"], reply["person"]["sessions"]) == ("disabled", 0)
    assert (f"user:{ben.user}", (-1,)) in world.ended
    assert world.ctx.directory.persons[ben.user]["gone"]
    late = await error_of(user_update(world.ctx, ben, commands.UserUpdate(status="still here")))
    assert isinstance(late, SignedOut)
    await user_enable(world.ctx, ada, commands.UserEnable(user=ben.user))
    await world.sign_in("ben")
    assert "gone" not in world.ctx.directory.persons[ben.user]


@in_world
async def test_two_admins_who_shut_each_other_out_at_once_leave_one(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await user_role(world.ctx, ada, commands.UserRole(user=ben.user, role="admin"))
    ben = await world.sign_in("ben")
    ways: list[Callable[[Caller, int], Awaitable[Any]]] = [
        lambda by, user: user_disable(world.ctx, by, commands.UserDisable(user=user)),
        lambda by, user: user_role(world.ctx, by, commands.UserRole(user=user, role="member")),
        lambda by, user: user_delete(world.ctx, by, commands.UserDelete(user=user)),
    ]
    for demote in ways:
        done, failed = await outcomes(demote(ada, ada.user), demote(ben, ben.user))
        assert (len(done), len(failed)) == (1, 1)
        assert isinstance(failed[0], Conflict)
        left = await world.rows("SELECT id FROM users WHERE role = 'admin' AND state = 'active'")
        assert len(left) == 1
        survivor = ada if left == [(ada.user,)] else ben
        other = ben if survivor is ada else ada
        if (await world.rows("SELECT state FROM users WHERE id = ?", other.user)) == [("deleted",)]:
            break
        await user_enable(world.ctx, survivor, commands.UserEnable(user=other.user))
        await user_role(world.ctx, survivor, commands.UserRole(user=other.user, role="admin"))
        ada, ben = await world.sign_in("ada"), await world.sign_in("ben")


@in_world
async def test_an_admin_who_was_demoted_meanwhile_changes_nothing_more(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await user_role(world.ctx, ada, commands.UserRole(user=ben.user, role="admin"))
    ben = await world.sign_in("ben")
    demoted = user_role(world.ctx, ben, commands.UserRole(user=ada.user, role="member"))
    late = user_disable(world.ctx, ada, commands.UserDisable(user=ben.user))
    await demoted
    assert isinstance(await error_of(late), Forbidden)
    renamed = await error_of(server_update(world.ctx, ada, commands.ServerUpdate(name="Mine")))
    assert isinstance(renamed, Forbidden)


@in_world
async def test_a_new_role_is_told_to_its_bearer_until_dismissed(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await user_role(world.ctx, ada, commands.UserRole(user=ben.user, role="admin"))
    told = [json.loads(event) for event in world.events if b'"ev":"me"' in event][-1]["me"]
    assert told["role"] == "admin"
    assert told["notice"] == {"kind": "role", "at": world.clock.now(), "by": ada.user}
    # The caller is as it was when its socket opened; what counts is what is stored.
    await user_disable(world.ctx, ben, commands.UserDisable(user=ada.user))
    await notice_dismiss(world.ctx, ben, commands.NoticeDismiss())
    assert await world.rows("SELECT notice FROM users WHERE id = ?", ben.user) == [(None,)]


@in_world
async def test_admins_see_who_was_here_when(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    world.clock.forward(seconds=60)
    await world.sign_in("ben")
    people = {
        person["name"]: person
        for person in (await people_list(world.ctx, ada, commands.PeopleList()))["people"]
    }
    assert people["ben"]["seen"] == people["ben"]["created"] + 60_000
    assert (people["ben"]["sessions"], people["ada"]["role"]) == (2, "admin")
    assert isinstance(await error_of(people_list(world.ctx, ben, commands.PeopleList())), Forbidden)


@in_world
async def test_members_and_strangers_administer_nobody(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    forged = Caller(ben.user, ben.session, admin=True)  # an admin no more, but one when the request began
    cmd = commands.UserRole(user=ada.user, role="member")
    use_cases: list[Callable[..., Awaitable[Any]]] = [user_disable, user_enable, user_role, user_delete]
    for use_case in use_cases:
        for caller, error in ((ben, Forbidden), (Caller(), SignedOut), (forged, Forbidden)):
            with pytest.raises(error):
                await use_case(world.ctx, caller, cmd)
    assert await world.rows("SELECT state, role FROM users WHERE id = ?", ada.user) == [("active", "admin")]
