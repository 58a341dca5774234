"""A PostgreSQL that says nothing more, and refuses nobody: all wait for it where they are."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from tests.harness import postgres
from tests.harness.client import Client, Refused
from tests.harness.cluster import Node, clustered
from tests.harness.http import Http
from tests.harness.running import chance, on_a_loop

GENERAL = 1
IN_TIME = 2.0  # seconds that the balancer waits for an answer
CHECKS = 8  # each as long as the node waits for the database: more than the balancer makes to give a node up
BACK = 60.0


@on_a_loop(180)
async def test_while_no_node_hears_of_the_database_all_stay_in_service_and_connections_stand(
    tmp_path: Path,
) -> None:
    database = await asyncio.to_thread(postgres.own)
    try:
        async with clustered(tmp_path, chance(), nodes=2, database=database) as cluster:
            for node in cluster.nodes:
                node.expected = ("chatbox.store: ",)
            client = Client(cluster.balancer, await cluster.set_up())
            await client.connect()
            database.freeze()
            try:
                await asyncio.gather(*(_checked(node) for node in cluster.nodes))
                assert await cluster.balancer.nodes_up() == 2
                assert client.connected
            finally:
                database.freeze(False)
            await _posted(client)
            await client.close()
    finally:
        await asyncio.to_thread(database.remove)


async def _checked(node: Node) -> None:
    """It says again and again, and in time, that it can serve."""
    http = Http(node.port)
    try:
        for _ in range(CHECKS):
            async with asyncio.timeout(IN_TIME):
                answer = await http.ask("GET", "/readyz")
            assert (answer.status, answer.json) == (200, {"status": "ok"})
    finally:
        await http.close()


async def _posted(client: Client) -> None:
    """What is sent on the connection that stood all the time is stored once the database answers again."""
    with suppress(Refused):
        await client.post(GENERAL, "after")
    async with asyncio.timeout(BACK):
        while client.outbox:
            await client.resend()
    await client.settle()
    assert [message["text"] for message in client.mirror.rooms[GENERAL].messages.values()] == ["after"]
