"""A folder to run the executable in where nothing is but the C library: no Python, no shell, no names."""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.executable.people import SmokeError

DEADLINE = 20.0  # seconds until a start or a stop counts as failed
TICK = 0.005
LIBC = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")
DEVICES = {"null": os.makedev(1, 3), "urandom": os.makedev(1, 9)}  # mknod(1); numbers of null(4), random(4)


def needed_libraries(executable: Path) -> list[Path]:
    """The files that the loader maps for the executable, the loader included."""
    listing = subprocess.run(["ldd", executable], check=True, capture_output=True, text=True).stdout
    return [Path(word) for word in listing.split() if word.startswith("/")]


def enter(root: Path) -> list[str]:
    """The start of a command line that runs in `root`, through a user namespace where we are not root."""
    chroot = shutil.which("chroot", path=f"{os.environ['PATH']}:/usr/sbin") or "chroot"
    unshare = [] if os.geteuid() == 0 else [shutil.which("unshare") or "unshare", "--map-root-user"]
    return [*unshare, chroot, str(root)]


@dataclass(frozen=True)
class BareRoot:
    """`/chatbox`, libc, an empty `/tmp` and two devices; whatever runs there has an empty environment."""

    path: Path

    @classmethod
    def make(cls, path: Path, executable: Path) -> "BareRoot":
        libraries = needed_libraries(executable)
        libc = next(library for library in libraries if library.name == LIBC[0])
        beside_libc = [libc.with_name(name) for name in LIBC if libc.with_name(name).exists()]
        for library in {*libraries, *beside_libc}:
            target = path / library.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
        shutil.copy(executable, path / "chatbox")
        (path / "tmp").mkdir()
        (path / "dev").mkdir()
        for name, device in DEVICES.items():
            with contextlib.suppress(PermissionError):  # in a user namespace nobody may; Chatbox does without
                os.mknod(path / "dev" / name, 0o666 | stat.S_IFCHR, device)
        return cls(path)

    def run(self, *arguments: str) -> str:
        """What a command prints that ends by itself."""
        command = [*enter(self.path), "/chatbox", *arguments]
        done = subprocess.run(command, env={}, capture_output=True, text=True, timeout=DEADLINE, check=False)
        if done.returncode != 0:
            raise SmokeError(f"chatbox {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
        return done.stdout

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in (self.path / "tmp").iterdir())


class Server:
    """A Chatbox that serves in a bare root. It is up once the constructor returns."""

    def __init__(self, root: BareRoot, data: str) -> None:
        self.data = root.path / data
        self._ready = self.data / "ready.json"
        self._ready.unlink(missing_ok=True)
        self._log = root.path / f"{data}.log"
        command = [*enter(root.path), "/chatbox", "--no-browser", "--host", "127.0.0.1", "--port", "0"]
        command += ["--data", f"/{data}", "--ready-file", f"/{data}/ready.json"]
        self.data.mkdir(exist_ok=True)
        begin = time.monotonic()
        with self._log.open("wb") as log:
            self._parent = subprocess.Popen(
                command, env={}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.port, self.pid = self._wait_until_ready(begin + DEADLINE)
        except SmokeError:
            self.kill()
            raise
        self.seconds_to_first_answer = time.monotonic() - begin

    def _wait_until_ready(self, deadline: float) -> tuple[int, int]:
        while time.monotonic() < deadline:
            if self._parent.poll() is not None:
                raise SmokeError(f"it ended with {self._parent.returncode}:\n{self._log.read_text('utf-8')}")
            if self._ready.exists():
                ready = json.loads(self._ready.read_text("utf-8"))
                with contextlib.suppress(urllib.error.URLError):
                    address = f"http://127.0.0.1:{ready['port']}/healthz"
                    with urllib.request.urlopen(address, timeout=DEADLINE):
                        return ready["port"], ready["pid"]
            time.sleep(TICK)
        raise SmokeError(f"not ready after {DEADLINE:.0f} s:\n{self._log.read_text('utf-8')}")

    def kill(self) -> None:
        """End all of its processes at once, as a loss of power would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._parent.pid, signal.SIGKILL)
        self._parent.wait(DEADLINE)

    def kill_parent(self) -> None:
        """End the process that unpacked the executable, and wait until the one that serves has followed."""
        self._parent.kill()
        self._parent.wait(DEADLINE)
        deadline = time.monotonic() + DEADLINE
        while Path(f"/proc/{self.pid}").exists():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise SmokeError("the process that serves outlived the one that started it")
            time.sleep(TICK)

    def stop(self) -> int:
        """Ask it to end; the exit code."""
        self._parent.terminate()
        try:
            return self._parent.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SmokeError(f"it did not stop within {DEADLINE:.0f} s of SIGTERM") from None
