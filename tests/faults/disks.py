"""Disks that fail: one that is small, one that turns read-only, and system calls that fail on any."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.needs import need, works
from tests.harness.process import Server

MIB = 2**20
_SHIM = Path(__file__).with_name("failing_calls.c")


@contextmanager
def small_disk(server: Server, size: int) -> Iterator[SmallDisk]:
    """Give the server a data folder on a file system of so many bytes."""
    server.data.mkdir(parents=True)
    mounted = works("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(server.data))
    need(mounted, "leave to mount a tmpfs")
    try:
        yield SmallDisk(server.data)
    finally:
        _unmount(server.data)


class SmallDisk:
    """A file system that can be filled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Use up all but so many bytes, by a file that has nothing to do with the server."""
        with self._ballast.open("ab") as file:
            while (free := self.free) > leave:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), min(free - leave, MIB))
                file.seek(0, os.SEEK_END)

    def empty(self) -> None:
        """Free what `fill` used."""
        self._ballast.unlink()


@contextmanager
def breaking_disk(server: Server, folder: Path) -> Iterator[BreakingDisk]:
    """Give the server a data folder on an ext4 of its own, which can be made to find itself damaged."""
    server.data.mkdir(parents=True)
    disk = BreakingDisk(server.data, folder / "image")
    need(disk.make(), "mkfs.ext4 and leave to mount a loop device")
    try:
        yield disk
    finally:
        _unmount(server.data)


class BreakingDisk:
    """An ext4 that turns read-only under the feet of those who write to it, as real ones do after errors."""

    def __init__(self, folder: Path, image: Path) -> None:
        self._folder = folder
        self._image = image

    def make(self) -> bool:
        with self._image.open("wb") as file:
            file.truncate(128 * MIB)
        return works("mkfs.ext4", "-q", "-F", str(self._image)) and self._mount()

    def fail(self) -> None:
        """From now on it is read-only; only mounting it anew mends it."""
        subprocess.run(["mount", "-o", "remount,abort", str(self._folder)], check=True)

    def mend(self) -> None:
        """Mount it anew, which needs everybody to have closed their files."""
        _unmount(self._folder)
        assert self._mount()

    def _mount(self) -> bool:
        return works("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self._folder))


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)


class FailingCalls:
    """Lets system calls of one server fail with an error number, on the files of its data folder."""

    def __init__(self, server: Server, folder: Path) -> None:
        library, self._file = folder / "failing_calls.so", folder / "faults"
        need(works("cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(_SHIM), "-ldl"), "a C compiler")
        self._file.write_bytes(bytes(16))
        server.environment |= {
            "LD_PRELOAD": str(library),
            "FAULTS_FILE": str(self._file),
            "FAULTS_FOLDER": str(server.data),
        }

    def set(self, *, write: int = 0, sync: int = 0, open: int = 0) -> None:
        """From now on these calls fail like this; 0 lets them succeed."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("iii", write, sync, open))

    @property
    def failed(self) -> int:
        """How many calls have failed so far."""
        return int(struct.unpack("iiii", self._file.read_bytes())[3])
