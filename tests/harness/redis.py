"""A Redis of a test's own: started, stopped, started again empty, paused."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness.needs import need

_STARTS_WITHIN = 30.0  # seconds


class Redis:
    """A server process on a port of its own, which stays the same, with nothing on disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        """`options` are more words for the program."""
        program = shutil.which("redis-server")
        need(program is not None, "redis-server")
        self._program = program or ""
        self._folder = folder
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self.port = _free_port()

    @property
    def pid(self) -> int:
        """Of the process; 0 where none runs."""
        return 0 if self._process is None else self._process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = await asyncio.create_subprocess_exec(
            self._program, *words, "--dir", str(self._folder), *self._options,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(_STARTS_WITHIN):
            while not await self._answers():
                assert self._process.returncode is None, "redis-server ended"
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections, and answers no more."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    async def say(self, *words: str | bytes) -> bytes:
        """One command, by whoever can reach it; gives the first line of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            parts = [word.encode() if isinstance(word, str) else word for word in words]
            packed = [b"*%d\r\n" % len(parts), *(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)]
            writer.write(b"".join(packed))
            return (await reader.readline()).strip()
        finally:
            writer.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def _answers(self) -> bool:
        try:
            return await self.say("PING") == b"+PONG"
        except OSError:
            return False


@asynccontextmanager
async def redis_in(folder: Path, *options: str) -> AsyncIterator[Redis]:
    """A running Redis, gone at the end."""
    redis = Redis(folder, *options)
    await redis.start()
    try:
        yield redis
    finally:
        await redis.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
