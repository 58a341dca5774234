"""Opening a backup that came from anywhere: nothing in it is believed until it was checked.

Names in the file are never used as paths: what is wanted is asked for by its own name, and whatever else is
in there makes the whole no backup of ours. Sizes are those of the manifest, and reading stops there.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import msgspec

from chatbox.backup.archive import UPLOADS
from chatbox.backup.manifest import DATABASE, FORMAT, MANIFEST, MANIFEST_BYTES, Manifest, upload_path
from chatbox.errors import Invalid
from chatbox.rules.text import escape_controls
from chatbox.store.migrate import MIGRATIONS

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DIRECTORY = 2**29  # bytes of the list of entries, which is read into memory: more than three million
_YEAR_10000 = 253_402_300_800_000  # ms since 1970
_END = b"PK\x05\x06"
_END_BYTES = 22  # of the record at the end; there is no comment behind it in a backup (APPNOTE 4.3.16)


class Source(Protocol):
    """A backup that is read: a zip file, or a run of the schedule."""

    manifest: Manifest

    def open_database(self) -> IO[bytes]: ...

    def open_upload(self, hash: str) -> IO[bytes]: ...


class BadBackup(Invalid):
    """What was given is no backup that could be restored. The text is for a person."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} cannot be restored. {reason} Nothing was changed.", field="file")


class ZippedBackup:
    """A zip file whose list of entries is as its manifest says. Made by `opened`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.manifest = _manifest(path, archive)

    def open_database(self) -> IO[bytes]:
        return self._archive.open(DATABASE)

    def open_upload(self, hash: str) -> IO[bytes]:
        return self._archive.open(UPLOADS + upload_path(hash))


@contextmanager
def opened(path: Path) -> Iterator[ZippedBackup]:
    """Open a zip file for restoring, and check all that can be checked without unpacking it.

    Raises `BadBackup`, from within as well, where reading shows that the file is damaged."""
    try:
        _check_end(path)
        with zipfile.ZipFile(path) as archive:
            yield ZippedBackup(path, archive)
    except OSError as error:
        raise BadBackup(path, f"The file cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, EOFError, zlib.error, UnicodeDecodeError) as error:  # the last of a name
        raise BadBackup(path, f"It is no zip file, or a damaged one: {error}.") from error
    except NotImplementedError as error:  # zipfile knows less than the format has
        raise BadBackup(path, f"Chatbox writes no zip files like this: {error}.") from error


def _check_end(path: Path) -> None:
    """A list of entries of gigabytes must not be read into memory. Raises BadZipFile, OSError."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES))
        end = file.read()
    if len(end) < _END_BYTES or not end.startswith(_END):
        raise zipfile.BadZipFile("its end is missing")
    large = end[12:16] == b"\xff" * 4
    if not large and int.from_bytes(end[12:16], "little") > _DIRECTORY:
        raise zipfile.BadZipFile("it has too many entries")
    if large and size > _DIRECTORY:
        _check_large_end(path, size)


def _check_large_end(path: Path, size: int) -> None:
    """The same by the record of zip files that are too large for the older one (APPNOTE 4.3.14)."""
    with path.open("rb") as file:
        file.seek(max(0, size - _END_BYTES - 20 - 56))
        record = file.read(56)
    if int.from_bytes(record[40:48], "little") > _DIRECTORY:
        raise zipfile.BadZipFile("it has too many entries")


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    entries = {entry.filename: entry for entry in archive.infolist()}
    _check_entries(path, archive.infolist())
    listed = entries.get(MANIFEST)
    if listed is None:
        raise BadBackup(path, "It is a zip file, but no backup that Chatbox made.")
    if listed.file_size > MANIFEST_BYTES:
        raise BadBackup(path, "Its list of contents is too long.")
    with archive.open(listed) as file:
        manifest = read_manifest(path, file.read(MANIFEST_BYTES + 1))
    expected = {DATABASE: manifest.size, MANIFEST: listed.file_size}
    expected |= {UPLOADS + upload_path(hash): size for hash, size in manifest.uploads.items()}
    for name in entries.keys() - expected.keys():
        raise BadBackup(path, f"It holds something that does not belong there: {name[:100]!r}.")
    for name in expected.keys() - entries.keys():
        raise BadBackup(path, f"{name} is missing in it.")
    for name, size in expected.items():
        if entries[name].file_size != size:
            raise BadBackup(path, f"{name} has another size than its list of contents says.")
    return manifest


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """What no backup of ours has, whatever its manifest says."""
    if len({entry.filename for entry in entries}) < len(entries):
        raise BadBackup(path, "It holds two files of one name.")
    if sum(entry.compress_size for entry in entries) > path.stat().st_size:
        raise BadBackup(path, "Its files overlap.")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or entry.filename.endswith("/"):
            raise BadBackup(path, f"It holds something that is no plain file: {entry.filename[:100]!r}.")
        if entry.compress_type not in _METHODS or entry.flag_bits & 1:
            raise BadBackup(path, "It is packed in a way that Chatbox does not use, or encrypted.")


def read_manifest(path: Path, raw: bytes) -> Manifest:
    """The manifest, if this version can restore what it describes. Raises `BadBackup`."""
    try:
        head = msgspec.json.decode(raw, type=_Head)
        if head.format == FORMAT:
            manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadBackup(path, "Its list of contents cannot be read.") from error
    if head.format > FORMAT or head.schema > len(MIGRATIONS):
        raise BadBackup(
            path,
            f"It was made by a newer Chatbox ({head.version[:40]}). Restore it with that one or a later one.",
        )
    if head.format != FORMAT or not _is_possible(manifest):
        raise BadBackup(path, "Its list of contents is wrong.")
    return manifest


def _is_possible(manifest: Manifest) -> bool:
    """Whether its numbers are sizes and a time, and its name one that a console can tell."""
    return (
        min(manifest.size, *manifest.uploads.values(), 0) == 0
        and 0 <= manifest.made_at < _YEAR_10000
        and escape_controls(manifest.name) == manifest.name
    )


class _Head(msgspec.Struct):
    format: int
    version: str
    schema: int
