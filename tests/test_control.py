"""Commands that go through the process that holds the data folder."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from chatbox import control
from chatbox.control import ControlError, ControlServer, NobodyListens, call
from chatbox.errors import Conflict
from chatbox.folder_lock import CONTROL_FILE
from chatbox.progress import tell, told_to

Scenario = Callable[[ControlServer], Coroutine[Any, Any, None]]


async def echo(args: dict[str, Any]) -> dict[str, Any]:
    return {"got": args}


async def refuse(args: dict[str, Any]) -> dict[str, Any]:
    raise Conflict(f"The name {args['name']} is taken.")


async def fail(args: dict[str, Any]) -> dict[str, Any]:
    return {"never": 1 / 0}


HANDLERS: dict[str, control.Handler] = {"echo": echo, "refuse": refuse, "fail": fail}


def serving(folder: Path, scenario: Scenario, handlers: dict[str, control.Handler] = HANDLERS) -> None:
    """Run a scenario against a control server of its own."""

    async def run() -> None:
        server = ControlServer(folder, handlers)
        await server.start()
        try:
            await scenario(server)
        finally:
            await server.close()
            await server.close()

    asyncio.run(run())


async def exchange(folder: Path, line: bytes) -> bytes:
    """Send bytes as they are, and read all that comes back."""
    port = json.loads((folder / CONTROL_FILE).read_text())["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line)
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def test_a_command_is_answered_with_its_result(tmp_path: Path) -> None:
    async def scenario(_: ControlServer) -> None:
        args = {"name": "Zoë", "admin": True, "text": "two\nlines"}
        assert await call(tmp_path, "echo", args) == {"got": args}

    serving(tmp_path, scenario)


def test_a_refusal_keeps_its_code_and_its_words(tmp_path: Path) -> None:
    async def scenario(_: ControlServer) -> None:
        with pytest.raises(ControlError, match="The name ada is taken") as caught:
            await call(tmp_path, "refuse", {"name": "ada"})
        assert caught.value.code == "conflict"

    serving(tmp_path, scenario)


def test_a_handler_that_breaks_ends_neither_the_server_nor_tells_its_inside(tmp_path: Path) -> None:
    async def scenario(_: ControlServer) -> None:
        with pytest.raises(ControlError) as caught:
            await call(tmp_path, "fail", {})
        assert caught.value.code == "internal"
        assert "division" not in str(caught.value)
        assert await call(tmp_path, "echo", {}) == {"got": {}}

    serving(tmp_path, scenario)


def test_a_wrong_key_runs_nothing(tmp_path: Path) -> None:
    ran = []

    async def note(args: dict[str, Any]) -> dict[str, Any]:
        ran.append(args)
        return {}

    async def scenario(_: ControlServer) -> None:
        for key in ("", "0" * 64, "ö"):
            line = json.dumps({"key": key, "command": "note", "args": {}}).encode() + b"\n"
            assert json.loads(await exchange(tmp_path, line))["error"]["code"] == "forbidden"
        assert ran == []

    serving(tmp_path, scenario, {"note": note})


@pytest.mark.parametrize(
    "line", [b"{}\n", b"\xff\n", b"null\n", b'{"key":"a","command":"echo","args":' + b"[" * 9000 + b"\n"]
)
def test_what_is_no_command_is_refused(tmp_path: Path, line: bytes) -> None:
    async def scenario(_: ControlServer) -> None:
        assert json.loads(await exchange(tmp_path, line))["error"]["code"] == "bad_request"

    serving(tmp_path, scenario)


def test_a_line_that_is_too_long_or_broken_off_gets_no_answer(tmp_path: Path) -> None:
    async def scenario(_: ControlServer) -> None:
        assert await exchange(tmp_path, b" " * (control.LINE_BYTES + 2)) == b""
        assert await exchange(tmp_path, b"") == b""
        assert await call(tmp_path, "echo", {}) == {"got": {}}

    serving(tmp_path, scenario)


def test_an_answer_may_be_longer_than_a_command(tmp_path: Path) -> None:
    people = ["ada"] * 300_000

    async def everyone(args: dict[str, Any]) -> dict[str, Any]:
        return {"people": people}

    async def scenario(_: ControlServer) -> None:
        assert await call(tmp_path, "everyone", {}) == {"people": people}

    serving(tmp_path, scenario, {"everyone": everyone})


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    async def scenario(_: ControlServer) -> None:
        with pytest.raises(ControlError, match="another version"):
            await call(tmp_path, "user fly", {})

    serving(tmp_path, scenario)


def test_nobody_listens_before_the_start_after_the_end_and_behind_a_dead_port(tmp_path: Path) -> None:
    async def scenario(server: ControlServer) -> None:
        door = (tmp_path / CONTROL_FILE).read_bytes()
        await server.close()
        assert not (tmp_path / CONTROL_FILE).exists()
        (tmp_path / CONTROL_FILE).write_bytes(door)
        with pytest.raises(NobodyListens):
            await call(tmp_path, "echo", {})

    with pytest.raises(NobodyListens):
        asyncio.run(call(tmp_path, "echo", {}))
    serving(tmp_path, scenario)


@pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")
def test_the_key_is_for_the_owner_only_and_new_at_each_start(tmp_path: Path) -> None:
    keys = set()

    async def scenario(_: ControlServer) -> None:
        file = tmp_path / CONTROL_FILE
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        key = json.loads(file.read_text())["key"]
        assert len(bytes.fromhex(key)) == 32
        keys.add(key)

    serving(tmp_path, scenario)
    serving(tmp_path, scenario)
    assert len(keys) == 2


def test_closing_lets_a_running_command_answer_and_drops_those_who_say_nothing(tmp_path: Path) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    async def slow(args: dict[str, Any]) -> dict[str, Any]:
        began.set()
        await go.wait()
        return {"done": True}

    async def scenario(server: ControlServer) -> None:
        port = json.loads((tmp_path / CONTROL_FILE).read_text())["port"]
        silent, writer = await asyncio.open_connection("127.0.0.1", port)
        calling = asyncio.create_task(call(tmp_path, "slow", {}))
        await began.wait()
        closing = asyncio.create_task(server.close())
        assert await silent.read() == b""
        writer.close()
        go.set()
        assert await calling == {"done": True}
        await closing

    serving(tmp_path, scenario, {"slow": slow})


def test_progress_is_told_on_before_the_answer(tmp_path: Path) -> None:
    def count() -> None:
        for number in range(3):
            tell(f"step {number}")

    async def work(args: dict[str, Any]) -> dict[str, Any]:
        await asyncio.to_thread(count)
        return {"done": True}

    told: list[str] = []

    async def scenario(_: ControlServer) -> None:
        with told_to(told.append):
            assert await call(tmp_path, "work", {}) == {"done": True}

    serving(tmp_path, scenario, {"work": work})
    assert told == ["step 0", "step 1", "step 2"]
