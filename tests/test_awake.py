"""The computer is kept awake while people are connected, in the way of each system; never an error."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from chatbox import awake
from chatbox.awake import LINGER, Programs, Vigil, Windows, commands
from tests.harness.client import Client
from tests.harness.process import Server, serving
from tests.harness.running import on_a_loop


class Noting:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def hold(self) -> None:
        self.told.append("hold")

    def release(self) -> None:
        self.told.append("release")


def test_awake_from_the_first_connection_until_a_while_after_the_last() -> None:
    now, holder = [0.0], Noting()
    vigil = Vigil(holder, lambda: now[0])
    seen = []
    for at, connections in ((1, 0), (2, 1), (3, 5), (4, 0), (50, 1), (51, 0), (50 + LINGER - 1, 0)):
        now[0] = at
        vigil.look(connections)
        seen.append(vigil.awake)
    assert seen == [False, True, True, True, True, True, True]
    assert holder.told == ["hold"]
    now[0] = 50 + LINGER
    vigil.look(0)
    vigil.look(0)
    assert holder.told == ["hold", "release"]
    assert not vigil.awake
    vigil.look(1)
    assert holder.told == ["hold", "release", "hold"]


def test_each_system_has_its_way() -> None:
    assert commands("darwin", 42) == [["caffeinate", "-i", "-w", "42"]]
    idle, sleep = commands("linux", 42)
    assert idle[:2] == ["systemd-inhibit", "--what=idle"]
    assert sleep[:2] == ["systemd-inhibit", "--what=sleep"]
    assert idle[-1] == sleep[-1] == "cat"  # which ends with the pipe from here
    assert commands("freebsd14", 42) == []


def test_windows_is_asked_not_to_sleep_and_then_no_longer() -> None:
    states: list[int] = []

    def set_state(state: int) -> int:
        states.append(state)
        return 1

    windows = Windows(set_state)
    windows.hold()
    windows.release()
    assert states == [0x80000001, 0x80000000]


def test_windows_may_refuse(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        Windows(lambda state: 0).hold()
    assert "may fall asleep" in caplog.text


def test_a_program_runs_until_it_is_released() -> None:
    programs, others = Programs([["cat"], ["cat"]]), set(psutil.Process().children())
    programs.hold()
    children = set(psutil.Process().children()) - others
    assert len(children) == 2
    programs.release()
    assert not any(child.is_running() for child in children)
    programs.release()


def test_a_program_that_is_missing_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        programs = Programs([["no-such-program"]])
        programs.hold()
        programs.release()
    assert "may fall asleep" in caplog.text


def test_who_does_not_want_it_has_nothing_started() -> None:
    assert isinstance(awake.holder(False), awake.Nobody)


def _inhibit(folder: Path) -> Path:
    """A systemd-inhibit that notes its words, and whether it was still there."""
    file = folder / "bin" / "systemd-inhibit"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\necho "$*" >>"{folder}/inhibited"\nexec cat\n')
    file.chmod(0o755)
    return folder / "inhibited"


@on_a_loop()
async def test_a_connection_keeps_a_linux_computer_awake_and_the_end_lets_it_sleep(tmp_path: Path) -> None:
    noted = _inhibit(tmp_path)
    server = Server(tmp_path, {"server.keep_awake": "true"})
    server.environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    async with serving(tmp_path, server=server) as (_, (ada,)):
        assert not noted.exists()
        client = Client(server, ada)
        await client.connect()
        while not noted.exists():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
        children = psutil.Process(server.pid).children()
        await server.kill()  # they end however the server does
        await asyncio.to_thread(psutil.wait_procs, children, 20)
        assert not any(child.is_running() for child in children)
        await client.closed()
    assert "People are connected" in noted.read_text()
