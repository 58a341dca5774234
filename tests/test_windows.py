"""What is decided about the console of Windows, on any system."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from chatbox import windows
from chatbox.windows import CLOSE, ENDS_WITHIN, EXTENDED_FLAGS, LOGOFF, QUICK_EDIT, SHUTDOWN, Closing
from tests.harness.client import Client
from tests.harness.crowd import ABNORMAL, RESTARTING
from tests.harness.process import ROOT, Server, serving
from tests.harness.running import on_a_loop

CLIENTS = 30
TRIES = 5


@pytest.mark.parametrize("mode", [0, 0x01F7, QUICK_EDIT, QUICK_EDIT | EXTENDED_FLAGS, 0x03FF])
def test_a_click_selects_nothing_and_all_else_stays(mode: int) -> None:
    changed = windows.without_quick_edit(mode)
    assert not changed & QUICK_EDIT
    assert changed & EXTENDED_FLAGS
    assert changed | QUICK_EDIT | EXTENDED_FLAGS == mode | QUICK_EDIT | EXTENDED_FLAGS


@pytest.mark.parametrize(
    ("processes", "frozen", "own"),
    [(1, False, True), (2, False, False), (2, True, True), (3, True, False), (0, True, False)],
)
def test_only_a_window_of_its_own_is_kept_open(processes: int, frozen: bool, own: bool) -> None:
    assert windows.is_own_window(processes, frozen) == own


@pytest.mark.parametrize("event", [CLOSE, LOGOFF, SHUTDOWN])
def test_the_window_closes_once_the_server_has_ended(event: int) -> None:
    asked = threading.Event()
    closing = Closing(asked.set)
    answers: list[bool] = []
    handler = threading.Thread(target=lambda: answers.append(closing(event)))
    handler.start()
    assert asked.wait(20)
    closing.stopped()
    handler.join(20)
    assert answers == [True]


def test_a_server_that_does_not_end_does_not_hold_the_window() -> None:
    begin = time.monotonic()
    assert Closing(lambda: None)(CLOSE)
    assert time.monotonic() - begin >= ENDS_WITHIN


@pytest.mark.parametrize("event", [0, 1])
def test_ctrl_c_is_left_to_its_own_handler(event: int) -> None:
    assert not Closing(lambda: pytest.fail("it was stopped"))(event)


@on_a_loop()
async def test_a_closed_window_leaves_time_to_end_well(tmp_path: Path) -> None:
    """Several tries, because other programs may take the processor for that half second."""
    for number in range(TRIES):
        folder, said = tmp_path / str(number), tmp_path / f"{number}.txt"
        folder.mkdir()
        server = Server(folder)
        server.program = [sys.executable, str(ROOT / "tests/closed_window.py"), str(said)]
        async with serving(folder, server=server) as (_, (ada,)):
            clients = [Client(server, ada) for _ in range(CLIENTS)]
            for client in clients:
                await client.connect()
            await clients[0].post(1, "just in time")
            server.signal(signal.SIGUSR1)
            assert await server.ended() == 0
            assert {await client.closed() for client in clients} <= {RESTARTING, ABNORMAL}
            assert not list(server.data.glob("*-wal"))
            assert server.rows("SELECT text FROM messages") == [("just in time",)]
        if said.read_text() == "in time":
            return
    pytest.fail("it never ended within half a second")
