"""A service manager is told when the server takes connections, and when it stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbox import notify
from tests.harness.process import Server
from tests.harness.running import on_a_loop


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "notify"))
        bound.setblocking(False)
        yield bound


@on_a_loop()
async def test_the_server_says_when_it_is_ready_and_when_it_stops(
    tmp_path: Path, manager: socket.socket
) -> None:
    loop = asyncio.get_running_loop()
    server = Server(tmp_path)
    server.environment |= {"NOTIFY_SOCKET": manager.getsockname()}
    await server.start()
    assert await loop.sock_recv(manager, 100) == b"READY=1"
    assert (await server.metrics())["chatbox_connections"] == 0
    stopped = await server.stop()
    assert await loop.sock_recv(manager, 100) == b"STOPPING=1"
    assert stopped == 0
    server.assert_quiet()


def test_an_abstract_socket_is_told() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind("")  # the kernel chooses an abstract name
        bound.settimeout(10)
        notify.tell(notify.READY, {"NOTIFY_SOCKET": "@" + bound.getsockname()[1:].decode()})
        assert bound.recv(100) == b"READY=1"


@pytest.mark.parametrize("name", ["", "chatbox", "/nowhere/notify", "/" + "x" * 200, "/a\0b"])
def test_who_cannot_be_told_is_no_error(name: str) -> None:
    notify.tell(notify.READY, {"NOTIFY_SOCKET": name})
