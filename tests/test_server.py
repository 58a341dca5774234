"""The roof: what a start does for the person at the console, and what is watched all the time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from pathlib import Path
from typing import cast

import pytest

from chatbox.chat.context import Context
from chatbox.server import _watch_stalls
from tests.harness.http import Http
from tests.harness.process import Server
from tests.harness.running import on_a_loop

PASSWORD = "a-new-lantern-for-ada"


@on_a_loop()
async def test_a_lost_admin_is_recovered_by_one_start(tmp_path: Path) -> None:
    server = Server(tmp_path)
    await server.start()
    ada = await server.set_up()
    await server.stop()
    ini = server.data / "chatbox.ini"
    commented = ini.read_text().replace("#recover_admin =", f"#recover_admin = {ada.name}")
    ini.write_text(commented.replace("#recover_admin", "recover_admin"))
    for _ in range(2):  # the second start finds nothing to do
        await server.start()
        await server.stop()
        assert ini.read_text() == commented
    (secret,) = re.findall(r"/#password=(\S+)", server.said)
    assert "tokens have ended" in server.said

    await server.start()
    http = Http(server.port)
    spent = [await http.command("password.reset", secret=secret, password=PASSWORD) for _ in range(2)]
    assert [answer.status for answer in spent] == [200, 404]
    assert (await http.command("session.create", name=ada.name, password=PASSWORD)).status == 200
    await http.close()
    assert await server.stop() == 0
    server.assert_quiet()


def test_a_turn_of_the_loop_that_takes_long_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        watching = asyncio.create_task(_watch_stalls(cast(Context, None)))
        await asyncio.sleep(0)
        time.sleep(0.2)  # asleep it takes no time of its own
        await asyncio.sleep(0.05)
        assert not caplog.messages
        end = time.thread_time() + 0.2
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0.05)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    with caplog.at_level(logging.INFO, "chatbox.server"):
        asyncio.run(live())
    (line,) = caplog.messages
    assert re.fullmatch(r"the event loop was kept busy for \d{3} ms on end", line)
