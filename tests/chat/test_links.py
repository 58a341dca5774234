"""One-time links: spent once, by whoever is first, and never by looking."""

from __future__ import annotations

from chatbox.chat.context import Caller
from chatbox.chat.links import (
    invite_create,
    invite_list,
    invite_revoke,
    link_check,
    password_reset,
    recover_admin,
    user_reset_link,
)
from chatbox.chat.people import user_disable, user_register, user_role
from chatbox.chat.removing import user_delete
from chatbox.chat.setup import server_update
from chatbox.errors import Conflict, Forbidden, Invalid, NotFound
from chatbox.protocol import commands
from chatbox.store.base import Steps, one
from tests.chat.support import DAY, PASSWORD, World, error_of, in_world, outcomes

FAR = Caller(address="8.8.8.8")
NEW = "walnut-harbour-kettle-4"


def _register(name: str, secret: str) -> commands.UserRegister:
    return commands.UserRegister(name=name, password=PASSWORD, invite=secret)


def _reset(secret: str, password: str = NEW) -> commands.PasswordReset:
    return commands.PasswordReset(secret=secret, password=password)


@in_world
async def test_an_invitation_lets_in_as_many_as_it_says_however_many_come_at_once(world: World) -> None:
    ada = await world.set_up(join="invite")
    made = await invite_create(world.ctx, ada, commands.InviteCreate(uses=3))
    assert made["url"] == f"http://192.168.1.5:8642/#invite={made['secret']}"
    done, failed = await outcomes(
        *(user_register(world.ctx, FAR, _register(f"guest{n}", made["secret"])) for n in range(20))
    )
    assert len(done) == 3
    assert {type(error) for error in failed} == {NotFound}
    assert await world.rows("SELECT count(*) FROM users") == [(4,)]
    assert (await invite_list(world.ctx, ada, commands.InviteList()))["invites"] == []


@in_world
async def test_a_name_that_is_taken_does_not_spend_an_invitation(world: World) -> None:
    ada = await world.set_up(join="invite")
    made = await invite_create(world.ctx, ada, commands.InviteCreate(uses=1))
    assert isinstance(
        await error_of(user_register(world.ctx, FAR, _register("ada", made["secret"]))), Conflict
    )
    await user_register(world.ctx, FAR, _register("ben", made["secret"]))


@in_world
async def test_invitations_end_by_time_and_by_revocation(world: World) -> None:
    ada = await world.set_up(join="invite")
    first = await invite_create(world.ctx, ada, commands.InviteCreate(days=2))
    second = await invite_create(world.ctx, ada, commands.InviteCreate(days=7))
    listed = (await invite_list(world.ctx, ada, commands.InviteList()))["invites"]
    assert [invite["id"] for invite in listed] == [second["invite"]["id"], first["invite"]["id"]]
    assert "secret" not in listed[0]
    world.clock.forward(ms=2 * DAY)
    assert isinstance(
        await error_of(user_register(world.ctx, FAR, _register("ben", first["secret"]))), NotFound
    )
    await invite_revoke(world.ctx, ada, commands.InviteRevoke(invite=second["invite"]["id"]))
    assert isinstance(
        await error_of(user_register(world.ctx, FAR, _register("ben", second["secret"]))), NotFound
    )
    assert isinstance(
        await error_of(invite_revoke(world.ctx, ada, commands.InviteRevoke(invite=99))), NotFound
    )


@in_world
async def test_a_closed_server_takes_no_invitation(world: World) -> None:
    ada = await world.set_up(join="invite")
    made = await invite_create(world.ctx, ada, commands.InviteCreate())
    await server_update(world.ctx, ada, commands.ServerUpdate(join="closed"))
    assert isinstance(
        await error_of(user_register(world.ctx, FAR, _register("ben", made["secret"]))), Forbidden
    )
    assert isinstance(await error_of(invite_create(world.ctx, ada, commands.InviteCreate())), Conflict)


@in_world
async def test_without_an_invitation_nobody_gets_in_and_members_make_none(world: World) -> None:
    ada = await world.set_up(join="invite")
    refused = await error_of(
        user_register(world.ctx, FAR, commands.UserRegister(name="ben", password=PASSWORD))
    )
    assert (refused.code, refused.field) == ("forbidden", "invite")
    made = await invite_create(world.ctx, ada, commands.InviteCreate())
    ben = await world.who(await user_register(world.ctx, FAR, _register("ben", made["secret"])))
    assert isinstance(await error_of(invite_create(world.ctx, ben, commands.InviteCreate())), Forbidden)
    assert isinstance(await error_of(invite_list(world.ctx, ben, commands.InviteList())), Forbidden)


