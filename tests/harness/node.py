"""The web client itself, without its views, as a process under node: see `tests/js/node_client.mjs`."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from typing import Any

from tests.harness.process import ROOT, Person, Server

_LINE = 2**26  # bytes; a dump is one line


class NodeClient:
    """One web client. What it says unasked is kept in `said`."""

    def __init__(self, server: Server, person: Person) -> None:
        self.person = person
        self.said: list[dict[str, Any]] = []
        self._server = server
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, and wait until it is in."""
        self._process = await asyncio.create_subprocess_exec(
            os.environ.get("NODE", "node"), str(ROOT / "tests/js/node_client.mjs"), self._server.url,
            "--cookie", self.person.cookie, limit=_LINE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read(self._process))
        await self.ask("sync")

    async def ask(self, cmd: str, **fields: Any) -> dict[str, Any]:
        """One command; the answer as it comes, with `error` where it was refused."""
        assert self._process is not None
        assert self._process.stdin is not None
        id = next(self._ids)
        future = self._waiting[id] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": id, "cmd": cmd, **fields}).encode() + b"\n")
        answer: dict[str, Any] = await future
        return answer

    async def state(self) -> dict[int, dict[str, Any]]:
        """What it knows of each room."""
        return {int(id): room for id, room in (await self.ask("dump"))["rooms"].items()}

    async def stop(self) -> None:
        """Close its input, at which it ends."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._reader is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for text in process.stdout:
            line = json.loads(text)
            future = self._waiting.pop(line.pop("id", 0), None)
            if future is None:
                self.said.append(line)
            elif not future.done():
                future.set_result(line)
        for future in self._waiting.values():
            future.cancel()
