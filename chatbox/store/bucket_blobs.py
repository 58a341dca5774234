"""Contents in a bucket, which several nodes share: ``<aa>/<hash>``, as they would be in a folder."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from chatbox.errors import DataFolderError
from chatbox.progress import go_on
from chatbox.store.blobs import A_DAY, HASH, Blobs, Incoming, disk, owner_only, require_room
from chatbox.store.bucket import USERS, Bucket, BucketAway

MARK = "chatbox-uploads.txt"
_PART = 2**20  # bytes that are asked for at once: nobody's slow reading keeps a request open


class BucketBlobs(Blobs):
    """`Blobs` in a bucket. It has threads of its own: where the bucket does not answer, nothing else may wait
    behind those who ask it. What is younger than a day may be another node's, and stays."""

    remedy = "Set [storage] uploads, and all in [s3], as the other nodes have it."

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        super().__init__(folder, ThreadPoolExecutor(USERS, "uploads"))
        self.name = bucket.name
        self._bucket = bucket

    def place(self, incoming: Incoming, hash: str) -> None:
        with disk():
            self._bucket.put_file(_key(hash), incoming.path)
            incoming.path.unlink(missing_ok=True)

    def open(self, hash: str, start: int = 0) -> BinaryIO:
        content = io.BufferedReader(_Content(self._bucket, _key(hash), start), _PART)
        content.peek(1)  # so that what is wrong shows now
        return content

    @contextlib.contextmanager
    def at_hand(self, hash: str) -> Iterator[Path]:
        path = self.incoming / f"{secrets.token_hex(16)}.part"
        try:
            with self.open(hash) as content, disk():
                self.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
                with open(path, "xb", opener=owner_only) as file:
                    while block := content.read(_PART):
                        go_on()
                        require_room(self.folder)
                        file.write(block)
                    file.flush()
                    os.fsync(file.fileno())  # a backup may keep this very file
            yield path
        finally:
            path.unlink(missing_ok=True)

    def remove(self, hash: str) -> None:
        changed = self._bucket.changed_at(_key(hash))
        if changed is not None and changed < time.time() - A_DAY:
            self._bucket.delete(_key(hash))

    def all(self) -> Iterator[str]:
        for key in self._bucket.names():
            name = key.rpartition("/")[2]
            if HASH.fullmatch(name) and key == _key(name):
                yield name

    def mark(self, fresh: str) -> tuple[str, bool]:
        try:
            self._bucket.try_out()
            with contextlib.suppress(FileNotFoundError):
                return self._marked(), False
            made = self._bucket.put(MARK, f"{fresh}\n".encode(), only_new=True)
            return self._marked(), made
        except BucketAway as error:
            raise DataFolderError(str(error)) from error

    def unmark(self) -> None:
        self._bucket.delete(MARK)

    def _marked(self) -> str:
        return self._bucket.get(MARK, 0, 100)[0].decode("ascii", "replace").strip()


class _Content(io.RawIOBase):
    """A content as it is read, part by part, from this byte on."""

    def __init__(self, bucket: Bucket, key: str, start: int) -> None:
        self._bucket = bucket
        self._key = key
        self._at = start
        self._end: int | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._at == self._end or not len(buffer):
            return 0
        part, self._end = self._bucket.get(self._key, self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def _key(hash: str) -> str:
    return f"{hash[:2]}/{hash}"
