"""The program itself on PostgreSQL, with a foreign client."""

from __future__ import annotations

import asyncio
import itertools
import re
from pathlib import Path

import pytest

from tests.harness import postgres
from tests.harness.client import Client, Refused
from tests.harness.process import Server, serving
from tests.harness.running import on_a_loop

GENERAL = 1


@pytest.fixture
def database() -> str:
    return postgres.server().wiped()


@on_a_loop()
async def test_what_was_posted_is_found_after_a_restart_of_the_server_and_of_the_database(
    tmp_path: Path, database: str
) -> None:
    server = Server(tmp_path, {"storage.database": database})
    server.expected = ("the database cannot be written", "the database can be written again", "a read failed")
    async with serving(tmp_path, people=2, server=server) as (_, (ada, ben)):
        client, other = Client(server, ada), Client(server, ben)
        await client.connect()
        await other.connect()
        posted = await client.post(GENERAL, "Grüße aus dem Keller, 10.0.0.1")
        await other.barrier()
        await client.close()
        await other.close()
        assert await server.stop() == 0
        await server.start()
        await client.connect()
        await other.connect()
        history = await client.call("room.history", room=GENERAL)
        assert [message["seq"] for message in history["messages"]] == [posted["seq"]]
        for words in ("grüße", "GRUßE", '"10.0.0.1"', "kell"):
            found = await client.call("search", text=words)
            assert [hit["message"]["seq"] for hit in found["hits"]] == [posted["seq"]]

        postgres.server().stop()
        with pytest.raises(Refused) as refused:
            await client.post(GENERAL, "kept", nonce="nonce-kept-0000")
        assert refused.value.retry_in
        postgres.server().start()
        async with asyncio.timeout(30):
            while client.outbox:
                try:
                    await client._send_draft("nonce-kept-0000")
                except Refused as again:
                    await asyncio.sleep(again.retry_in or 60)
        await other.barrier()
        assert client.connected
        assert other.connected  # through all of it
        assert [message["text"] for message in other.mirror.rooms[GENERAL].messages.values()][-1] == "kept"
        settings = await client.call("settings.list")
        shown = [entry["value"] for entry in settings["settings"] if entry["name"] == "storage.database"]
        assert shown == [database.replace(postgres.QUOTED, "***")]
        await client.close()
        await other.close()
    assert postgres.QUOTED not in server.log + server.said
    assert not (server.data / "chatbox.sqlite3").exists()


@on_a_loop(240)
async def test_a_backup_is_made_while_people_write_and_is_restored_into_a_new_database(
    tmp_path: Path, database: str
) -> None:
    file = tmp_path / "backup.zip"
    server = Server(tmp_path, {"storage.database": database})
    async with serving(tmp_path, server=server) as (_, (ada,)):
        client = Client(server, ada)
        await client.connect()
        for number in range(30):
            await client.post(GENERAL, f"text {number}")

        async def write() -> None:
            for number in itertools.count():
                await client.post(GENERAL, f"later {number}")

        writing = asyncio.create_task(write())
        code, printed = await server.run("backup", str(file))
        assert not writing.done()
        writing.cancel()
        assert code == 0, printed
        code, printed = await server.run("restore", str(file))
        assert (code, "cannot take the place" in printed) == (1, True), printed
        assert [path for path in server.data.iterdir() if path.name.startswith("copy-")] == []
        await client.close()

    anew = Server(tmp_path / "new")
    new_database = await asyncio.to_thread(postgres.server().make)
    for words in (["restore", str(file)], ["check"], ["move", "--to", new_database]):
        code, printed = await anew.run(*words)
        assert code == 0, printed
    assert "1 person, 1 room" in printed
    messages = int(re.search(r"(\d+) messages", printed)[1])  # type: ignore[index]
    assert messages >= 30
