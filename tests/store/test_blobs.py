"""The place of uploads, by one contract: a folder, and a bucket of a storage that is not ours."""

from __future__ import annotations

import os
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from chatbox.errors import DataFolderError
from chatbox.store.blobs import Blobs
from chatbox.store.bucket import Bucket
from chatbox.store.bucket_blobs import BucketBlobs
from chatbox.store.folder_blobs import FolderBlobs
from chatbox.store.shared_uploads import check_uploads
from chatbox.store.sqlite import open_store
from tests.chat.support import SetClock
from tests.harness.running import on_a_loop
from tests.harness.s3 import BUCKET, Storage, storage_in

NOWHERE = "ab" * 32
YESTERDAY = 90_000.0  # seconds


class Place:
    """A place of uploads that nodes share. `blobs` is how one sees it, `root` is where it is kept."""

    def __init__(
        self, root: Path, open_blobs: Callable[[str], Blobs], storage: Storage | None = None
    ) -> None:
        self.root = root
        self.open = open_blobs  # by a name, another one of which is another place
        self.blobs = open_blobs("uploads")
        self._storage = storage
        self.blobs.prepare()

    def add(self, content: bytes) -> str:
        """Put a content in its place; its hash."""
        incoming = self.blobs.receive(len(content))
        incoming.write(content)
        incoming.sync()
        self.blobs.place(incoming, incoming.hash)
        return incoming.hash

    def file(self, hash: str) -> Path:
        """Where a content is kept."""
        return self.root / "uploads" / hash[:2] / hash

    def age(self, hash: str) -> None:
        """Let it have been there for more than a day."""
        if self._storage is not None:
            self._storage.age(hash, f"{self.root.name}/uploads")
        os.utime(self.file(hash), (time.time() - YESTERDAY,) * 2)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with storage_in(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place(tmp_path, lambda name: FolderBlobs(tmp_path / name, shared=True))
    storage: Storage = request.getfixturevalue("storage")
    top = f"s3://{BUCKET}/{tmp_path.name}"  # what other tests have put there is in other places

    def open_blobs(name: str) -> Blobs:
        return BucketBlobs(tmp_path / "here", Bucket(f"{top}/{name}", storage.settings))

    return Place(storage.folder / BUCKET / tmp_path.name, open_blobs, storage)


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 2_500_000])
def test_a_content_is_read_as_it_came_from_any_byte_on(place: Place, size: int) -> None:
    content = random.Random(size).randbytes(size)
    hash = place.add(content)
    assert place.file(hash).read_bytes() == content
    assert list(place.blobs.incoming.iterdir()) == []
    for start in {0, size // 2, max(0, size - 1)}:
        with place.blobs.open(hash, start) as file:
            assert file.read(100) == content[start : start + 100]
            assert file.read() == content[start + 100 :]
            assert file.read(1) == b""
    with place.blobs.at_hand(hash) as path:
        assert path.read_bytes() == content
    assert list(place.blobs.incoming.iterdir()) == []


def test_the_same_bytes_again_change_nothing(place: Place) -> None:
    hash = place.add(b"twice")
    place.age(hash)
    assert place.add(b"twice") == hash
    place.blobs.remove(hash)  # as young as the second one
    assert list(place.blobs.all()) == [hash]
    with place.blobs.open(hash) as file:
        assert file.read() == b"twice"


def test_what_is_not_there_is_told_at_once(place: Place) -> None:
    with pytest.raises(FileNotFoundError):
        place.blobs.open(NOWHERE)
    with pytest.raises(FileNotFoundError), place.blobs.at_hand(NOWHERE) as path:
        path.read_bytes()
    place.blobs.remove(NOWHERE)


def test_all_contents_are_listed_and_nothing_else(place: Place) -> None:
    hashes = {place.add(bytes([number])) for number in range(5)}
    place.blobs.mark("0123")
    assert (place.root / "uploads" / "chatbox-uploads.txt").exists()
    assert set(place.blobs.all()) == hashes


def test_a_content_goes_once_it_is_older_than_a_day(place: Place) -> None:
    young, old = place.add(b"young"), place.add(b"old")
    place.age(old)
    for hash in (young, old):
        place.blobs.remove(hash)
    assert list(place.blobs.all()) == [young]


def test_a_large_content_is_never_in_memory_as_a_whole(place: Place) -> None:
    size, block = 24 * 2**20, random.Random(1).randbytes(2**20)
    tracemalloc.start()
    try:
        incoming = place.blobs.receive(size)
        for _ in range(24):
            incoming.write(block)
        incoming.sync()
        place.blobs.place(incoming, incoming.hash)
        with place.blobs.open(incoming.hash) as file:
            while file.read(2**16):
                pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * 2**20


def test_what_arrives_is_never_far_ahead_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FolderBlobs(tmp_path / "uploads")
    blobs.prepare()
    synced, fsync = [0], os.fsync

    def note(file: int) -> None:
        synced.append(os.fstat(file).st_size)
        fsync(file)

    incoming = blobs.receive(0)
    monkeypatch.setattr(os, "fsync", note)
    for _ in range(50):
        incoming.write(bytes(64 * 1024 + 1))
    incoming.sync()
    assert synced[-1] == incoming.size == incoming.path.stat().st_size
    assert max(after - before for before, after in pairwise(synced)) <= 2**20 + 64 * 1024


@on_a_loop()
async def test_what_is_being_placed_is_not_removed(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    async with blobs.placing(NOWHERE), blobs.placing(NOWHERE):
        assert blobs.removable([NOWHERE, "cd" * 32]) == ["cd" * 32]
    assert blobs.removable([NOWHERE]) == [NOWHERE]


def test_only_the_place_that_was_marked_first_will_do(place: Place, tmp_path: Path) -> None:
    @on_a_loop()
    async def check() -> None:
        store = await open_store(tmp_path / "chatbox.sqlite3", SetClock())
        try:
            for _ in range(2):
                await check_uploads(store, place.blobs)
            with pytest.raises(DataFolderError, match="The uploads of this chat are not in"):
                await check_uploads(store, place.open("not-mounted"))
            assert not (place.root / "not-mounted" / "chatbox-uploads.txt").exists()
            other = place.open("of-another-chat")
            assert other.mark("0123456789abcdef") == ("0123456789abcdef", True)
            with pytest.raises(DataFolderError, match=r"Set \[storage\] uploads"):
                await check_uploads(store, other)
            assert other.mark("fedcba9876543210") == ("0123456789abcdef", False)
            await check_uploads(store, place.blobs)
        finally:
            await store.close()

    check()


@on_a_loop()
async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "chatbox.sqlite3", SetClock())
    try:
        (tmp_path / "file").touch()
        with pytest.raises(DataFolderError, match="cannot be used"):
            await check_uploads(store, FolderBlobs(tmp_path / "file"))
    finally:
        await store.close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_shared_folder_keeps_what_is_younger_than_a_day(tmp_path: Path, shared: bool) -> None:
    blobs = FolderBlobs(tmp_path, shared=shared)
    blobs.prepare()
    fresh, old = "aa" * 32, "ab" * 32
    for hash in (fresh, old):
        blobs.path(hash).parent.mkdir(exist_ok=True)
        blobs.path(hash).touch()
    for name in ("fresh.part", "old.part"):
        (tmp_path / "incoming" / name).touch()
    yesterday = time.time() - YESTERDAY
    for path in (blobs.path(old), tmp_path / "incoming" / "old.part"):
        os.utime(path, (yesterday, yesterday))
    blobs.prepare()
    for hash in (fresh, old):
        blobs.remove(hash)
    assert blobs.path(fresh).exists() == shared
    assert (tmp_path / "incoming" / "fresh.part").exists() == shared
    assert not blobs.path(old).exists()
    assert not (tmp_path / "incoming" / "old.part").exists()
