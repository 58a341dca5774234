"""Removing somebody for good: what stays, what goes, and who has the name afterwards."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from chatbox import operations
from chatbox.chat.context import Caller
from chatbox.chat.removing import AT_ONCE, erase, keep_erasing
from chatbox.chat.signin import authenticate, session_create
from chatbox.errors import SignedOut, StorageFull
from chatbox.protocol import commands
from chatbox.store import files, integrity
from tests.chat.support import HOME, PASSWORD, World, error_of, in_world
from tests.chat.talk import Published, do, make_room, post, refused

GENERAL = 1


async def texts(world: World, caller: Caller, room: int = GENERAL) -> list[str]:
    """What stands in a room; a deleted message is empty."""
    found = await do(world, caller, "room.history", room=room)
    return [message["text"] for message in found["messages"]]


async def hits(world: World, caller: Caller, text: str) -> int:
    return len((await do(world, caller, "search", text=text))["hits"])


async def write(world: World, caller: Caller, number: int, room: int = GENERAL) -> None:
    for n in range(number):
        await post(world, caller, room, f"confidential {n}")


@in_world
async def test_a_former_member_has_no_name_and_no_way_in_but_the_messages_stay(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await do(world, ben, "user.update", full_name="Ben Okafor", status="at lunch")
    token = (await do(world, ben, "token.create", label="bot", password=PASSWORD))["token"]
    link = (await do(world, ada, "user.reset_link", user=ben.user))["secret"]
    ben = await world.who(await _back(world, link))
    ops = await make_room(world, ben, "ops", ada)
    await post(world, ben, ops, "hello from ben")
    reply = await do(world, ada, "user.delete", user=ben.user)
    person = {"id": ben.user, "name": f"former-{ben.user}", "full_name": f"Former member {ben.user}"}
    assert reply["person"].items() >= (person | {"state": "deleted", "sessions": 0}).items()
    assert "seen" not in reply["person"]
    assert world.ctx.directory.persons[ben.user] == person | {"gone": True}
    assert (f"user:{ben.user}", (-1,)) in world.ended
    assert await authenticate(world.ctx, token) is None
    assert isinstance(await error_of(do(world, ben, "ping")), SignedOut)
    assert await refused(world, HOME, "session.create", name="ben", password=PASSWORD) == "forbidden password"
    stored = str(await world.rows("SELECT * FROM users WHERE id = ?", ben.user))
    assert "ben" not in stored.lower()
    assert "lunch" not in stored
    assert await texts(world, ada, ops) == ["hello from ben"]
    assert await hits(world, ada, "hello") == 1
    assert await world.rows("SELECT role FROM memberships WHERE room = ? AND left_at IS NULL", ops) == [
        ("owner",)
    ]


async def _back(world: World, secret: str) -> Any:
    await do(world, HOME, "password.reset", secret=secret, password=PASSWORD)
    return await session_create(world.ctx, HOME, commands.SessionCreate(name="ben", password=PASSWORD))


@in_world
async def test_with_the_messages_their_texts_and_files_are_gone_everywhere(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    private = await make_room(world, ben, "ops", ada, kind="private")
    for room in (GENERAL, private):
        await write(world, ben, AT_ONCE + 7, room)
    await post(world, ada, GENERAL, "confidential as well, but mine")
    published = Published(world)
    await do(world, ada, "user.delete", user=ben.user, messages=True)
    assert await erase(world.ctx) == 2 * (AT_ONCE + 7)
    assert await texts(world, ada, private) == [""] * 50
    assert await hits(world, ada, "confidential") == 1
    assert await world.rows("SELECT count(*) FROM messages WHERE user = ? AND text <> ''", ben.user) == [(0,)]
    indexed = "SELECT count(*) FROM messages_text WHERE messages_text MATCH 'confidential'"
    assert await world.rows(indexed) == [(1,)]
    told = [event for topic, event in published.take() if event["ev"] == "messages"]
    deleted = {(m["room"], m["seq"]) for event in told for m in event["messages"] if m.get("deleted")}
    assert len(deleted) == 2 * (AT_ONCE + 7)
    assert await world.ctx.store.read(integrity.check()) == []
    assert await erase(world.ctx) == 0


@in_world
async def test_others_are_served_while_a_lot_is_deleted(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await write(world, ben, 4 * AT_ONCE)
    await do(world, ada, "user.delete", user=ben.user, messages=True)
    erasing = asyncio.create_task(erase(world.ctx))
    await asyncio.sleep(0)
    seqs = [await post(world, ada, GENERAL, f"meanwhile {n}") for n in range(3)]
    left = await world.rows("SELECT count(*) FROM messages WHERE user = ? AND deleted_at IS NULL", ben.user)
    assert left[0][0] > 0, "all was deleted before anybody else had a turn"
    assert await erasing == 4 * AT_ONCE
    assert seqs == sorted(seqs)


@in_world
async def test_a_restart_goes_on_with_what_was_begun(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await write(world, ben, 2 * AT_ONCE)
    await do(world, ada, "user.delete", user=ben.user, messages=True)
    assert await world.rows("SELECT count(*) FROM messages WHERE deleted_at IS NOT NULL") == [(0,)]
    await world.restart()
    working = asyncio.create_task(keep_erasing(world.ctx))
    left = 1
    while left:
        await asyncio.sleep(0.005)
        ((left,),) = await world.rows(
            "SELECT count(*) FROM messages WHERE user = ? AND deleted_at IS NULL", ben.user
        )
    working.cancel()


@in_world
async def test_a_stop_amid_it_is_no_trouble(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await write(world, ben, 3 * AT_ONCE)
    await do(world, ada, "user.delete", user=ben.user, messages=True)
    heard = Heard()
    logging.getLogger("chatbox").addHandler(heard)
    working = asyncio.create_task(keep_erasing(world.ctx))
    begun: list[Any] = []
    while not begun:
        await asyncio.sleep(0.001)
        begun = await world.rows("SELECT 1 FROM messages WHERE deleted_at IS NOT NULL LIMIT 1")
    world.ctx.server.stopping = True
    await world.ctx.committer.close()
    await working
    logging.getLogger("chatbox").removeHandler(heard)
    assert heard.errors == []


class Heard(logging.Handler):
    """Keeps what went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())


