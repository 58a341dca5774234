"""A node that does not see the others' uploads does not serve, and nobody takes away what is another's."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from chatbox.errors import DataFolderError
from chatbox.store.blobs import Blobs
from chatbox.store.shared_uploads import MARK, check_uploads
from chatbox.store.sqlite import open_store
from tests.chat.support import SetClock
from tests.harness.running import on_a_loop


@on_a_loop()
async def test_only_the_folder_that_was_marked_first_will_do(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "chatbox.sqlite3", SetClock())
    try:
        for _ in range(2):
            await check_uploads(store, tmp_path / "shared")
        with pytest.raises(DataFolderError, match="that all nodes share"):
            await check_uploads(store, tmp_path / "not mounted")
        assert list((tmp_path / "not mounted").iterdir()) == []
        (tmp_path / "of another chat").mkdir()
        (tmp_path / "of another chat" / MARK).write_text("0123456789abcdef\n")
        with pytest.raises(DataFolderError, match="that all nodes share"):
            await check_uploads(store, tmp_path / "of another chat")
        assert (tmp_path / "of another chat" / MARK).exists()
        await check_uploads(store, tmp_path / "shared")
    finally:
        await store.close()


@on_a_loop()
async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "chatbox.sqlite3", SetClock())
    try:
        (tmp_path / "file").touch()
        with pytest.raises(DataFolderError, match="cannot be used"):
            await check_uploads(store, tmp_path / "file")
    finally:
        await store.close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_shared_folder_keeps_what_is_younger_than_a_day(tmp_path: Path, shared: bool) -> None:
    blobs = Blobs(tmp_path, shared=shared)
    blobs.prepare()
    fresh, old = "aa" * 32, "ab" * 32
    for hash in (fresh, old):
        blobs.path(hash).parent.mkdir(exist_ok=True)
        blobs.path(hash).touch()
    for name in ("fresh.part", "old.part"):
        (tmp_path / "incoming" / name).touch()
    yesterday = time.time() - 90_000
    for path in (blobs.path(old), tmp_path / "incoming" / "old.part"):
        os.utime(path, (yesterday, yesterday))
    blobs.prepare()
    for hash in (fresh, old):
        blobs.remove(hash)
    assert blobs.path(fresh).exists() == shared
    assert (tmp_path / "incoming" / "fresh.part").exists() == shared
    assert not blobs.path(old).exists()
    assert not (tmp_path / "incoming" / "old.part").exists()
