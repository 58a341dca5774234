"""Nodes are upgraded one by one while people write: nothing is refused for good, nothing is lost."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.harness.assembly import assembled
from tests.harness.cluster import clustered
from tests.harness.process import program
from tests.harness.running import chance, on_a_loop

NEWER = [sys.executable, str(Path(__file__).with_name("newer.py"))]
CLIENTS = 20
PEOPLE = 6


@on_a_loop(240)
async def test_nodes_are_upgraded_one_by_one_under_traffic(tmp_path: Path) -> None:
    random = chance()
    async with clustered(tmp_path, random, nodes=2, sticky=False) as cluster:
        people = [await cluster.set_up()]
        for number in range(1, PEOPLE):
            people.append(await cluster.register(f"person{number}"))
        async with assembled(cluster.balancer, people, CLIENTS, 0.05, 2, random) as assembly:
            assembly.talk()
            for upgraded, node in enumerate(cluster.nodes, 1):
                await assembly.posts(10 * upgraded)
                assert await node.stop() == 0
                node.program = NEWER
                await node.start()
                await cluster.balancer.up(2)
                assert cluster.rows("SELECT version FROM format") == [(2,)]
            await assembly.posts(40)
            await assembly.fall_silent()
            await assembly.hurry_back(cluster)
            await assembly.check(cluster)
            assert not [writer.name for writer in assembly.writers if writer.client.outbox]
        first = cluster.nodes[0]
        assert await first.stop() == 0
        first.program = program()  # the release before, which these tables still serve
        await first.start()
        await cluster.balancer.up(2)
