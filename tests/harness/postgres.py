"""A PostgreSQL server for the tests: made when the first test asks, ended with the last.

It keeps the promises that a real one keeps: fsync on, passwords asked for. Where no server program is found
the test is skipped, with CHATBOX_CI=1 it fails.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]

from tests.harness.needs import need

NAME, PASSWORD = "chatbox", "heron/quay 7"  # a password that has to be quoted in an address
QUOTED = "heron%2Fquay%207"
STARTS_WITHIN = 60.0  # seconds
_OPTIONS = {
    "fsync": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
    "autovacuum_naptime": "5s",
}


class Postgres:
    """One server. Its port stays the same from start to start."""

    def __init__(self, programs: Path, leader: Postgres | None = None) -> None:
        """`leader` is the server that this one is a standby of."""
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="chatbox-postgres-"))
        self._data = self._folder / "data"
        self._names = (f"test{number}" for number in itertools.count(1))
        self._process: subprocess.Popen[bytes] | None = None
        self._shared = ""
        self.port = _free_port()
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        account = _account()
        if account is not None:
            for path in (self._folder, secret):
                shutil.chown(path, *account)
        if leader is not None:
            words = ["-h", str(leader._folder), "-p", str(leader.port), "-U", NAME, "-c", "fast", "-R", "-N"]
            self._run("pg_basebackup", "-D", str(self._data), *words)
            return
        words = ["--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C", "-N"]
        self._run("initdb", "-D", str(self._data), "-U", NAME, f"--pwfile={secret}", *words)

    @property
    def pid(self) -> int:
        """Of the process that has all others as its children; 0 where none runs."""
        return 0 if self._process is None else self._process.pid

    def url(self, database: str = "postgres", *, password: str = QUOTED, user: str = NAME) -> str:
        """The address of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def make(self) -> str:
        """Make an empty database; its address."""
        name = next(self._names)
        self.say(f"CREATE DATABASE {name}")
        return self.url(name)

    def wiped(self) -> str:
        """One that all tests share, one after the other, emptied: that is quicker than making one."""
        if not self._shared:
            self._shared = self.make()
        self.say("DROP SCHEMA public CASCADE", self._shared.rpartition("/")[2])
        self.say("CREATE SCHEMA public", self._shared.rpartition("/")[2])
        return self._shared

    def say(self, statement: str, database: str = "postgres") -> list[asyncpg.Record]:
        """Run one statement on a connection of its own; for tests outside of an event loop."""
        return asyncio.run(self.ask(statement, database))

    async def ask(self, statement: str, database: str = "postgres") -> list[asyncpg.Record]:
        """The same inside of one."""
        connection = await asyncpg.connect(self.url(database))
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    def encrypt(self, certificate: Path, key: Path) -> None:
        """Let new connections be encrypted with this certificate."""
        account = _account()
        for name, path in (("ssl_cert_file", certificate), ("ssl_key_file", key)):
            copied = self._folder / path.name
            shutil.copy(path, copied)
            copied.chmod(0o600)
            if account is not None:
                shutil.chown(copied, *account)
            self.say(f"ALTER SYSTEM SET {name} = '{copied}'")
        self.say("ALTER SYSTEM SET ssl = on")
        self.restart()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._try_to_start():  # after a kill its children need a moment to be gone
            if time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL does not start:\n{self.log}")
            time.sleep(0.05)

    def _try_to_start(self) -> bool:
        options = [f"-c{name}={value}" for name, value in _OPTIONS.items()]
        words = ["postgres", "-D", str(self._data), "-p", str(self.port), "-k", str(self._folder), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_owner(), str(self._programs / words[0]), *words[1:]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip
        while self._process.poll() is None:
            if (
                subprocess.run(
                    [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                    check=False,
                ).returncode
                == 0
            ):
                return True
            time.sleep(0.02)
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it and every connection at once, and wait. Does nothing where it does not run."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STARTS_WITHIN)
            self._process = None

    def kill(self) -> None:
        """kill -9 of the whole server, as a power cut would end it."""
        self.stop(signal.SIGKILL)

    def freeze(self, frozen: bool = True) -> None:
        """It says nothing more and refuses nobody: connections stand, and new ones come about; or it does
        again."""
        number = signal.SIGSTOP if frozen else signal.SIGCONT
        whole = psutil.Process(self.pid)
        whole.send_signal(number)  # first: from now on it has no more children
        for child in whole.children():
            with suppress(psutil.NoSuchProcess):
                child.send_signal(number)

    def restart(self) -> None:
        self.stop()
        self.start()

    def standby(self) -> Postgres:
        """Another one that has all that this one has, and follows it while both run. The test removes it."""
        made = Postgres(self._programs, self)
        made.start()
        return made

    def take_over(self, leader: Postgres) -> None:
        """Start this standby, which does not run, in the place of its leader, which runs no more."""
        self.port = leader.port
        self.start()
        self._run("pg_ctl", "promote", "-D", str(self._data))

    @property
    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def remove(self) -> None:
        """End it and delete everything."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*_as_owner(), str(self._programs / program), *words],
            capture_output=True, text=True, timeout=300, check=False, cwd=self._folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _account() -> tuple[int, int] | None:
    """Under whom it runs where that cannot be root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    return None


def _as_owner() -> list[str]:
    """Words before the program's: run as that account, and end when the tests are killed."""
    account = _account()
    if shutil.which("setpriv") is None:
        return []
    who = [] if account is None else [f"--reuid={account[0]}", f"--regid={account[1]}", "--clear-groups"]
    return ["setpriv", *who, "--pdeathsig=INT"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _programs() -> Path | None:
    """Where the newest server program is."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    found = shutil.which("postgres")
    candidates = [*reversed(packaged), *([Path(found).parent] if found else [])]
    return next((path for path in candidates if (path / "initdb").exists()), None)


def server() -> Postgres:
    """The server that all tests of a run share, running. Not to be asked for in another thread, with which it
    would end."""
    _need_programs()
    return _shared()


def own() -> Postgres:
    """One that a test has for itself, running, because it breaks it. The test removes it."""
    made = Postgres(_need_programs())
    made.start()
    return made


def _need_programs() -> Path:
    programs = _programs()
    need(programs is not None and hasattr(os, "geteuid"), "the server programs of PostgreSQL")
    need(not (os.geteuid() == 0 and not _as_owner()), "setpriv, as PostgreSQL does not run as root")
    assert programs is not None
    return programs


@cache
def _shared() -> Postgres:
    programs = _programs()
    assert programs is not None
    made = Postgres(programs)
    atexit.register(made.remove)
    made.start()
    return made
