"""`chatbox backup` as people type it: beside a running server, and before the first start."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.backup.support import manifest_of
from tests.harness.process import Server, serving
from tests.harness.running import on_a_loop


@on_a_loop()
async def test_a_backup_beside_a_running_server_holds_what_was_acknowledged(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, (ada,)):
        for text in ("one", "two"):
            answer = await server.command(ada, "message.post", room=1, nonce=secrets.token_hex(8), text=text)
            assert answer.status == 200
        target = tmp_path / "b.zip"
        code, printed = await server.run("backup", str(target))
        assert code == 0, printed
        assert "Checking the backup" in printed
        assert "1 person, 1 room, 2 messages, 0 files" in printed
        assert manifest_of(target)["counts"]["messages"] == 2
        code, printed = await server.run("backup", str(tmp_path / "nowhere" / "b.zip"))
        assert code == 1
        assert "There is no folder" in printed


@on_a_loop()
async def test_a_backup_before_the_first_start_is_one_of_an_empty_server(tmp_path: Path) -> None:
    server = Server(tmp_path)
    code, printed = await server.run("backup", str(tmp_path / "b.zip"))
    assert code == 0, printed
    assert manifest_of(tmp_path / "b.zip")["counts"] == {"people": 0, "rooms": 1, "messages": 0, "files": 0}
