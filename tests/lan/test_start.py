"""The first start, the second, and whoever comes first, on machines of a network of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatbox.settings_file import read
from tests.harness.network import Desk, Host, hosts
from tests.harness.process import PASSWORD, ROOT
from tests.harness.running import on_a_loop

DESK, PHONE = "192.168.77.2", "192.168.77.3"
OCCUPY = (
    "import socket, sys; a = socket.create_server(('', 8642)); print('there', flush=True); sys.stdin.read()"
)
COME = """
import json, sys
from websockets.sync.client import connect
with connect(sys.argv[1], additional_headers={"Authorization": "Bearer " + sys.argv[2]}) as there:
    there.send(json.dumps({"id": 1, "do": "hello"}))
    print(there.recv(timeout=20)[:8])
    sys.stdin.read()
"""


@pytest.fixture
def network() -> Iterator[tuple[Host, Host]]:
    """A desk and a phone on one network."""
    with hosts("desk", "phone") as (desk, phone):
        desk.pair("wlan0", f"{DESK}/24", phone)
        phone.ip("address", "add", f"{PHONE}/24", "dev", "eth0")
        yield desk, phone


@contextmanager
def at_work(host: Host, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs on a machine until this ends; it has printed a line when this begins."""
    with subprocess.Popen(
        host.words(*command), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


@on_a_loop()
async def test_a_first_start_takes_the_next_port_and_keeps_it(
    tmp_path: Path, network: tuple[Host, Host]
) -> None:
    server = Desk(tmp_path, network[0])
    ini = server.data / "chatbox.ini"
    with at_work(network[0], sys.executable, "-c", OCCUPY):
        await server.start()
        assert server.port == 8643
        assert (
            "  Port 8642 is used by another program; using 8643 instead (saved in chatbox.ini).\n"
            in server.said
        )
        assert await server.stop() == 0
        assert [(item.key, item.value) for item in read(ini).items if item.value] == [("port", "8643")]
    await server.start()
    assert server.port == 8643
    assert await server.stop() == 0
    server.assert_quiet()


@on_a_loop()
async def test_a_later_start_does_not_move_but_says_what_to_do(
    tmp_path: Path, network: tuple[Host, Host]
) -> None:
    server = Desk(tmp_path, network[0])
    await server.start()
    assert await server.stop() == 0
    with at_work(network[0], sys.executable, "-c", OCCUPY):
        assert await (await server.launch()).wait() == 3
        assert "Chatbox cannot start: port 8642 is already used by another program." in server.log
        assert f"choose another port in {server.data / 'chatbox.ini'}:  [server] port = 8643" in server.log
        server.place = ["--port", "8642"]
        server.data = tmp_path / "other"  # a first start on a port that was asked for does not move either
        assert await (await server.launch()).wait() == 3


@on_a_loop()
async def test_whoever_comes_first_is_told_and_needs_no_port(
    tmp_path: Path, network: tuple[Host, Host]
) -> None:
    desk, phone = network
    server = Desk(tmp_path, desk)
    await server.start()
    assert f"http://{DESK}:8642   or   http://chatbox.local:8642\n" in server.said
    assert f"Whoever types  http://{DESK}  is led there, too." in server.said
    assert "Chatbox" in phone.run("curl", "-s", "-L", "--max-time", "20", f"http://{DESK}/")
    (tmp_path / "password").write_text(PASSWORD)
    server.command_line("user", "add", "ada", "--admin", "--password-file", str(tmp_path / "password"))
    await server.says(f"Set up by ada. The others open  http://{DESK}:8642")
    token = server.command_line("user", "token", "ada", "--label", "phone").splitlines()[0]
    with (
        at_work(desk, sys.executable, "-c", COME, "ws://127.0.0.1:8642/ws", token),
        at_work(phone, sys.executable, "-c", COME, f"ws://{DESK}:8642/ws", token),
    ):
        await server.says(f"First device connected from the network: {PHONE}\n")
    assert server.said.count("First device") == 1
    assert await server.stop() == 0
    assert "Stopping. " in server.said
    assert server.said.endswith("  Stopped. All messages are saved.\n")
    server.assert_quiet()


@on_a_loop()
async def test_a_second_start_says_where_the_first_is(tmp_path: Path, network: tuple[Host, Host]) -> None:
    server = Desk(tmp_path, network[0])
    await server.start()
    assert await (await server.launch()).wait() == 0
    assert f"already running with this data folder (process {server.pid})" in server.said
    assert "Open  http://127.0.0.1:8642\n" in server.said
    assert await server.stop() == 0


@on_a_loop()
async def test_where_nobody_else_comes_no_short_address_is_told(tmp_path: Path) -> None:
    with hosts("alone") as (alone,):
        server = Desk(tmp_path, alone)
        await server.start()
        (tmp_path / "password").write_text(PASSWORD)
        server.command_line("user", "add", "ada", "--admin", "--password-file", str(tmp_path / "password"))
        assert await server.stop() == 0
        await server.start()
        assert await server.stop() == 0
        assert "On this computer" in server.said
        assert "is led there" not in server.said
        server.assert_quiet()


@on_a_loop()
async def test_a_port_80_that_is_taken_is_not_spoken_of(tmp_path: Path, network: tuple[Host, Host]) -> None:
    server = Desk(tmp_path, network[0])
    with at_work(network[0], sys.executable, "-c", OCCUPY.replace("8642", "80")):
        await server.start()
        assert "is led there" not in server.said
        assert await server.stop() == 0
    server.assert_quiet()
