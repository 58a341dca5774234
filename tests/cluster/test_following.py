"""What admins change on one node takes effect on all; and a database that was put back."""

from __future__ import annotations

import asyncio
import logging

from chatbox.chat import following
from chatbox.chat.context import Caller
from chatbox.store import users
from chatbox.store.base import Batch, Steps, one
from tests.chat.support import PASSWORD
from tests.chat.talk import GENERAL, do, post
from tests.cluster.support import Node, Town, in_town


async def _change(node: Node, admin: Caller) -> None:
    """Change a setting, the name, and who may join."""
    await do(node, admin, "session.confirm", password=PASSWORD)
    await do(node, admin, "settings.update", values={"limits.messages_burst": "7", "limits.text_bytes": "99"})
    await do(node, admin, "server.update", name="Cellar", join="closed")


def _in_force(node: Node) -> tuple[int, int, str, str]:
    limits, server = node.ctx.settings.limits, node.ctx.server
    return limits.messages_burst, limits.text_bytes, server.name, server.join


@in_town
async def test_what_admins_change_is_in_force_everywhere_at_once(town: Town) -> None:
    ben = await town.two.come(town.ben)
    looks = town.two.sweep.done
    await _change(town.one, town.ada)
    await ben.until(lambda _: town.two.sweep.done > looks)
    await ben.until(lambda _: _in_force(town.two) == (7, 99, "Cellar", "closed"))
    assert _in_force(town.one) == _in_force(town.two)


@in_town
async def test_what_admins_changed_unheard_is_found_by_looking_and_told(town: Town) -> None:
    ben = await town.two.come(town.ben)
    town.ether.lost = True
    await _change(town.one, town.ada)
    before = _in_force(town.two)
    await town.two.look()
    assert (before[2], _in_force(town.two)) == ("Attic", (7, 99, "Cellar", "closed"))
    await town.settled()
    (told,) = ben.events("server")
    assert (told["server"]["name"], told["join"], told["limits"]["text_bytes"]) == ("Cellar", "closed", 99)
    await town.two.look()
    await town.settled()
    assert len(ben.events("server")) == 1


@in_town
async def test_what_a_node_began_to_delete_another_one_goes_on_with(town: Town) -> None:
    wake = town.two.ctx.erasing.wake
    wake.clear()
    await _put_back(town.one, "INSERT INTO meta (key, value) VALUES ('erase', ?)", "[2]")
    for _ in range(following._PATIENT_LOOKS - 1):
        await town.two.look()
    assert not wake.is_set()
    await town.two.look()
    assert wake.is_set()


@in_town
async def test_setup_done_on_one_node_is_done_on_all(town: Town) -> None:
    assert town.two.ctx.server.setup_open is False
    assert not (town.two.folder / "setup-code.txt").exists()


async def _put_back(node: Node, sql: str, *params: object) -> None:
    def change(batch: Batch) -> Steps[None]:
        yield one(sql, *params)

    await node.commit(change)


@in_town
async def test_a_database_behind_what_was_delivered_begins_a_new_history(town: Town) -> None:
    ben, eve = await town.two.come(town.ben), await town.one.come(town.eve)
    for number in range(3):
        await post(town.one, town.ada, text=str(number))
    await town.settled()
    old = town.one.ctx.server.epoch
    await _put_back(town.one, "DELETE FROM messages WHERE seq > 5")
    await _put_back(town.one, "UPDATE rooms SET head = head - 2 WHERE id = ?", GENERAL)
    with expected("The database is behind what it had stored"):
        await town.two.look()
    await town.one.look()
    assert ben.sink.closed == eve.sink.closed == [(1012, "restarting")]
    meta = await town.one.ctx.store.read(users.meta())
    assert town.one.ctx.server.epoch == town.two.ctx.server.epoch == meta["epoch"] != old
    for node, guest in ((town.two, ben), (town.one, eve)):
        assert guest.caller.connection is not None
        node.ctx.hub.detach(guest.caller.connection)
        await node.look()
    again = await town.two.come(town.ben)
    assert again.hello["epoch"] == meta["epoch"]
    await post(town.one, town.ada, text="anew")
    await town.settled()
    assert again.texts(GENERAL) == ["anew"]


@in_town
async def test_the_heads_of_a_history_that_ended_are_told_to_nobody_in_the_next(town: Town) -> None:
    await town.two.come(town.ben)  # whose connection, slow to be closed, keeps the room in use
    for number in range(3):
        await post(town.one, town.ada, text=str(number))
    await town.settled()
    await _put_back(town.one, "DELETE FROM messages WHERE seq > 5")
    await _put_back(town.one, "UPDATE rooms SET head = head - 2 WHERE id = ?", GENERAL)
    with expected("The database is behind what it had stored"):
        await town.two.look()
    again = await town.two.come(town.ben)
    head = next(room["head"] for room in again.hello["rooms"] if room["id"] == GENERAL)
    assert (await again.do("ping"))["heads"][str(GENERAL)] == head


@in_town
async def test_of_ones_own_as_well(town: Town) -> None:
    ben = await town.two.come(town.ben)
    await do(town.one, town.ben, "room.create", name="ops", kind="private")
    await town.settled()
    await _put_back(town.one, "UPDATE users SET mine = mine - 1 WHERE id = ?", ben.user)
    with expected("The database is behind what it had stored"):
        await town.two.look()
    assert ben.sink.closed == [(1012, "restarting")]


@in_town
async def test_a_number_that_was_delivered_while_it_looked_is_no_lost_history(town: Town) -> None:
    ben = await town.two.come(town.ben)
    looking = asyncio.create_task(town.two.look())
    for number in range(20):
        await post(town.two, town.ada, text=str(number))
    await looking
    await town.two.look()
    assert ben.sink.closed == []


class expected:
    """The log is told this once as an error."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[str] = []

    def __enter__(self) -> None:
        self._handler = logging.Handler(logging.ERROR)
        self._handler.emit = lambda record: self._found.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("chatbox").addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("chatbox").removeHandler(self._handler)
        assert [text[: len(self._text)] for text in self._found] == [self._text]
