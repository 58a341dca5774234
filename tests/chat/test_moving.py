"""A sign-in that goes on under another address: once, in time, and with what the page has kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbox.chat import tickets
from chatbox.chat.context import Caller
from chatbox.chat.links import link_check
from chatbox.chat.moving import session_move, session_take
from chatbox.chat.sessions import token_create
from chatbox.chat.signin import SignedIn, authenticate, session_create, session_end
from chatbox.data_folder import SECRET_FILE
from chatbox.errors import Busy, Forbidden, NotFound, SignedOut
from chatbox.live import moves
from chatbox.protocol import commands
from chatbox.store.base import Steps, one
from tests.chat.support import DAY, HOME, MINUTE, PASSWORD, World, error_of, in_world, outcomes
from tests.chat.talk import do


async def move(world: World, who: Caller, state: str = "") -> str:
    """The secret with which this sign-in goes on elsewhere."""
    secret: str = (await session_move(world.ctx, who, commands.SessionMove(state=state)))["secret"]
    return secret


def take(secret: str) -> commands.SessionTake:
    return commands.SessionTake(secret=secret)


async def arrive(world: World, secret: str) -> SignedIn:
    """Take it up, where nobody has to agree."""
    found = await session_take(world.ctx, HOME, take(secret))
    assert isinstance(found, SignedIn)
    return found


@in_world
async def test_a_sign_in_goes_on_elsewhere_and_ends_where_it_was(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    secret = await move(world, ben, '{"draft.1":"hello"}')
    assert ben.user in [row[0] for row in await world.rows("SELECT user FROM sessions")]  # not yet
    arrived = await arrive(world, secret)
    assert arrived.reply["user"]["name"] == "ben"
    assert arrived.reply["state"] == '{"draft.1":"hello"}'
    assert not arrived.shared
    found = await authenticate(world.ctx, arrived.token)
    assert found is not None
    assert (found.user, found.session == ben.session) == (ben.user, False)
    assert (f"user:{ben.user}", (ben.session,)) in world.ended
    assert await world.rows("SELECT count(*) FROM sessions WHERE user = ?", ben.user) == [(1,)]


@in_world
async def test_it_is_taken_once_even_by_two_at_once(world: World) -> None:
    ada = await world.set_up()
    secret = await move(world, ada)
    done, failed = await outcomes(*(_take(world, secret) for _ in range(3)))
    assert len(done) == 1
    assert [type(error) for error in failed] == [NotFound, NotFound]


async def _take(world: World, secret: str) -> object:
    return await session_take(world.ctx, HOME, take(secret))


@in_world
async def test_it_must_be_taken_within_two_minutes(world: World) -> None:
    ada = await world.set_up()
    secret = await move(world, ada)
    world.clock.forward(seconds=119)
    assert (await link_check(world.ctx, HOME, commands.LinkCheck(secret=secret)))["name"] == "ada"
    world.clock.forward(seconds=1)
    assert isinstance(await error_of(_take(world, secret)), NotFound)
    assert isinstance(
        await error_of(link_check(world.ctx, HOME, commands.LinkCheck(secret=secret))), NotFound
    )


@in_world
async def test_looking_at_a_secret_tells_whose_it_is_and_does_not_spend_it(world: World) -> None:
    ada = await world.set_up()
    secret = await move(world, ada)
    for _ in range(2):
        seen = await link_check(world.ctx, HOME, commands.LinkCheck(secret=secret))
        assert (seen["kind"], seen["name"], seen["server"]) == ("move", "ada", "Attic")
        assert seen["expires"] == world.clock.now() + 120_000
    await session_take(world.ctx, HOME, take(secret))


@in_world
async def test_only_the_latest_secret_of_a_sign_in_counts(world: World) -> None:
    ada = await world.set_up()
    first, second = await move(world, ada, "first"), await move(world, ada, "second")
    assert isinstance(await error_of(_take(world, first)), NotFound)
    assert (await arrive(world, second)).reply["state"] == "second"


@in_world
async def test_a_sign_in_that_ended_meanwhile_goes_on_nowhere(world: World) -> None:
    await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    secrets = [await move(world, each) for each in (ben, cleo)]
    await session_end(world.ctx, ben, commands.SessionEnd())
    await world.commit(lambda batch: _disable(cleo.user))
    for secret in secrets:
        assert isinstance(await error_of(_take(world, secret)), NotFound)
    assert isinstance(await error_of(session_move(world.ctx, ben, commands.SessionMove())), SignedOut)


def _disable(user: int) -> Steps[None]:
    yield one("UPDATE users SET state = 'disabled' WHERE id = ?", user)


@in_world
async def test_a_bearer_token_makes_no_sign_in_that_would_outlive_it(world: World) -> None:
    ada = await world.set_up()
    made = await token_create(world.ctx, ada, commands.TokenCreate(label="Build bot", password=PASSWORD))
    bot = await authenticate(world.ctx, made["token"])
    assert bot is not None
    caller = Caller(user=bot.user, session=bot.session)
    assert isinstance(await error_of(session_move(world.ctx, caller, commands.SessionMove())), Forbidden)


@in_world
async def test_on_a_shared_computer_it_stays_one_of_a_shared_computer(world: World) -> None:
    await world.set_up()
    shared = commands.SessionCreate(name="ada", password=PASSWORD, shared=True)
    ada = await world.who(await session_create(world.ctx, HOME, shared))
    assert (await arrive(world, await move(world, ada))).shared


@in_world
async def test_it_ends_what_the_browser_was_signed_in_as_there(world: World) -> None:
    ada = await world.set_up()
    there = await world.register("ben")
    await session_take(world.ctx, there, take(await move(world, ada)))
    assert await world.rows("SELECT count(*) FROM sessions WHERE user = ?", there.user) == [(0,)]


@in_world
async def test_what_is_kept_for_all_of_them_is_bounded(world: World) -> None:
    await world.set_up()
    ada, ben = await world.sign_in("ada"), await world.register("ben")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moves, "MOST_BYTES", 10)
        await move(world, ada, "x" * 8)
        await move(world, ada, "x" * 9)  # in the place of the first
        assert isinstance(await error_of(move(world, ben, "xx")), Busy)
        world.clock.forward(seconds=121)
        await move(world, ben, "xx")


# -- tickets -------------------------------------------------------------------------------------------------


async def ticket_of(world: World, who: Caller) -> str:
    """The ticket that a page is given."""
    ticket: str = (await do(world, who, "hello"))["session"]["ticket"]
    return ticket


@in_world
async def test_a_ticket_takes_a_sign_in_along_after_a_restart_and_once(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    ticket = await ticket_of(world, ben)
    await world.restart()
    world.clock.forward(ms=3 * DAY - MINUTE)
    told = await link_check(world.ctx, HOME, commands.LinkCheck(secret=ticket))
    assert (told["kind"], told["name"], told["expires"]) == ("move", "ben", world.clock.now() + MINUTE)
    arrived = await arrive(world, ticket)
    assert arrived.reply["user"]["name"] == "ben"
    assert (f"user:{ben.user}", (ben.session,)) in world.ended
    assert isinstance(await error_of(session_take(world.ctx, HOME, take(ticket))), NotFound)


@in_world
async def test_a_ticket_ends_with_its_time_its_sign_in_and_its_account(world: World) -> None:
    ada = await world.set_up()
    late, out, shut = [await world.register(name) for name in ("late", "out", "shut")]
    tickets = [await ticket_of(world, who) for who in (late, out, shut)]
    await session_end(world.ctx, out, commands.SessionEnd())
    await do(world, ada, "user.disable", user=shut.user)
    for ticket in tickets[1:]:
        assert isinstance(await error_of(session_take(world.ctx, HOME, take(ticket))), NotFound)
    world.clock.forward(ms=3 * DAY)
    assert isinstance(await error_of(session_take(world.ctx, HOME, take(tickets[0]))), NotFound)


@in_world
async def test_who_knows_the_database_alone_can_make_no_ticket(world: World) -> None:
    ada = await world.set_up()
    assert (world.ctx.folder / SECRET_FILE).read_text() == world.ctx.secret.hex()
    knowing = replace(world.ctx, secret=bytes(len(world.ctx.secret)))
    forged = await world.ctx.store.read(tickets.issue(knowing, ada.session))
    assert forged
    assert isinstance(await error_of(_take(world, forged)), NotFound)
    assert (await arrive(world, await ticket_of(world, ada))).token


@in_world
async def test_a_ticket_is_taken_once_even_by_two_at_once(world: World) -> None:
    ada = await world.set_up()
    ticket = await ticket_of(world, ada)
    done, failed = await outcomes(*(_take(world, ticket) for _ in range(3)))
    assert len(done) == 1
    assert [type(error) for error in failed] == [NotFound, NotFound]
    assert await world.rows("SELECT count(*) FROM sessions") == [(1,)]


@in_world
async def test_on_a_shared_computer_a_ticket_ends_with_the_day_and_stays_one_of_it(world: World) -> None:
    await world.set_up()
    shared = commands.SessionCreate(name="ada", password=PASSWORD, shared=True)
    late, soon = [await world.who(await session_create(world.ctx, HOME, shared)) for _ in range(2)]
    tickets = [await ticket_of(world, who) for who in (late, soon)]
    assert (await arrive(world, tickets[1])).shared
    world.clock.forward(ms=DAY)
    assert isinstance(await error_of(_take(world, tickets[0])), NotFound)
    assert isinstance(
        await error_of(link_check(world.ctx, HOME, commands.LinkCheck(secret=tickets[0]))), NotFound
    )


@in_world
async def test_no_ticket_stands_in_for_the_yes_that_a_phone_waits_for(world: World) -> None:
    ada = await world.set_up()
    ticket = await ticket_of(world, ada)
    code = (await do(world, ada, "session.move", phone=True))["secret"]
    waiting = await session_take(world.ctx, HOME, take(code))
    assert isinstance(waiting, dict)
    for claimed in (ticket, None):
        asked = commands.SessionTake(secret=code, claim=claimed)
        assert isinstance(await error_of(session_take(world.ctx, HOME, asked)), NotFound)
    await arrive(world, ticket)  # which ends the sign-in that offered the code
    asked = commands.SessionTake(secret=code, claim=waiting["claim"])
    assert await session_take(world.ctx, HOME, asked) == waiting
    await do(world, ada, "session.allow", allow=True)  # too late
    assert isinstance(await error_of(session_take(world.ctx, HOME, asked)), NotFound)
    assert await world.rows("SELECT count(*) FROM sessions") == [(1,)]


@in_world
async def test_nobody_makes_a_ticket_up_and_programs_get_none(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    real = await ticket_of(world, ben)
    _, session, until, proof = real.split("-")
    made_up = [
        f"ticket-{ada.session}-{until}-{proof}",
        f"ticket-{session}-{int(until) + 1}-{proof}",
        f"ticket-{session}-{until}-{'0' * 64}",
        f"ticket-{session}-{until}-",
        f"ticket-999-{until}-{proof}",
        f"{real} ",
    ]
    for ticket in made_up:
        assert isinstance(await error_of(session_take(world.ctx, HOME, take(ticket))), NotFound), ticket
    made = await token_create(world.ctx, ben, commands.TokenCreate(label="bot", password=PASSWORD))
    program = await authenticate(world.ctx, made["token"])
    assert program is not None
    hello = await do(world, Caller(user=program.user, session=program.session), "hello")
    assert "ticket" not in hello["session"]
