"""Contents in a folder, which several nodes may share: ``<folder>/<aa>/<hash>``."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chatbox import atomic
from chatbox.errors import DataFolderError
from chatbox.store.blobs import A_DAY, HASH, Blobs, Incoming, disk

MARK = "chatbox-uploads.txt"


class FolderBlobs(Blobs):
    """`Blobs` in a folder. Where it is `shared` with other nodes, whose locks nobody here sees, what is
    younger than a day is theirs and stays."""

    remedy = "Set [storage] uploads to the folder that all nodes share, and see that it is mounted."

    def __init__(self, folder: Path, *, shared: bool = False) -> None:
        super().__init__(folder)
        self.name = str(folder)
        self._spared = A_DAY if shared else 0.0

    def place(self, incoming: Incoming, hash: str) -> None:
        target = self.path(hash)
        with disk():
            if not target.parent.is_dir():
                target.parent.mkdir(mode=0o700, exist_ok=True)
                atomic.sync_folder(self.folder)
            os.replace(incoming.path, target)
            atomic.sync_folder(target.parent)

    def open(self, hash: str, start: int = 0) -> BinaryIO:
        file = open(self.path(hash), "rb")  # noqa: SIM115
        file.seek(start)
        return file

    @contextlib.contextmanager
    def at_hand(self, hash: str) -> Iterator[Path]:
        yield self.path(hash)

    def remove(self, hash: str) -> None:
        """One that cannot be removed now (Windows: being read) waits for the next sweep."""
        with contextlib.suppress(OSError):
            if self._may_go(self.path(hash)):
                self.path(hash).unlink(missing_ok=True)

    def all(self) -> Iterator[str]:
        for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
            yield from (path.name for path in folder.iterdir() if HASH.fullmatch(path.name))

    def path(self, hash: str) -> Path:
        """Where a content is, or would be."""
        return self.folder / hash[:2] / hash

    def mark(self, fresh: str) -> tuple[str, bool]:
        path = self.folder / MARK
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with path.open("x", encoding="ascii") as file:
                    file.write(f"{fresh}\n")
            except FileExistsError:
                found = path.read_text("ascii").strip()
            else:
                return fresh, True
        except OSError as error:
            raise DataFolderError(
                f"The folder of uploads {self.folder} cannot be used: {error.strerror}."
            ) from error
        if not found:
            raise DataFolderError(f"{path} is empty: another node makes it just now. Start again.")
        return found, False

    def unmark(self) -> None:
        (self.folder / MARK).unlink()

    def _may_go(self, path: Path) -> bool:
        return not self._spared or path.stat().st_mtime < time.time() - self._spared
