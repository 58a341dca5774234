"""HAProxy in front of several nodes, by the file that `deploy/` has for it."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
from collections.abc import Iterable
from pathlib import Path

from tests.harness.needs import need
from tests.harness.process import ROOT

FILE = ROOT / "deploy" / "haproxy.cfg"
ADDRESS = "127.0.0.2"  # from which it asks the nodes: not that of the people, whom it names
_STARTS_WITHIN = 30.0  # seconds


class Balancer:
    """A `process.Door`: what clients connect to. Its port stays the same, plain HTTP on this machine."""

    def __init__(self, folder: Path, nodes: Iterable[int], *, sticky: bool) -> None:
        """`nodes` are ports of this machine; with `sticky` whoever comes back finds the same node."""
        program = shutil.which("haproxy")
        need(program is not None, "haproxy")
        self._program = program or ""
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.transports: list[asyncio.BaseTransport] = []
        self.port = _free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self._admin = folder / "admin.sock"
        self.file = folder / "haproxy.cfg"
        self.file.write_text(adapted(FILE.read_text(), self.port, list(nodes), folder, sticky=sticky))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it takes connections, those to its own socket as well."""
        self._admin.unlink(missing_ok=True)
        with (self._folder / "haproxy.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program, "-db", "-f", str(self.file),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(_STARTS_WITHIN):
            while not await self._answers():
                assert self._process.returncode is None, (self._folder / "haproxy.log").read_text()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it, with every connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            await self._process.wait()
            self._process = None

    async def say(self, command: str) -> str:
        """One command to its own socket: the management guide, section 9.3."""
        reader, writer = await asyncio.open_unix_connection(str(self._admin))
        writer.write(f"{command}\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.decode()

    async def up(self, number: int) -> None:
        """Wait until so many nodes are in service."""
        async with asyncio.timeout(_STARTS_WITHIN):
            while await self.nodes_up() != number:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)

    async def nodes_up(self) -> int:
        """How many nodes are in service."""
        lines = (await self.say("show stat nodes 4 -1")).splitlines()
        return sum(1 for line in lines if ",UP," in line)

    async def _answers(self) -> bool:
        if not self._admin.exists():  # it listens to clients a moment before
            return False
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


def adapted(text: str, port: int, nodes: list[int], folder: Path, *, sticky: bool) -> str:
    """The file of `deploy/` for this machine: other addresses, fewer connections, no TLS."""
    servers = [
        f"    server node{n} 127.0.0.1:{node} source {ADDRESS} check cookie node{n}"
        for n, node in enumerate(nodes, 1)
    ]
    for pattern, replacement in (
        (r"stats socket /run/haproxy/admin\.sock", f"stats socket {folder}/admin.sock"),
        (r"    maxconn 100000\b[^\n]*\n", "    maxconn 4000\n"),
        (r"    log /dev/log [^\n]*\n    user haproxy\n    group haproxy\n", ""),
        (r"    bind :80\n    bind :443 [^\n]*\n", f"    bind 127.0.0.1:{port}\n"),
        (r"    http-request redirect scheme https [^\n]*\n", ""),
        (r"    cookie CHATBOX_NODE [^\n]*\n", _cookie(sticky)),
        (r"(    server node\d [^\n]*\n)+", "\n".join(servers) + "\n"),
    ):
        text, count = re.subn(pattern, replacement, text)
        assert count == 1, pattern
    return text


def _cookie(sticky: bool) -> str:
    return "    cookie CHATBOX_NODE insert indirect nocache httponly\n" if sticky else ""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
