"""The web client itself, without its views, as a process under node: see `tests/js/node_client.mjs`."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.harness.process import ROOT, Door, Person

GENERAL = 1
_LINE = 2**26  # bytes; a dump is one line


class NodeProcess:
    """A program of `tests/js` that answers each line with one. What it says unasked is kept in `said`."""

    def __init__(self, program: str, door: Door) -> None:
        self.said: list[dict[str, Any]] = []
        self.news = asyncio.Event()  # set whenever it says something unasked
        self._program = str(ROOT / "tests/js" / program)
        self._door = door
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def run(self, *words: str) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            os.environ.get("NODE", "node"), self._program, self._door.url, *words, limit=_LINE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read(self._process))

    async def ask(self, cmd: str, **fields: Any) -> dict[str, Any]:
        """One command; the answer as it comes, with `error` where it was refused."""
        assert self._process is not None
        assert self._process.stdin is not None
        id = next(self._ids)
        future = self._waiting[id] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": id, "cmd": cmd, **fields}).encode() + b"\n")
        answer: dict[str, Any] = await future
        return answer

    def freeze(self, frozen: bool = True) -> None:
        """It runs no further, or it does again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

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
                self.news.set()
            elif not future.done():
                future.set_result(line)
        for future in self._waiting.values():
            future.cancel()


class NodeClient(NodeProcess):
    """One web client."""

    def __init__(self, door: Door, person: Person) -> None:
        super().__init__("node_client.mjs", door)
        self.person = person

    async def start(self, latest: bool = False) -> None:
        """Start it, and wait until it is in and has loaded all history, or only the latest messages."""
        await self.run("--cookie", self.person.cookie)
        await self.ask("sync", latest=latest)

    async def state(self) -> dict[int, dict[str, Any]]:
        """What it knows of each room."""
        return {int(id): room for id, room in (await self.ask("dump"))["rooms"].items()}


class NodeCrowd(NodeProcess):
    """Many web clients in one process."""

    def __init__(self, door: Door) -> None:
        super().__init__("node_crowd.mjs", door)

    async def come(self, people: Sequence[Person]) -> None:
        """Start, and wait until all of them are in."""
        await self.run()
        await self.ask("come", cookies=[person.cookie for person in people])

    async def all_at(self, head: int) -> None:
        """Wait until everybody is online and has followed #general so far."""
        await self.ask("reach", room=GENERAL, head=head)

    async def hurry(self) -> None:
        """Whoever waits tries at once."""
        await self.ask("hurry")

    async def digests(self, after: int = 0) -> list[str]:
        """Of what each knows of #general after that place, as `checker.digest` makes them."""
        found: list[str] = (await self.ask("dump", room=GENERAL, after=after))["digests"]
        return found

    async def closes(self) -> Counter[int]:
        """How connections ended so far, by code."""
        counts = (await self.ask("dump", room=GENERAL, after=0))["closes"]
        return Counter({int(code): count for code, count in counts.items()})
