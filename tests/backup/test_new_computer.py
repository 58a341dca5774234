"""A backup that is restored in the browser of a computer where Chatbox was never set up."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from tests.harness.http import Http
from tests.harness.process import PASSWORD, Server, running, serving
from tests.harness.running import on_a_loop


async def backup_of_a_server(folder: Path) -> bytes:
    async with serving(folder) as (server, (ada,)):
        await server.command(ada, "message.post", room=1, nonce=secrets.token_hex(8), text="kept")
        code, printed = await server.run("backup", str(folder / "b.zip"))
        assert code == 0, printed
    return (folder / "b.zip").read_bytes()


@on_a_loop()
async def test_with_the_setup_code_a_backup_takes_the_place_of_the_setup(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    zipped = await backup_of_a_server(tmp_path / "old")
    server = Server(tmp_path / "new")
    async with running(server):
        http = Http(server.port)
        code = (server.data / "setup-code.txt").read_text().strip()
        for given in ("", "2222-2222"):
            answer = await http.ask("POST", "/restore?name=b.zip", zipped, {"Setup-Code": given})
            assert answer.status == 403, answer.body
        pid = server.pid
        answer = await http.ask("POST", "/restore?name=b.zip", zipped, {"Setup-Code": code})
        assert answer.status == 200, answer.body
        assert "checked and ready: 1 person, 1 room, 1 message, 0 files" in answer.json["summary"]
        await http.close()
        async with asyncio.timeout(30):
            while True:
                try:
                    http = Http(server.port)
                    info = (await http.command("server.info")).json
                    if not info.get("setup", True):  # it may answer that it is restarting
                        break
                except (OSError, asyncio.IncompleteReadError):
                    pass
                await asyncio.sleep(0.05)
        ada = await server.sign_in("ada")
        page = await server.command(ada, "room.history", room=1)
        assert [message["text"] for message in page.json["messages"]] == ["kept"]
        assert server.pid == pid
        assert not (server.data / "setup-code.txt").exists()
        assert len(list(server.data.glob("before-restore-*"))) == 1
        refused = await http.command("setup.complete", name="eve", password=PASSWORD, secret=code)
        assert refused.status == 409
        await http.close()
        assert "was put in place" in server.log
    await server.check()
