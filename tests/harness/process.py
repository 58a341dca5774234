"""The server as a process of its own: started, killed, stopped, started again; its log is read at the end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psutil  # type: ignore[import-untyped]

from tests.harness.http import Answer, Http

ROOT = Path(__file__).parents[2]
PASSWORD = "plum-trout-lantern-9"
STARTS_WITHIN = 60.0  # seconds
FREE = {  # every limit of speed and number lifted
    "limits.messages_per_second": "0",
    "limits.messages_burst": "0",
    "limits.connections_per_user": "0",
    "limits.connections_per_address": "0",
}
ASLEEP = {"server.keep_awake": "false"}  # whoever runs the tests may close the lid
_TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b|Traceback|Exception|log cannot be written")


class Person(NamedTuple):
    """Somebody who is signed in."""

    id: int
    name: str
    cookie: str
    origin: str

    @property
    def headers(self) -> dict[str, str]:
        """What a browser would send along."""
        return {"Cookie": self.cookie, "Origin": self.origin}


class Door(Protocol):
    """Where clients connect: the server itself, or what stands before it."""

    transports: list[asyncio.BaseTransport]  # of all clients, to be cut when a test has failed

    @property
    def url(self) -> str: ...


class Books(Protocol):
    """Where what is stored can be looked at beside the servers."""

    def rows(self, sql: str, *params: Any) -> list[Any]: ...


def program() -> list[str]:
    """The start of every command line: from source, or the executable that CHATBOX_EXECUTABLE names."""
    executable = os.environ.get("CHATBOX_EXECUTABLE")
    return [executable] if executable else [sys.executable, str(ROOT / "chatbox.py")]


class Server:
    """`folder` holds the data folder and the log. The port stays the same from start to start.

    `desk` is the part of the environment that tells of a screen; without one no browser is opened. Before a
    start `program` and `environment` may be changed; a line of the log with one of the phrases in `expected`
    is no trouble."""

    def __init__(
        self, folder: Path, settings: dict[str, str] | None = None, desk: dict[str, str] | None = None
    ) -> None:
        self.data = folder / "data"
        self.port = 0
        self.starts = 0
        self.transports: list[asyncio.BaseTransport] = []  # of all clients, to be cut when a test has failed
        self.program = program()
        self.expected: tuple[str, ...] = ()
        self._folder = folder
        self._ready = folder / "ready.json"
        self._log = folder / "log.txt"
        self._said = folder / "said.txt"
        self._settings = FREE | ASLEEP | (settings or {})
        self.place: list[str] | None = (
            None  # words that say where to listen; else a free port of this machine
        )
        self._words = ["--no-browser"] if desk is None else []
        self._process: asyncio.subprocess.Process | None = None
        self._pid = 0
        self.environment = os.environ | {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            **(desk or {}),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the serving process."""
        return self._pid

    # -- the process ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self._ready.unlink(missing_ok=True)
        self._process = await self.launch()
        self._pid = self._process.pid  # of the executable's outer process, until the serving one is known
        ready = await self._wait_until_ready()
        self.port, self._pid = ready["port"], ready["pid"]
        self.starts += 1

    async def launch(self) -> asyncio.subprocess.Process:
        """Start a process on the folder, whatever becomes of it."""
        place = ["--host", "127.0.0.1", "--port", str(self.port)] if self.place is None else self.place
        words = [*self._words, *place, "--data", str(self.data), "--ready-file", str(self._ready)]
        for key, value in self._settings.items():
            words += ["--set", f"{key}={value}"]
        with self._log.open("ab") as log, self._said.open("ab") as said:
            return await asyncio.create_subprocess_exec(
                *self.program, *words, env=self.environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=log,
            )  # fmt: skip

    async def _wait_until_ready(self) -> dict[str, Any]:
        assert self._process is not None
        async with asyncio.timeout(STARTS_WITHIN):
            while not self._ready.exists():
                if self._process.returncode is not None:
                    raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.log}")
                await asyncio.sleep(0.01)
        found: dict[str, Any] = json.loads(self._ready.read_text())
        return found

    async def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        os.kill(self._pid, signal.SIGKILL)
        await self._ended()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the serving process."""
        os.kill(self._pid, number)

    async def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return await self._ended()

    async def ended(self) -> int:
        """Wait for its end; returns the exit code."""
        return await self._ended()

    async def _ended(self) -> int:
        assert self._process is not None
        code = await self._process.wait()
        self._process = None
        return code

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def run(self, *words: str, text: str = "") -> tuple[int, str]:
        """One command of the command line on this folder: its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            *program(), *words, "--data", str(self.data), env=self.environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate(text.encode())
        return process.returncode or 0, printed.decode()

    async def check(self) -> None:
        """`chatbox check` finds nothing wrong."""
        code, printed = await self.run("check")
        assert code == 0, printed

    # -- its log and its database --------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """What it wrote into its log and to standard error, of all starts."""
        parts = sorted((self.data / "logs").glob("chatbox.log*"), reverse=True)
        return "".join(part.read_text(errors="replace") for part in (*parts, self._log))

    @property
    def said(self) -> str:
        """What the person at the console has read, of all starts."""
        return self._said.read_text()

    async def told(self, text: str, times: int = 1) -> None:
        """Wait until the log says so, so many times."""
        await _until(lambda: self.log.count(text) >= times)

    async def says(self, text: str) -> None:
        """Wait until the person at the console can read it."""
        await _until(lambda: text in self.said)

    def assert_quiet(self) -> None:
        """Nothing that went wrong stands in the log."""
        lines = [line for line in self.log.splitlines() if not any(part in line for part in self.expected)]
        trouble = [line for line in lines if _TROUBLE.search(line)]
        assert not trouble, "\n".join(trouble[:20]) + "\n\n" + self.log[-4000:]

    def rows(self, sql: str, *params: Any) -> list[Any]:
        """What the database says, read beside the server."""
        address = f"{(self.data / 'chatbox.sqlite3').as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=20)) as connection:
            return connection.execute(sql, params).fetchall()

    def open_files(self) -> int:
        """How many files and sockets the serving process has open."""
        return int(psutil.Process(self._pid).num_fds())

    def open_names(self) -> list[str]:
        """What these are, for a person; on Linux, else nothing."""
        names = []
        for link in Path(f"/proc/{self._pid}/fd").glob("*"):
            with suppress(OSError):
                names.append(str(link.readlink()))
        return sorted(names)

    def threads(self) -> int:
        """How many threads the serving process has."""
        return int(psutil.Process(self._pid).num_threads())

    def file_limit(self) -> int:
        """How many it may open."""
        return int(psutil.Process(self._pid).rlimit(psutil.RLIMIT_NOFILE)[0])

    def memory(self) -> int:
        """Bytes of the serving process that are in memory."""
        return int(psutil.Process(self._pid).memory_info().rss)

    async def metrics(self) -> dict[str, float]:
        """What `/metrics` says, by name."""
        http = Http(self.port)
        text = (await http.ask("GET", "/metrics")).body.decode()
        await http.close()
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    # -- people --------------------------------------------------------------------------------------------

    async def set_up(self, name: str = "ada") -> Person:
        """Complete the setup; everybody on this network may join. Gives the admin."""
        secret = (self.data / "setup-code.txt").read_text().split()[0]
        return await enter(
            self.port, name, "setup.complete", secret=secret, server_name="Attic", join="network"
        )

    async def register(self, name: str) -> Person:
        """Somebody new."""
        return await enter(self.port, name, "user.register")

    async def sign_in(self, name: str) -> Person:
        """Another sign-in of somebody who is registered."""
        return await enter(self.port, name, "session.create")

    async def command(self, person: Person, name: str, /, **fields: Any) -> Answer:
        """One command over HTTP; where the password is asked for once more, it is given."""
        http = Http(self.port, person.headers)
        answer = await http.command(name, **fields)
        if answer.status == 403 and answer.json["error"].get("field") == "confirm":
            await http.command("session.confirm", password=PASSWORD)
            answer = await http.command(name, **fields)
        await http.close()
        return answer