@in_world
async def test_where_the_disk_is_full_it_is_tried_again(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    await write(world, ben, 3)
    await do(world, ada, "user.delete", user=ben.user, messages=True)
    submit = world.ctx.committer.submit

    def full(change: Any) -> Any:
        raise StorageFull

    world.ctx.committer.submit = full  # type: ignore[method-assign]
    assert isinstance(await error_of(erase(world.ctx)), StorageFull)
    world.ctx.committer.submit = submit  # type: ignore[method-assign]
    assert await erase(world.ctx) == 3


@in_world
async def test_the_name_is_free_for_nobody_until_an_admin_gives_it_away(world: World) -> None:
    ada = await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    await do(world, ada, "user.delete", user=ben.user)
    for spelling in ("ben", "BEN", "ｂｅｎ"):
        assert (
            await refused(world, HOME, "user.register", name=spelling, password=PASSWORD) == "conflict name"
        )
    assert await refused(world, cleo, "user.update", name="ben") == "conflict name"
    plain = (await do(world, ada, "invite.create"))["secret"]
    assert (
        await refused(world, HOME, "user.register", name="ben", password=PASSWORD, invite=plain)
        == "conflict name"
    )
    made = await do(world, ada, "invite.create", name=" Ben ", uses=2)
    assert made["invite"]["former"] == ben.user
    seen = await do(world, HOME, "link.check", secret=made["secret"])
    assert (seen["kind"], "name" in seen) == ("invite", False)
    again = await do(world, HOME, "user.register", name="ben", password=PASSWORD, invite=made["secret"])
    assert again  # and the name is an ordinary one now
    taken = await refused(world, HOME, "user.register", name="ben", password=PASSWORD, invite=made["secret"])
    assert taken == "conflict name"
    second = await world.sign_in("ben")
    assert second.user != ben.user
    await do(world, ada, "user.delete", user=second.user)
    assert await refused(world, HOME, "user.register", name="ben", password=PASSWORD) == "conflict name"


@in_world
async def test_an_invitation_by_name_is_for_names_of_former_members(world: World) -> None:
    ada = await world.set_up()
    await world.register("ben")
    assert await refused(world, ada, "invite.create", name="ben") == "conflict name"
    assert await refused(world, ada, "invite.create", name="nobody") == "not_found name"
    assert await refused(world, ada, "invite.create", name="no name!") == "bad_request name"


@in_world
async def test_direct_rooms_are_closed_where_nobody_is_left_to_talk_to(world: World) -> None:
    ada = await world.set_up()
    ben, cleo = await world.register("ben"), await world.register("cleo")
    pair = (await do(world, ada, "direct.open", users=[ben.user]))["room"]["id"]
    three = (await do(world, ada, "direct.open", users=[ben.user, cleo.user]))["room"]["id"]
    await post(world, ben, pair, "between us")
    await do(world, ada, "user.delete", user=ben.user)
    assert await texts(world, ada, pair) == ["between us"]
    assert (
        await refused(world, ada, "message.post", room=pair, text="x", nonce="refused-nonce-1") == "conflict"
    )
    await post(world, ada, three, "the two of us go on")
    assert await refused(world, cleo, "direct.open", users=[ben.user]) == "not_found users"
    await do(world, ada, "user.delete", user=cleo.user)
    assert (
        await refused(world, ada, "message.post", room=three, text="x", nonce="refused-nonce-2") == "conflict"
    )
    assert ben.user in (await do(world, ada, "direct.open", users=[ben.user]))["room"]["users"]


@in_world
async def test_the_last_admin_stays_and_nobody_is_removed_twice(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    assert await refused(world, ada, "user.delete", user=ada.user) == "conflict"
    assert await refused(world, ada, "account.delete", password=PASSWORD) == "conflict"
    await do(world, ada, "user.delete", user=ben.user)
    for command in ("user.delete", "user.enable"):
        assert await refused(world, ada, command, user=ben.user) == "not_found"
    assert await refused(world, ada, "user.role", user=ben.user, role="admin") == "not_found"


@in_world
async def test_people_remove_themselves_with_their_password(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    phone = await world.sign_in("ben")
    await post(world, ben, GENERAL, "goodbye")
    wrong = await refused(world, ben, "account.delete", password="not the password")
    assert wrong == "forbidden password"
    assert await do(world, ben, "account.delete", password=PASSWORD, messages=True) == {"reply": {}}
    assert await erase(world.ctx) == 1
    for caller in (ben, phone):
        assert isinstance(await error_of(do(world, caller, "room.list")), SignedOut)
    assert await world.rows("SELECT id FROM sessions WHERE user = ?", ben.user) == []


@in_world
async def test_what_was_uploaded_and_not_posted_goes_with_them(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    for user, name in ((ada, "a"), (ben, "b")):
        await world.commit(_uploaded(user, name))
    await do(world, ada, "user.delete", user=ben.user)
    assert await world.rows("SELECT id FROM files") == [("a" * 22,)]


def _uploaded(user: Caller, name: str) -> Any:
    file = files.File(name * 22, name * 64, "a.bin", 1, "application/octet-stream")
    return lambda batch: files.add(batch, file, user.user, user.session)


@in_world
async def test_the_command_line_removes_too(world: World) -> None:
    await world.set_up()
    ben = await world.register("ben")
    await write(world, ben, 3)
    cleo = await world.register("cleo")
    await write(world, cleo, 2)
    assert await operations.user_remove(world.ctx, {"name": "Ben", "messages": True}) == {"deleted": 3}
    assert await operations.user_remove(world.ctx, {"name": "cleo", "messages": False}) == {"deleted": 0}
    assert (await error_of(operations.user_remove(world.ctx, {"name": "ben"}))).code == "not_found"
    assert (await error_of(operations.user_remove(world.ctx, {"name": "ada"}))).code == "conflict"
    assert await world.rows("SELECT count(*) FROM messages WHERE deleted_at IS NULL") == [(2,)]
    added = await operations.user_add(world.ctx, {"name": "ben", "password": PASSWORD})
    assert added["person"]["name"] == "ben"  # at the console any name can be given away
