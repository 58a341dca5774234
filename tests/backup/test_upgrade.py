"""Another release on the same data: what browsers see meanwhile, kill -9, a failure, and the way back."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.http import Answer, Http
from tests.harness.process import Person, Server, program, running
from tests.harness.running import chance, on_a_loop

LATER = [sys.executable, str(Path(__file__).with_name("upgraded.py"))]
PAGE = {"Accept": "text/html,application/xhtml+xml"}

pytestmark = pytest.mark.skipif(program()[0] != sys.executable, reason="a later release is made from source")


async def used(folder: Path) -> tuple[Server, Person]:
    """A server that is set up and has a message in it, stopped."""
    server = Server(folder)
    await server.start()
    ada = await server.set_up()
    await server.command(ada, "message.post", room=1, nonce=secrets.token_hex(8), text="kept")
    assert await server.stop() == 0
    return server, ada


async def ask(server: Server, path: str, headers: dict[str, str] | None = None) -> Answer | None:
    http = Http(server.port)
    try:
        return await http.ask("GET", path, headers=headers)
    except (OSError, EOFError):
        return None
    finally:
        await http.close()


async def first_answer(server: Server, path: str, headers: dict[str, str] | None = None) -> Answer:
    """What whoever asks is answered first after a start."""
    async with asyncio.timeout(60):
        while (answer := await ask(server, path, headers)) is None:  # noqa: ASYNC110 - a foreign process
            await asyncio.sleep(0.01)
    return answer


def columns(server: Server) -> set[str]:
    with closing(sqlite3.connect(server.data / "chatbox.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (version,) = database.execute("PRAGMA user_version").fetchone()
        found = {row[1] for row in database.execute("PRAGMA table_info(rooms)")}
        assert (version, "colour" in found) in {(1, False), (2, True)}
    return found


@on_a_loop()
async def test_browsers_see_a_page_that_waits_and_then_the_chat(tmp_path: Path) -> None:
    server, ada = await used(tmp_path)
    server.program = [*LATER, "slow"]
    starting = asyncio.create_task(server.start())
    page = await first_answer(server, "/", PAGE)
    assert page.status == 503
    assert b"Chatbox is being upgraded" in page.body
    assert b'http-equiv="refresh"' in page.body
    assert page.headers["retry-after"] == "3"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    api = await first_answer(server, "/api/ping")
    assert api.status == 503
    assert json.loads(api.body)["error"]["code"] == "restarting"
    await starting
    try:
        assert (await first_answer(server, "/", PAGE)).status == 200
        history = await server.command(ada, "room.history", room=1)
        assert [message["text"] for message in history.json["messages"]] == ["kept"]
    finally:
        assert await server.stop() == 0
    assert "colour" in columns(server)

    server.program = program()
    older = await server.launch()
    assert await older.wait() == 5
    assert "written by a newer Chatbox" in server.log
    copy = server.data / "chatbox.sqlite3.before-format-2"
    copy.replace(server.data / "chatbox.sqlite3")
    async with running(server):
        assert (await server.command(ada, "ping")).status == 200


@on_a_loop()
async def test_killed_at_any_time_it_is_the_old_or_the_new(tmp_path: Path) -> None:
    random = chance()
    server, ada = await used(tmp_path)
    server.program = [*LATER, "slow"]
    for _ in range(3):
        process = await server.launch()
        await first_answer(server, "/")
        await asyncio.sleep(random.random() * 0.5)
        process.kill()
        await process.wait()
        columns(server)
    async with running(server):
        assert (await server.command(ada, "ping")).status == 200
    assert "colour" in columns(server)


@on_a_loop()
async def test_an_upgrade_that_fails_says_how_to_go_on_and_the_old_version_does(tmp_path: Path) -> None:
    server, ada = await used(tmp_path)
    server.program = [*LATER, "failing"]
    process = await server.launch()
    assert await process.wait() == 5
    assert "Go on with the version of Chatbox that you used before" in server.log
    assert "colour" not in columns(server)
    server.program = program()
    async with running(server):
        history = await server.command(ada, "room.history", room=1)
        assert [message["text"] for message in history.json["messages"]] == ["kept"]
