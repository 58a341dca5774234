"""Durable before visible, shown by the system calls of a real run; and that breaking it would be noticed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.faults import durability, trace
from tests.faults.broken import FAULTS
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.http import Http
from tests.harness.needs import need, works
from tests.harness.node import NodeClient
from tests.harness.process import ROOT, Person, Server, program, serving
from tests.harness.running import amount, chance, on_a_loop

PEOPLE = 5  # the last of them with the web client


class Talk:
    """Everybody posts, edits and sends files; every text is a token. `answers`: (room, rev) -> token."""

    def __init__(self, server: Server, people: list[Person], random: Random) -> None:
        self.answers: dict[tuple[int, int], bytes] = {}
        self.posts = self.edits = self.files = 0
        self._server = server
        self._clients = [Client(server, person) for person in people[:-1]]
        self._web = NodeClient(server, people[-1])
        self._random = random

    async def run(self, posts: int, *, broken: bool) -> None:
        """`broken`: the server may have told what it cannot be asked about yet."""
        await asyncio.gather(*(client.connect() for client in self._clients), self._web.start())
        share = -(-posts // PEOPLE)
        await asyncio.gather(*(self._talk(client, share) for client in self._clients), self._post_web(share))
        ends = [client.call("ping") if broken else client.barrier() for client in self._clients]
        await asyncio.gather(*ends, self._web.ask("sync"))
        mine = "SELECT room, seq, text FROM messages WHERE user = ?"
        rows: list[Any] = []
        while len(rows) < share:  # a server that is broken on purpose commits late
            await asyncio.sleep(0.01)
            rows = self._server.rows(mine, self._web.person.id)
        for room, seq, text in rows:
            self.answers[room, seq] = text.encode()
        await asyncio.gather(*(client.close() for client in self._clients), self._web.stop())

    async def _talk(self, client: Client, posts: int) -> None:
        while posts > 0:
            burst = self._random.randint(1, 8)
            posts -= burst
            await asyncio.gather(*(self._post(client) for _ in range(burst)))
            if self._random.random() < 0.3:
                await self._edit(client)
            if not self.files or self._random.random() < 0.2:
                await self._send_file(client)

    def _token(self) -> str:
        return f"tok-{self._random.randrange(16**12):012x}"

    async def _post(self, client: Client, *files: str) -> None:
        token = self._token()
        reply = await client.post(1, token, files=files)
        self.answers[1, reply["rev"]] = token.encode()
        self.posts += 1

    async def _edit(self, client: Client) -> None:
        token, seq = self._token(), self._random.choice(list(client.answers.values()))["seq"]
        reply = await client.call("message.edit", room=1, seq=seq, text=token)
        self.answers[1, reply["rev"]] = token.encode()
        self.edits += 1

    async def _send_file(self, client: Client) -> None:
        token = self._token()
        content = token.encode() + self._random.randbytes(self._random.randrange(600_000))
        http = Http(self._server.port, client.person.headers)
        answer = await http.ask("POST", f"/files?name={token}", content)
        await http.close()
        assert answer.status == 200, answer.body
        self.files += 1
        await self._post(client, answer.json["id"])

    async def _post_web(self, posts: int) -> None:
        for _ in range(posts):
            await self._web.ask("post", room=1, text=self._token())
            self.posts += 1


async def _traced(
    folder: Path, words: list[str], posts: int, *, broken: bool = False
) -> tuple[Talk, durability.Findings]:
    """Run a server under strace while everybody talks; gives what was said, and what the trace shows."""
    need(works("strace", "--seccomp-bpf", "-f", "-e", "trace=none", "true"), "strace(1), and leave to use it")
    server, output = Server(folder), folder / "trace"
    server.program = [*trace.command(output), *words]
    server.environment["PYTHONPATH"] = str(ROOT)
    async with serving(folder, people=PEOPLE, server=server) as (server, people):
        talk = Talk(server, people, chance())
        await talk.run(posts, broken=broken)
    return talk, durability.check(trace.read(output), talk.answers)


@on_a_loop(1800)
async def test_everything_is_on_the_disk_before_anybody_sees_it(tmp_path: Path) -> None:
    talk, found = await _traced(tmp_path, program(), amount("TRACED", 300))
    assert not found.early, "\n".join(found.early[:20])
    assert found.acknowledged == talk.posts + talk.edits + talk.files, "the trace is not whole"
    assert found.delivered >= (talk.posts + talk.edits) * PEOPLE, "the trace is not whole"
    record("acknowledged after fdatasync", found.acknowledged)
    record("delivered after fdatasync", found.delivered)


@pytest.mark.parametrize("fault", FAULTS)
@on_a_loop(300)
async def test_a_server_that_does_not_wait_for_the_disk_is_caught(tmp_path: Path, fault: str) -> None:
    talk, found = await _traced(
        tmp_path, [sys.executable, "-m", "tests.faults.broken", fault], 60, broken=True
    )
    shown = talk.files if fault == "careless-files" else (found.acknowledged + found.delivered) / 2
    assert len(found.early) > shown
