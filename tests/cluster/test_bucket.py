"""Nodes whose uploads are in a bucket: what one takes in another one hands out, whatever the storage does."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.harness.cluster import clustered
from tests.harness.http import Answer, Http
from tests.harness.process import Person, Server
from tests.harness.running import chance, on_a_loop
from tests.harness.s3 import BUCKET, SECRET, storage_in

CONTENT = random.Random(3).randbytes(1_500_000)
AWAY = ("The bucket", "the bucket", "the file")


async def send(node: Server, person: Person, content: bytes = CONTENT) -> Answer:
    """Upload a file, and where it was taken post it in the room of everybody."""
    http = Http(node.port, person.headers | {"Origin": node.url})
    answer = await http.ask("POST", "/files?name=a.bin", content)
    if answer.status == 200:
        nonce, files = secrets.token_hex(8), [answer.json["id"]]
        posted = await http.command("message.post", room=1, nonce=nonce, text="", files=files)
        assert posted.status == 200, posted.body
    await http.close()
    return answer


async def fetch(node: Server, person: Person, file: Any, **headers: str) -> Answer:
    http = Http(node.port, person.headers)
    answer = await http.ask("GET", f"/files/{file['id']}/a.bin", headers=headers)
    await http.close()
    return answer


async def served(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The first answer that is not that the storage is away."""
    async with asyncio.timeout(30):
        while (answer := await ask()).status == 503:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)
    return answer


@on_a_loop(180)
async def test_what_one_node_takes_in_another_one_hands_out(tmp_path: Path) -> None:
    with storage_in(tmp_path) as storage:
        async with clustered(tmp_path, chance(), nodes=2, settings=storage.words()) as cluster:
            one, two = cluster.nodes
            ada = await cluster.set_up()
            file = (await send(one, ada)).json
            assert (await fetch(two, ada, file)).body == CONTENT
            part = await fetch(two, ada, file, Range="bytes=1048570-1048600")
            assert (part.status, part.body) == (206, CONTENT[1048570:1048601])

            for node in (one, two):
                node.expected = AWAY
            storage.stop()
            answers = [await send(one, ada, b"later"), await fetch(two, ada, file)]
            for answer in answers:
                assert (answer.status, answer.json["error"]["code"]) == (503, "unavailable")
                assert answer.json["error"]["retry_in"] > 0
            posted = await one.command(
                ada._replace(origin=one.url), "message.post", room=1, nonce="0123456789", text="on"
            )
            assert posted.status == 200
            storage.start()
            later = (await served(lambda: send(one, ada, b"later"))).json
            assert (await served(lambda: fetch(two, ada, later))).body == b"later"

            assert SECRET not in one.log + two.log
            elsewhere = Server(
                tmp_path / "three", one._settings | {"storage.uploads": f"s3://{BUCKET}/other"}
            )
            (tmp_path / "three").mkdir()
            process = await elsewhere.launch()
            assert await process.wait() == 4
            assert "The uploads of this chat are not in the bucket chat-files/other" in elsewhere.log
