"""What would take all room or memory if it were believed."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from chatbox.backup import opening
from chatbox.errors import StorageFull
from tests.backup.packing import entries_of, pack, refused, with_database
from tests.backup.test_archive import full_disks


def test_files_that_overlap_are_refused(good: Path, tmp_path: Path) -> None:
    """Many entries that share the same packed bytes unpack to far more than the file holds."""
    entries = entries_of(good)
    entries["chatbox.sqlite3"] = b"\0" * 2**20
    pack(entries, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as archive:
        kernel = archive.getinfo("chatbox.sqlite3")
        for number in range(50):
            twin = zipfile.ZipInfo(f"uploads/ab/{number:064x}")
            twin.header_offset, twin.CRC = kernel.header_offset, kernel.CRC
            twin.compress_size = twin.file_size = kernel.file_size
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
        archive._didModify = True  # type: ignore[attr-defined]
    assert "overlap" in refused(tmp_path / "b.zip", tmp_path).message


def test_a_bomb_is_refused_before_it_is_unpacked(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = entries_of(good)
    with_database(lambda content: content + b"\0" * 60_000_000)(entries)
    archive = pack(entries, tmp_path / "b.zip", zipfile.ZIP_DEFLATED)
    del entries
    assert archive.stat().st_size < 1_000_000
    full_disks(monkeypatch, 110_000_000)
    refusal = refused(archive, tmp_path)
    assert isinstance(refusal, StorageFull)
    assert "not enough room" in refusal.message


@pytest.mark.parametrize("part", ['"uploads":{"0":0%s}', '"counts":{"0":0%s}', '"missing":[""%s]'])
def test_a_list_of_contents_that_is_a_bomb_takes_no_memory(part: str, good: Path, tmp_path: Path) -> None:
    """Short words take twenty times as much memory as in the file, where they pack to almost nothing."""
    entries, word = entries_of(good), ',"{:x}"' if "[" in part else ',"{:x}":0'
    more = "".join(map(word.format, range(2**17)))
    whole = json.loads(entries["manifest.json"])
    left = {key: value for key, value in whole.items() if key not in part}
    entries["manifest.json"] = f"{json.dumps(left)[:-1]},{part % more}}}".encode()
    size = len(entries["manifest.json"])
    archive = pack(entries, tmp_path / "b.zip", zipfile.ZIP_DEFLATED)
    del entries, more
    tracemalloc.start()
    try:
        assert "list of contents cannot be read" in refused(archive, tmp_path).message
        assert tracemalloc.get_traced_memory()[1] < 5 * size
    finally:
        tracemalloc.stop()


def test_reading_stops_where_a_file_is_longer_than_it_says(good: Path, tmp_path: Path) -> None:
    """The list of entries may lie about sizes: what is packed says otherwise."""
    entries = entries_of(good)
    size = len(entries["chatbox.sqlite3"])
    entries["chatbox.sqlite3"] += b"\0" * 50_000_000
    archive = pack(entries, tmp_path / "b.zip", zipfile.ZIP_DEFLATED)
    content = bytearray(archive.read_bytes())
    place = content.index(b"PK\x01\x02")
    while content[place + 46 : place + 61] != b"chatbox.sqlite3":
        place = content.index(b"PK\x01\x02", place + 4)
    content[place + 24 : place + 28] = struct.pack("<I", size)
    archive.write_bytes(content)
    refused(archive, tmp_path)


def test_the_list_of_entries_of_a_large_file_is_measured_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_DIRECTORY", 1000)
    with (tmp_path / "b.zip").open("wb") as file:
        file.write(b"\0" * 5000)
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0))
        file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, 5000, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 2**32 - 1, 0, 0))
    assert "too many entries" in refused(tmp_path / "b.zip", tmp_path).message
