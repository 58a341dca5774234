"""Keeps the computer awake while people are connected: it goes to sleep by itself when they have gone.

Each system has its own way. What cannot be had is said once to the log: it is never an error.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from chatbox import frozen

log = logging.getLogger(__name__)

LINGER = 60.0  # seconds without a connection: nobody is gone who only reloads the page


class Holder(Protocol):
    """Keeps the computer awake, somehow."""

    def hold(self) -> None:
        """From now on."""

    def release(self) -> None:
        """No longer."""


class Vigil:
    """Decides when to: from the first connection until the last has been gone for a while."""

    def __init__(self, holder: Holder, monotonic: Callable[[], float]) -> None:
        self.awake = False
        self._holder = holder
        self._monotonic = monotonic
        self._last = 0.0

    def look(self, connections: int) -> None:
        """Tell how many there are. Called once a second."""
        if connections:
            self._last = self._monotonic()
            if not self.awake:
                self.awake = True
                self._holder.hold()
        elif self.awake and self._monotonic() - self._last >= LINGER:
            self.awake = False
            self._holder.release()


class Programs:
    """Other programs keep the computer awake as long as they run; they end with this one.

    Their standard input is a pipe from here, at whose end `cat` ends, which some of them are told to run."""

    def __init__(
        self, commands: Sequence[Sequence[str]], environment: Mapping[str, str] = os.environ
    ) -> None:
        self._commands = commands
        self._environment = frozen.restore_library_path(environment)
        self._running: list[subprocess.Popen[bytes]] = []

    def hold(self) -> None:
        for command in self._commands:
            try:
                process = subprocess.Popen(
                    command, env=self._environment, start_new_session=True,
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
            except OSError as error:
                log.info("this computer may fall asleep while people are connected: %s", error)
                return
            self._running.append(process)

    def release(self) -> None:
        running, self._running = self._running, []
        for process in running:
            if process.stdin is not None:
                process.stdin.close()
            process.kill()
            process.wait()


class Nobody:
    """Where there is no way, or it is not wanted."""

    def hold(self) -> None:
        return

    def release(self) -> None:
        return


class Windows:
    """The system is asked not to sleep, by the thread that runs the event loop.

    https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setthreadexecutionstate"""

    CONTINUOUS = 0x80000000
    SYSTEM_REQUIRED = 0x00000001

    def __init__(self, set_state: Callable[[int], int]) -> None:
        self._set_state = set_state

    def hold(self) -> None:
        if not self._set_state(self.CONTINUOUS | self.SYSTEM_REQUIRED):
            log.info("this computer may fall asleep while people are connected")

    def release(self) -> None:
        self._set_state(self.CONTINUOUS)


def commands(platform: str, pid: int) -> list[list[str]]:
    """What keeps a computer of this kind awake while it runs; empty where nothing is known to.

    On Linux some desktops look at one lock and some at the other, and a service may have the first only."""
    if platform == "darwin":
        return [["caffeinate", "-i", "-w", str(pid)]]
    if platform == "linux":
        said = ["--who=Chatbox", "--why=People are connected", "--mode=block"]
        return [["systemd-inhibit", f"--what={what}", *said, "cat"] for what in ("idle", "sleep")]
    return []


def holder(wanted: bool) -> Holder:
    """The way of this system."""
    if not wanted:
        return Nobody()
    if sys.platform == "win32":
        import ctypes

        return Windows(ctypes.windll.kernel32.SetThreadExecutionState)
    found = commands(sys.platform, os.getpid())
    return Programs(found) if found else Nobody()
