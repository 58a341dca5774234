"""A standby takes the place of the database, and lacks what was stored last."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from chatbox.errors import Unavailable
from chatbox.store import users
from tests.chat.talk import GENERAL, post
from tests.cluster.support import PATIENCE, Node, Town, town_in
from tests.harness import postgres
from tests.harness.postgres import Postgres


async def _has_all(standby: Postgres, leader: Postgres) -> None:
    """Wait until the standby has what is stored by now."""
    ((stored,),) = await leader.ask("SELECT CAST(pg_current_wal_lsn() AS TEXT)")
    async with asyncio.timeout(PATIENCE):
        while not (await standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{stored}'"))[0][0]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _post(town: Town, text: str) -> int:
    """Send it until it is stored, as a client does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await post(town.one, town.ada, text=text)
            except Unavailable as error:
                await asyncio.sleep(error.retry_in or PATIENCE)


async def _epoch(node: Node) -> str:
    return str((await node.ctx.store.read(users.meta()))["epoch"])


def test_a_message_that_a_standby_lacks_is_noticed_though_the_next_has_its_number(tmp_path: Path) -> None:
    async def live(leader: Postgres, standby: Postgres, url: str) -> None:
        async with town_in(tmp_path, database=url) as town:
            ben, eve = await town.two.come(town.ben), await town.one.come(town.eve)
            await post(town.one, town.ada, text="kept")
            epoch = await _epoch(town.two)
            await _has_all(standby, leader)
            standby.stop()
            lost = await post(town.one, town.ada, text="lost")
            await town.settled()
            leader.kill()
            standby.take_over(leader)
            assert await _post(town, "anew") == lost
            await town.settled()
            assert ben.texts(GENERAL) == eve.texts(GENERAL) == ["kept", "lost"]
            for node in (town.one, town.two):
                await node.look()
            assert ben.sink.closed == eve.sink.closed == [(1012, "restarting")]
            assert town.one.ctx.server.epoch == town.two.ctx.server.epoch == await _epoch(town.two) != epoch
            await _post(town, "after")
            again = await town.two.come(town.ben)
            history = await again.do("room.history", room=GENERAL)
            assert [message["text"] for message in history["messages"]] == ["kept", "anew", "after"]

    with ExitStack() as stack:
        leader = postgres.own()
        stack.callback(leader.remove)
        url = leader.make()
        standby = leader.standby()
        stack.callback(standby.remove)
        asyncio.run(live(leader, standby, url))
