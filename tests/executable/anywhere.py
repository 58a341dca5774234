"""Shows on any system that an executable is whole: `python -m tests.executable.anywhere dist/chatbox`.

Less strict than `smoke`, which needs Linux: it runs among everything else that is on this machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from websockets.exceptions import WebSocketException

from chatbox.version import VERSION
from tests.executable.people import SmokeError, encrypts, outlives_a_kill

DEADLINE = 60.0  # seconds until a start or a stop counts as failed: scanners look at what is unpacked
TICK = 0.05
FAILURES = (SmokeError, subprocess.SubprocessError, WebSocketException, OSError, KeyError, ValueError)


class Chatbox:
    """The executable, with a folder of its own for everything that it writes."""

    def __init__(self, executable: Path, folder: Path) -> None:
        self.executable = executable.resolve()
        self.folder = folder
        self.unpacked = folder / "tmp"
        self.unpacked.mkdir()
        names = ("TMPDIR", "TEMP", "TMP")
        self.environment = os.environ | {name: str(self.unpacked) for name in names}

    def run(self, *words: str) -> str:
        """What a command prints that ends by itself."""
        done = subprocess.run(
            [self.executable, *words], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, encoding="utf-8", timeout=DEADLINE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SmokeError(f"chatbox {' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def leftovers(self) -> list[str]:
        """What was unpacked and not removed."""
        return sorted(path.name for path in self.unpacked.iterdir())


class Serving:
    """One run as a server. It is up once the constructor returns."""

    def __init__(self, chatbox: Chatbox, name: str) -> None:
        self.data = chatbox.folder / name
        self._ready = chatbox.folder / f"{name}.json"
        self._ready.unlink(missing_ok=True)
        self._log = chatbox.folder / f"{name}.log"
        words = ["serve", "--no-browser", "--host", "127.0.0.1", "--port", "0", "--data", str(self.data)]
        group = {"creationflags": 0x200} if sys.platform == "win32" else {"start_new_session": True}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [chatbox.executable, *words, "--ready-file", str(self._ready)], env=chatbox.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **group,
            )  # fmt: skip
        self.port = self._wait_until_ready()

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def _wait_until_ready(self) -> int:
        deadline = time.monotonic() + DEADLINE
        while not self._ready.exists():
            if self._process.poll() is not None:
                raise SmokeError(f"it ended with {self._process.returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                self.kill()
                raise SmokeError(f"not ready after {DEADLINE:.0f} s:\n{self.log}")
            time.sleep(TICK)
        return int(json.loads(self._ready.read_text("utf-8"))["port"])

    def stop(self) -> int:
        """Ask it to end; the exit code."""
        ask = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
        self._process.send_signal(ask)
        try:
            return self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SmokeError(f"it did not stop within {DEADLINE:.0f} s:\n{self.log}") from None

    def kill(self) -> None:
        """End all of its processes at once, as a loss of power would."""
        if sys.platform == "win32":
            kill = ["taskkill", "/F", "/T", "/PID", str(self._process.pid)]
            subprocess.run(kill, capture_output=True, check=False)
        elif self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(DEADLINE)


def check_version(chatbox: Chatbox) -> str:
    printed = chatbox.run("version").strip()
    if VERSION not in printed:
        raise SmokeError(f"chatbox version prints {printed!r}, not {VERSION}")
    return f"version: {printed}"


def check_start(chatbox: Chatbox) -> str:
    before = chatbox.leftovers()
    begin = time.monotonic()
    server = Serving(chatbox, "start")
    seconds = time.monotonic() - begin
    if code := server.stop():
        raise SmokeError(f"exit code {code} after being asked to stop:\n{server.log}")
    kept = (server.data / "logs" / "chatbox.log").read_text("utf-8")
    if "Stopped. All messages are saved." not in server.log or "ERROR" in server.log + kept:
        raise SmokeError(f"it did not stop well:\n{server.log}")
    if left := set(chatbox.leftovers()) - set(before):
        raise SmokeError(f"it left {left}")
    return f"start and stop: ready after {seconds:.1f} s"


def check_conversation(chatbox: Chatbox) -> str:
    return outlives_a_kill(lambda: Serving(chatbox, "data"))


def check_encryption(chatbox: Chatbox) -> str:
    return encrypts(Serving(chatbox, "encrypted"))


def check_service(chatbox: Chatbox) -> str:
    data = chatbox.executable.parent / "service"  # the system empties the folder of these checks
    shown = chatbox.run("service", "install", "--print", "--data", str(data))
    if str(chatbox.executable) not in shown:
        raise SmokeError(f"the service would not start {chatbox.executable}:\n{shown}")
    return f"service: {shown.splitlines()[0].removeprefix('# ')}"


CHECKS: list[Callable[[Chatbox], str]] = [
    check_version,
    check_start,
    check_conversation,
    check_encryption,
    check_service,
]


def main(executable: Path) -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chatbox-smoke-", ignore_cleanup_errors=True) as folder:
        chatbox = Chatbox(executable, Path(folder).resolve())
        for check in CHECKS:
            try:
                print("ok  ", check(chatbox), flush=True)
            except FAILURES as error:
                failed += 1
                print("FAIL", f"{check.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.exit(main(Path(sys.argv[1])))
