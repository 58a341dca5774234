"""A storage of S3 of a test's own: rclone over a folder, which checks signatures; stopped, paused."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatbox.settings import S3
from chatbox.store.bucket import Bucket
from tests.harness.needs import need

BUCKET = "chat-files"
KEY, SECRET = "HERON7QUAY", "plum/trout+lantern=9"  # a secret that has to be quoted in an address
STARTS_WITHIN = 30.0  # seconds


class Storage:
    """A server process on a port of its own, which stays the same. What is in it is in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "storage"
        (self.folder / BUCKET).mkdir(parents=True)
        self._own = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def settings(self) -> S3:
        return S3(endpoint=f"http://127.0.0.1:{self.port}", access_key=KEY, secret_key=SECRET)

    def words(self, name: str = "uploads") -> dict[str, str]:
        """The settings of a server whose uploads are there."""
        return {
            "storage.uploads": f"s3://{BUCKET}/{name}",
            "s3.endpoint": self.settings.endpoint,
            "s3.access_key": KEY,
            "s3.secret_key": SECRET,
        }

    def file(self, hash: str, name: str = "uploads") -> Path:
        """Where it keeps a content."""
        return self.folder / BUCKET / name / hash[:2] / hash

    def age(self, hash: str, name: str = "uploads") -> None:
        """Let a content have been there for more than a day."""
        then = time.time() - 90_000
        os.utime(self.file(hash, name), (then, then))
        bucket = Bucket(f"s3://{BUCKET}/{name}", self.settings)
        deadline = time.monotonic() + STARTS_WITHIN
        while (bucket.changed_at(f"{hash[:2]}/{hash}") or 0) > then + 1:
            assert time.monotonic() < deadline, "rclone keeps what it knew"
            self._signal(signal.SIGHUP)  # it forgets what it knows of its folders
            time.sleep(0.01)

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "addr": f"127.0.0.1:{self.port}",
            "auth-key": f"{KEY},{SECRET}",
            "config": str(self._own / "none.conf"),
            "cache-dir": str(self._own / "cache"),
        }
        words = [word for option, value in options.items() for word in (f"--{option}", value)]
        with (self._own / "storage.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_child(), _program(), "serve", "s3", *words, str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            assert self._process.poll() is None, (self._own / "storage.log").read_text()
            assert time.monotonic() < deadline, "rclone does not answer"
            time.sleep(0.01)

    def stop(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections, and answers no more once this returns."""
        self._signal(signal.SIGSTOP)
        assert self._process is not None
        tasks = Path(f"/proc/{self._process.pid}/task")
        deadline = time.monotonic() + STARTS_WITHIN
        while not all(map(_is_stopped, tasks.iterdir())):  # the signal takes its time to all threads
            assert time.monotonic() < deadline, "rclone does not stand still"
            time.sleep(0.01)

    def go_on(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


@contextmanager
def storage_in(folder: Path) -> Iterator[Storage]:
    """A running one, gone at the end."""
    storage = Storage(folder)
    storage.start()
    try:
        yield storage
    finally:
        storage.stop()


def _program() -> str:
    """It comes with its package, beside Python itself."""
    program = Path(sys.executable).with_name("rclone")
    need(program.exists(), "rclone, of requirements/test.txt")
    return str(program)


def _as_child() -> list[str]:
    """Words before the program's: end when the tests are killed."""
    return ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") and os.name == "posix" else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_stopped(task: Path) -> bool:
    """Whether a thread stands still (proc_pid_stat(5): the state follows the name, which is in brackets)."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0] in "TX"
