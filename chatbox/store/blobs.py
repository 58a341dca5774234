"""Contents of uploaded files: each stored once, under the SHA-256 of its bytes, in a folder or a bucket.

``<folder>/incoming/<random>.part`` while it arrives, and in its place from when it is whole and durable. Only
then may a row refer to it, so a crash leaves at most a content that nothing refers to.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import BinaryIO, TypeVar

from chatbox.errors import StorageFull, Unavailable
from chatbox.rules.disk import takes_uploads
from chatbox.rules.images import HEAD_BYTES

log = logging.getLogger("chatbox.blobs")

T = TypeVar("T")
HASH = re.compile(r"[0-9a-f]{64}")
A_DAY = 86_400.0  # seconds
# Bytes. All of a large file at once would keep the sync of every message waiting.
_SYNCED_EVERY = 2**20

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Incoming:
    """A content that is arriving. Made by `Blobs.receive`; end it with `Blobs.place` or `discard`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.head = b""
        self._synced = 0  # bytes
        self._sum = hashlib.sha256()
        # A client that goes away discards the file while a thread may be writing to it.
        self._lock = threading.Lock()
        self._file = open(path, "xb", opener=owner_only)  # noqa: SIM115

    @property
    def hash(self) -> str:
        """SHA-256 of what arrived so far, in hex."""
        return self._sum.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Append. Raises StorageFull, Unavailable; does nothing once discarded."""
        with self._lock, disk():
            if self._file.closed:
                return
            require_room(self.path.parent)  # others write, too, and not all tell a size
            self._file.write(chunk)
            self._sum.update(chunk)
            self.size += len(chunk)
            if self.size - self._synced >= _SYNCED_EVERY:
                self._sync()
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]

    def sync(self) -> None:
        """Bring everything to the disk and close. Raises as `write` does; does nothing once discarded."""
        with self._lock, disk():
            if not self._file.closed:
                self._sync()
                self._file.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = self.size

    def discard(self) -> None:
        """Remove it, whatever its state. Does nothing once it is in its place."""
        with self._lock:
            with contextlib.suppress(OSError):  # closing flushes, which fails again on a full disk
                self._file.close()
            self.path.unlink(missing_ok=True)


class Blobs(ABC):
    """Where the contents are. `folder` is where they arrive, on a disk of this computer.

    `placing` and `lock` keep a content from being removed between its being put in its place and its row
    being stored: else a second upload of the same bytes could lose them. `running` counts each user's uploads
    that are under way. What is not a coroutine blocks: call it by `run`."""

    name: str  # of the place, for a person
    remedy: str  # what to do where it is not the place that the others have

    def __init__(self, folder: Path, pool: Executor | None = None) -> None:
        self.folder = folder
        self.lock = asyncio.Lock()
        self.running: Counter[int] = Counter()
        self._pool = pool
        self._placing: Counter[str] = Counter()
        self._keepers = 0

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Do what blocks on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def close(self) -> None:
        """Nothing is begun any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def kept(self) -> bool:
        """Whether nothing may be removed now."""
        return self._keepers > 0

    @contextlib.asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Let all that is there now stay: a copy of the database needs what is deleted meanwhile."""
        async with self.lock:
            self._keepers += 1
        try:
            yield
        finally:
            self._keepers -= 1

    @contextlib.asynccontextmanager
    async def placing(self, hash: str) -> AsyncIterator[None]:
        """Let this content stay, until there is a row that refers to it."""
        async with self.lock:
            self._placing[hash] += 1
        try:
            yield
        finally:
            self._placing[hash] -= 1
            if not self._placing[hash]:
                del self._placing[hash]

    def removable(self, hashes: Sequence[str]) -> list[str]:
        """Those that nobody is placing; for the holder of `lock`, before the rows are looked at."""
        return [hash for hash in hashes if hash not in self._placing]

    def prepare(self) -> None:
        """Make the folder, and remove what half arrived before a crash. Raises OSError."""
        for folder in (self.folder, self.incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self.incoming.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):  # another node has it in its place by now
                if self._may_go(leftover):
                    leftover.unlink()

    @property
    def incoming(self) -> Path:
        """Where contents are until they are whole."""
        return self.folder / "incoming"

    def receive(self, expected: int) -> Incoming:
        """Begin a content of about this many bytes. Raises StorageFull, Unavailable."""
        with disk():
            require_room(self.folder, expected)
            return Incoming(self.incoming / f"{secrets.token_hex(16)}.part")

    def _may_go(self, path: Path) -> bool:
        """Whether it is of nobody else."""
        return True

    @abstractmethod
    def place(self, incoming: Incoming, hash: str) -> None:
        """Put a synced content where it belongs: durably, and seen by all. The same bytes again change
        nothing. Raises StorageFull, Unavailable."""

    @abstractmethod
    def open(self, hash: str, start: int = 0) -> BinaryIO:
        """Open a content for reading from this byte on. Raises OSError where it is not there, Unavailable
        where that is not known; so may reading."""

    @abstractmethod
    def at_hand(self, hash: str) -> contextlib.AbstractContextManager[Path]:
        """A content as a file of this computer, which stays for so long and is not changed. Raises as
        `open`."""

    @abstractmethod
    def remove(self, hash: str) -> None:
        """Remove a content, unless another node may be about to refer to it. Raises Unavailable."""

    @abstractmethod
    def all(self) -> Iterator[str]:
        """The hashes of all contents. Raises OSError, Unavailable."""

    @abstractmethod
    def mark(self, fresh: str) -> tuple[str, bool]:
        """What the place is marked with; `fresh` where it was not marked yet, and then True. Raises
        DataFolderError where it cannot be used as it should."""

    @abstractmethod
    def unmark(self) -> None:
        """Take away the mark that was made here."""


def require_room(folder: Path, size: int = 0) -> None:
    """Raises StorageFull where so many bytes would leave too little."""
    usage = shutil.disk_usage(folder)
    if not takes_uploads(usage.total, usage.free, size):
        raise StorageFull


def owner_only(path: str, flags: int) -> int:
    """An opener of files that nobody else reads."""
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def disk() -> Iterator[None]:
    """Errors of the disk, as they are told to who uploads. Raises StorageFull, Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        log.error("an upload could not be written: %s", error)
        raise Unavailable("The server could not store the file just now. Try again.") from error