@in_world
async def test_a_look_at_a_link_tells_who_made_it_and_spends_nothing(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    invite = await invite_create(world.ctx, ada, commands.InviteCreate(uses=1))
    password = await user_reset_link(world.ctx, ada, commands.UserResetLink(user=ben.user))
    for _ in range(3):
        seen = await link_check(world.ctx, Caller(), commands.LinkCheck(secret=invite["secret"]))
        assert seen == {
            "kind": "invite",
            "by": "ada",
            "expires": invite["invite"]["expires"],
            "server": "Attic",
        }
        seen = await link_check(world.ctx, Caller(), commands.LinkCheck(secret=password["secret"]))
        assert (seen["kind"], seen["by"], seen["name"]) == ("password", "ada", "ben")
    assert isinstance(
        await error_of(link_check(world.ctx, Caller(), commands.LinkCheck(secret="x"))), NotFound
    )


@in_world
async def test_a_password_link_works_once_and_whoever_it_is_for_is_told(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    made = await user_reset_link(world.ctx, ada, commands.UserResetLink(user=ben.user))
    assert made["expires"] == world.clock.now() + DAY
    assert (f"user:{ben.user}", (-1,)) in world.ended
    assert isinstance(await error_of(world.sign_in("ben")), Forbidden)
    done, failed = await outcomes(
        *(password_reset(world.ctx, FAR, _reset(made["secret"])) for _ in range(10))
    )
    assert done == [{"user": {"name": "ben"}}]
    assert {type(error) for error in failed} == {NotFound}
    world.clock.forward(seconds=5)
    await world.sign_in("ben", NEW)
    ((notice,),) = await world.rows("SELECT notice FROM users WHERE id = ?", ben.user)
    assert notice == f'{{"kind":"password_link","at":{world.clock.now() - 5000},"by":{ada.user}}}'


@in_world
async def test_a_weak_password_does_not_spend_the_link(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    made = await user_reset_link(world.ctx, ada, commands.UserResetLink(user=ben.user))
    assert isinstance(
        await error_of(password_reset(world.ctx, FAR, _reset(made["secret"], "short"))), Invalid
    )
    await password_reset(world.ctx, FAR, _reset(made["secret"]))


@in_world
async def test_a_password_link_ends_with_its_day_a_newer_one_or_the_account(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    cmd = commands.UserResetLink(user=ben.user)
    late = await user_reset_link(world.ctx, ada, cmd)
    world.clock.forward(ms=DAY)
    assert isinstance(await error_of(password_reset(world.ctx, FAR, _reset(late["secret"]))), NotFound)
    first, second = await user_reset_link(world.ctx, ada, cmd), await user_reset_link(world.ctx, ada, cmd)
    assert isinstance(await error_of(password_reset(world.ctx, FAR, _reset(first["secret"]))), NotFound)
    await user_disable(world.ctx, ada, commands.UserDisable(user=ben.user))
    assert isinstance(await error_of(password_reset(world.ctx, FAR, _reset(second["secret"]))), NotFound)
    assert isinstance(await error_of(user_reset_link(world.ctx, ada, cmd)), Conflict)


@in_world
async def test_an_invitation_sets_no_password_and_a_password_link_invites_nobody(world: World) -> None:
    ada = await world.set_up(join="invite")
    invite = await invite_create(world.ctx, ada, commands.InviteCreate())
    ben = await world.who(await user_register(world.ctx, FAR, _register("ben", invite["secret"])))
    password = await user_reset_link(world.ctx, ada, commands.UserResetLink(user=ben.user))
    assert isinstance(await error_of(password_reset(world.ctx, FAR, _reset(invite["secret"]))), NotFound)
    assert isinstance(
        await error_of(user_register(world.ctx, FAR, _register("eve", password["secret"]))), NotFound
    )


@in_world
async def test_links_of_who_is_no_admin_any_more_do_not_work(world: World) -> None:
    ctx, ada = world.ctx, await world.set_up()
    bob = await world.register("bob")
    for name in ("disabled", "demoted", "deleted"):
        eve = await world.register(name)
        await user_role(ctx, ada, commands.UserRole(user=eve.user, role="admin"))
        invitation = (await invite_create(ctx, eve, commands.InviteCreate()))["secret"]
        known = (await user_reset_link(ctx, eve, commands.UserResetLink(user=bob.user)))["secret"]
        await link_check(ctx, FAR, commands.LinkCheck(secret=known))
        if name == "disabled":
            await user_disable(ctx, ada, commands.UserDisable(user=eve.user))
        elif name == "demoted":
            await user_role(ctx, ada, commands.UserRole(user=eve.user, role="member"))
        else:
            await user_delete(ctx, ada, commands.UserDelete(user=eve.user))
        for work in (
            link_check(ctx, FAR, commands.LinkCheck(secret=known)),
            password_reset(ctx, FAR, _reset(known)),
            user_register(ctx, FAR, _register("mallory", invitation)),
        ):
            assert isinstance(await error_of(work), NotFound)
        assert (await invite_list(ctx, ada, commands.InviteList()))["invites"] == []


@in_world
async def test_an_admin_makes_no_link_for_the_own_password(world: World) -> None:
    ada = await world.set_up()
    assert isinstance(
        await error_of(user_reset_link(world.ctx, ada, commands.UserResetLink(user=ada.user))), Conflict
    )


@in_world
async def test_a_lost_admin_comes_back_with_a_link_from_the_console(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    await world.commit(lambda batch: _disable(ben.user))
    url = await recover_admin(world.ctx, " BEN ")
    prefix, _, secret = url.partition("=")
    assert prefix == "http://192.168.1.5:8642/#password"
    seen = await link_check(world.ctx, Caller(), commands.LinkCheck(secret=secret))
    assert seen["by"] == "the server's console"
    await password_reset(world.ctx, FAR, _reset(secret))
    assert (await world.sign_in("ben", NEW)).admin
    assert isinstance(await error_of(recover_admin(world.ctx, "nobody")), NotFound)


def _disable(user: int) -> Steps[None]:
    yield one("UPDATE users SET state = 'disabled' WHERE id = ?", user)
