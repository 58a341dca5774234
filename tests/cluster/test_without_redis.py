"""Several servers on one PostgreSQL and no Redis: each finds in the database what the others did."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness import postgres
from tests.harness.client import Client
from tests.harness.process import Server, running
from tests.harness.running import on_a_loop


@on_a_loop(120)
async def test_servers_without_redis_find_what_the_others_did(tmp_path: Path) -> None:
    url = await asyncio.to_thread(postgres.server().make)
    settings = {"storage.database": url, "storage.uploads": str(tmp_path / "uploads")}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = Server(tmp_path / "one", settings), Server(tmp_path / "two", settings)
    async with running(one), running(two):
        ada = await one.set_up()
        ben = await one.register("ben")
        there = ben._replace(origin=two.url)
        client, other = Client(one, ada), Client(two, there)
        await client.connect()
        await other.connect()
        other.keep_events = True
        await client.post(1, "found in the database")
        async with asyncio.timeout(30):
            while not any(event["ev"] == "messages" for event in other.events):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await one.command(ada, "user.disable", user=ben.id)).status == 200
        async with asyncio.timeout(30):
            assert await other.closed() == 4001
        await client.close()
