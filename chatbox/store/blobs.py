"""Contents of uploaded files on disk: each stored once, under the SHA-256 of its bytes.

``<folder>/incoming/<random>.part`` while it arrives, ``<folder>/<aa>/<hash>`` from when it is whole and
synced. Only then may a row refer to it, so a crash leaves at most a content that nothing refers to.
Everything here blocks: call it through `asyncio.to_thread`.
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
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from chatbox.errors import StorageFull, Unavailable
from chatbox.rules.disk import takes_uploads
from chatbox.rules.images import HEAD_BYTES

log = logging.getLogger("chatbox.blobs")

_A_DAY = 86_400.0  # seconds
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_HASH = re.compile(r"[0-9a-f]{64}")


class Incoming:
    """A content that is arriving. Made by `Blobs.receive`; end it with `Blobs.place` or `discard`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.head = b""
        self._sum = hashlib.sha256()
        # A client that goes away discards the file while a thread may be writing to it.
        self._lock = threading.Lock()
        self._file = open(path, "xb", opener=_owner_only)  # noqa: SIM115

    @property
    def hash(self) -> str:
        """SHA-256 of what arrived so far, in hex."""
        return self._sum.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Append. Raises StorageFull, Unavailable; does nothing once discarded."""
        with self._lock, _disk():
            if self._file.closed:
                return
            _require_room(self.path.parent)  # others write, too, and not all tell a size
            self._file.write(chunk)
            self._sum.update(chunk)
            self.size += len(chunk)
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]

    def sync(self) -> None:
        """Bring everything to the disk and close. Raises as `write` does; does nothing once discarded."""
        with self._lock, _disk():
            if not self._file.closed:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()

    def discard(self) -> None:
        """Remove it, whatever its state. Does nothing once it is in its place."""
        with self._lock:
            with contextlib.suppress(OSError):  # closing flushes, which fails again on a full disk
                self._file.close()
            self.path.unlink(missing_ok=True)


class Blobs:
    """The folder of contents.

    `lock` is held while a content is put in its place and its row is stored, and while it is decided that
    no row needs a content and it is removed: else a second upload of the same bytes could lose them.
    `running` counts each user's uploads that are under way. Where the folder is `shared` with other nodes,
    whose locks nobody here sees, what is younger than a day is theirs and stays.
    """

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        self.folder = folder
        self._spared = _A_DAY if shared else 0.0
        self.lock = asyncio.Lock()
        self.running: Counter[int] = Counter()
        self._keepers = 0

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

    def prepare(self) -> None:
        """Make the folder, and remove what half arrived before a crash. Raises OSError."""
        incoming = self.folder / "incoming"
        for folder in (self.folder, incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in incoming.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):  # another node has it in its place by now
                if self._may_go(leftover):
                    leftover.unlink()

    def receive(self, expected: int) -> Incoming:
        """Begin a content of about this many bytes. Raises StorageFull, Unavailable."""
        with _disk():
            _require_room(self.folder, expected)
            return Incoming(self.folder / "incoming" / f"{secrets.token_hex(16)}.part")

    def place(self, incoming: Incoming, hash: str) -> None:
        """Put a synced content where it belongs, durably. The same bytes again change nothing.

        Raises StorageFull, Unavailable."""
        target = self.path(hash)
        with _disk():
            if not target.parent.is_dir():
                target.parent.mkdir(mode=0o700, exist_ok=True)
                _sync_folder(self.folder)
            os.replace(incoming.path, target)
            _sync_folder(target.parent)

    def open(self, hash: str) -> BinaryIO:
        """Open a content for reading. Raises OSError."""
        return open(self.path(hash), "rb")

    def remove(self, hash: str) -> None:
        """Remove a content. One that cannot be removed now (Windows: being read) waits for the next sweep."""
        with contextlib.suppress(OSError):
            if self._may_go(self.path(hash)):
                self.path(hash).unlink(missing_ok=True)

    def _may_go(self, path: Path) -> bool:
        return not self._spared or path.stat().st_mtime < time.time() - self._spared

    def all(self) -> Iterator[str]:
        """The hashes of all contents on disk."""
        for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
            yield from (path.name for path in folder.iterdir() if _HASH.fullmatch(path.name))

    def path(self, hash: str) -> Path:
        """Where a content is, or would be."""
        return self.folder / hash[:2] / hash


def _require_room(folder: Path, size: int = 0) -> None:
    usage = shutil.disk_usage(folder)
    if not takes_uploads(usage.total, usage.free, size):
        raise StorageFull


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable (fsync(2)); Windows cannot open folders, and needs it not."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        log.error("an upload could not be written: %s", error)
        raise Unavailable("The server could not store the file just now. Try again.") from error
