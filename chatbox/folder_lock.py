"""One process per data folder: a lock of the operating system, and the address of the one that holds it.

The lock goes with its process, however that ends, so that nothing has to be cleared up after a kill. The lock
file itself stays: removing it would let two processes lock two files of one name.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from chatbox import atomic
from chatbox.errors import DataFolderError

LOCK_FILE = "chatbox.lock"
RUNNING_FILE = "running.json"
CONTROL_FILE = "control.json"


class Running(msgspec.Struct, frozen=True):
    """What the holder says about itself once it serves."""

    url: str
    pid: int


class FolderInUse(DataFolderError):
    """Another process holds the folder. `running` is None until that one serves."""

    def __init__(self, folder: Path, running: Running | None) -> None:
        self.running = running
        where = f" at {running.url} (process {running.pid})" if running else ", which is starting or at work"
        super().__init__(
            f"The data folder {folder} is in use by another Chatbox{where}. "
            "Use that one, stop it, or name another folder with --data."
        )


class FolderLock:
    """Holds a folder from `acquire` to `release`, or to the end of the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the folder, at once or not at all. Raises FolderInUse, DataFolderError."""
        path = self._folder / LOCK_FILE
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataFolderError(f"{path} cannot be opened: {error.strerror}.") from error
        try:
            _lock(handle)
        except OSError as error:
            os.close(handle)
            raise FolderInUse(self._folder, self._running()) from error
        self._handle = handle
        self._forget()  # what a killed holder left

    def publish(self, url: str) -> None:
        """Say where this process can be reached. Raises OSError."""
        text = msgspec.json.encode(Running(url, os.getpid())).decode()
        atomic.write_text(self._folder / RUNNING_FILE, text)

    def release(self) -> None:
        """Give the folder back; a second call does nothing."""
        if self._handle is not None:
            self._forget()
            os.close(self._handle)  # which ends the lock
            self._handle = None

    def __enter__(self) -> Self:
        if self._handle is None:
            self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _running(self) -> Running | None:
        try:
            return msgspec.json.decode((self._folder / RUNNING_FILE).read_bytes(), type=Running)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _forget(self) -> None:
        for name in (RUNNING_FILE, CONTROL_FILE):
            with suppress(OSError):  # a read-only disk; without the lock they mean nothing
                (self._folder / name).unlink(missing_ok=True)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