async def enter(port: int, name: str, command: str, **fields: str) -> Person:
    """Sign in at this port of this machine, by a command that gives a cookie."""
    http = Http(port)
    answer = await http.command(command, name=name, password=PASSWORD, **fields)
    await http.close()
    assert answer.status == 200, answer.body
    return Person(answer.json["user"]["id"], name, answer.cookies, f"http://127.0.0.1:{port}")


async def _until(happened: Callable[[], bool]) -> None:
    """Wait for something that another process writes."""
    async with asyncio.timeout(STARTS_WITHIN):
        while not happened():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[None]:
    """A server that is started here, and must end well, with a quiet log."""
    await server.start()
    try:
        yield
        if server.running:
            assert await server.stop() == 0, server.log[-4000:]
        server.assert_quiet()
    finally:
        for transport in server.transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        if server.running:
            await server.kill()


@asynccontextmanager
async def serving(
    folder: Path,
    settings: dict[str, str] | None = None,
    people: int = 1,
    server: Server | None = None,
) -> AsyncIterator[tuple[Server, list[Person]]]:
    """A running server that is set up, with so many people; gives it and them.

    `server` is one that was made already, because it has to be started in some special way."""
    server = server or Server(folder, settings)
    async with running(server):
        everybody = [await server.set_up()]
        for number in range(1, people):
            everybody.append(await server.register(f"person{number}"))
        yield server, everybody
