"""`chatbox cluster status` shows every node, and what is away."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.harness.cluster import clustered
from tests.harness.process import serving
from tests.harness.running import chance, on_a_loop


@on_a_loop(180)
async def test_every_node_is_shown_by_any_of_them_and_what_is_away_is_told(tmp_path: Path) -> None:
    async with clustered(tmp_path, chance(), nodes=2) as cluster:
        for node in cluster.nodes:
            code, printed = await node.run("cluster", "status")
            assert code == 0, printed
            assert printed.count(" connections  up 0 h") == 2, printed
            assert "PostgreSQL and Redis answer." in printed
        first, second = cluster.nodes
        await second.stop()
        _, printed = await first.run("cluster", "status")
        assert printed.count(" connections  up ") == 1, printed
        first.expected = ("chatbox.bus: Redis is away", "Warning: Redis is away")
        await cluster.redis.stop()
        await first.told("Redis is away")
        code, printed = await first.run("cluster", "status")
        assert code == 1, printed
        assert "Redis does not answer" in printed


@on_a_loop()
async def test_a_server_of_its_own_is_no_cluster(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, _):
        code, printed = await server.run("cluster", "status")
        assert code == 1, printed
        assert "no node of a cluster" in printed


@on_a_loop(180)
async def test_a_node_is_shown_as_it_is_itself_whatever_address_all_of_them_share(tmp_path: Path) -> None:
    shared = {"server.address": "https://chat.example.org", "server.hosts": "chat.example.org"}
    async with clustered(tmp_path, chance(), nodes=2, settings=shared) as cluster:
        _, printed = await cluster.nodes[0].run("cluster", "status")
        assert "chat.example.org" not in printed, printed
        for node in cluster.nodes:
            assert f":{node.port}  version" in printed, printed
        assert printed.count(f"{socket.gethostname()}  ") == 2, printed
