"""Reading and writing the big files of a backup: in blocks, hashed on the way, kind to the disk."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from chatbox.errors import Invalid, StorageFull
from chatbox.progress import Step, go_on
from chatbox.rules.disk import RESERVE, shown_size

_BLOCK = 2**18
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Paced(io.BufferedWriter):
    """A new file, for its owner only, that is brought to the disk bit by bit: hundreds of megabytes that the
    system wrote at once would keep the sync of every message waiting."""

    EVERY = 2**20  # bytes

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "x", opener=_owner_only))
        self._unsynced = 0

    def write(self, block: Any, /) -> int:
        written = super().write(block)
        self._unsynced += written
        if self._unsynced >= self.EVERY:
            self.sync()
        return written

    def sync(self) -> None:
        """Bring everything to the disk. Raises OSError."""
        self._unsynced = 0
        self.flush()
        os.fsync(self.fileno())


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def transfer(
    source: IO[bytes], sink: IO[bytes] | Paced | None, most: int, step: Step | None = None
) -> tuple[int, str]:
    """Read to the end, but no more than a block beyond `most` bytes, into the sink if there is one.

    Gives the number of bytes and their SHA-256 in hex. Raises OSError, and `Restarting` as `go_on` does."""
    found, size = hashlib.sha256(), 0
    while size <= most and (block := source.read(_BLOCK)):
        go_on()
        found.update(block)
        size += len(block)
        if sink is not None:
            sink.write(block)
        if step is not None:
            step.advance(len(block))
    return size, found.hexdigest()


def require_room(folder: Path, needed: int, purpose: str) -> None:
    """Raises StorageFull, saying how much is missing, where the disk of this folder has too little room."""
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE:
        raise StorageFull(
            f"There is not enough room in {folder} {purpose}: {shown_size(needed + RESERVE)} are needed, "
            f"{shown_size(free)} are free. Nothing was changed."
        )


@contextmanager
def blamed_on(path: Path) -> Iterator[None]:
    """Errors of the system while this file is written, as what a person can do about them."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(f"The disk of {path} is full. Nothing was changed.") from error
        raise Invalid(f"{path} cannot be written: {error.strerror or error}.", field="file") from error


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, big files from their ends on: while a file system gives back
    hundreds of megabytes at once, the sync of every message waits. What has another name as well stays whole
    under that one. Raises OSError."""
    for path in folder.rglob("*"):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            for size in range(found.st_size - Paced.EVERY, 0, -Paced.EVERY):
                os.truncate(path, size)
    shutil.rmtree(folder)
