"""Bringing a backup into the data folder, checked and whole, to be put in place by the next start.

It lies in ``restore/`` of the data folder; the uploads in ``restore/`` of theirs where that is on another
disk. A file ``plan.json`` that is written last says that all of it is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from chatbox import atomic
from chatbox.atomic import sync_folder
from chatbox.backup import files
from chatbox.backup.manifest import DATABASE, MANIFEST, Manifest, shown_counts, shown_time, stamp, upload_path
from chatbox.backup.opening import BadBackup, Source, opened
from chatbox.backup.shelf import Run
from chatbox.errors import Invalid
from chatbox.progress import Step
from chatbox.store import copies

RESTORE = "restore"
PLAN = "plan.json"
UNFINISHED = "restore.part"


class Plan(msgspec.Struct, frozen=True):
    """What the next start is to put in place. `uploads` is the folder that they belong in, `aside` the name
    of the folder for what is there now; `phase` is how far the start has come with it."""

    backup: str
    made_at: int
    uploads: str
    aside: str
    phase: str = "staged"  # then out, in


class Places:
    """Where a restore keeps what: on the disk of what it replaces, so that it only has to be renamed."""

    def __init__(self, data: Path, uploads: Path) -> None:
        self.data = data
        self.uploads = uploads
        uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
        together = data.stat().st_dev == uploads.stat().st_dev
        self._base = data if together else uploads
        self._inner = "uploads" if together else ""

    @property
    def uploads_named(self) -> str:
        """The folder of uploads; relative where it is in the data folder, which may be moved as a whole."""
        inside = self.uploads.is_relative_to(self.data)
        return str(self.uploads.relative_to(self.data) if inside else self.uploads)

    @property
    def plan(self) -> Path:
        return self.data / RESTORE / PLAN

    def database(self, folder: str) -> Path:
        """The database in the folder of this name: restore, or what is kept aside."""
        return self.data / folder / DATABASE

    def contents(self, folder: str) -> Path:
        """The uploads in the folder of this name."""
        return self._base / folder / self._inner

    def remove(self, folder: str) -> None:
        """Remove the folder of this name, with its plan first: without one the rest means nothing. Raises
        OSError."""
        (self.data / folder / PLAN).unlink(missing_ok=True)
        for path in {self.data / folder, self._base / folder}:
            if path.exists():
                shutil.rmtree(path)

    def rename(self, folder: str, new: str) -> None:
        for base in {self.data, self._base}:
            (base / folder).rename(base / new)
            sync_folder(base)


def stage_file(path: Path, data: Path, uploads: Path, now: int) -> str:
    """Stage a zip file, or a backup of the schedule by its folder; what to tell whoever restores it. One that
    was staged before is dropped.

    Raises `BadBackup`, `StorageFull` and `Invalid`; then nothing has changed."""
    folder = path.parent if path.name == MANIFEST else path
    if (folder / MANIFEST).is_file():
        return stage(folder, Run(folder), data, uploads, now)
    with opened(path) as source:
        return stage(path, source, data, uploads, now)


def stage(path: Path, source: Source, data: Path, uploads: Path, now: int) -> str:
    """Stage what an opened backup holds. Raises as `stage_file`."""
    with files.blamed_on(data):
        places = Places(data, uploads)
        places.remove(UNFINISHED)
        try:
            _fill(path, source, places)
            places.remove(RESTORE)
            places.rename(UNFINISHED, RESTORE)
        except BaseException:
            places.remove(UNFINISHED)
            raise
        aside = _unused_name(places, f"before-restore-{stamp(now)}")
        plan = Plan(path.name, source.manifest.made_at, places.uploads_named, aside)
        atomic.write_text(places.plan, msgspec.json.encode(plan).decode())
        sync_folder(places.plan.parent)
    return _summary(path, source.manifest, places, aside)


def _fill(path: Path, source: Source, places: Places) -> None:
    manifest = source.manifest
    database, contents = places.database(UNFINISHED), places.contents(UNFINISHED)
    files.require_room(places.data, manifest.size + sum(manifest.uploads.values()), "for the backup's files")
    files.require_room(places.uploads, sum(manifest.uploads.values()), "for the backup's uploads")
    for folder in (database.parent, contents):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    step = Step("Unpacking and checking the backup", manifest.bytes)
    with _part(path, source.open_database) as entry, files.Paced(database) as file:
        if files.transfer(entry, file, manifest.size, step) != (manifest.size, manifest.sha256):
            raise BadBackup(path, "Its database does not match its checksum.")
        file.sync()
    _check_database(path, database, manifest)
    for hash, size in manifest.uploads.items():
        target = contents / upload_path(hash)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with _part(path, partial(source.open_upload, hash)) as entry, files.Paced(target) as file:
            if files.transfer(entry, file, size, step) != (size, hash):
                raise BadBackup(path, f"The upload {hash[:12]}… does not match its checksum.")
    _sync_all(contents)


def _part(path: Path, opening: Callable[[], IO[bytes]]) -> IO[bytes]:
    try:
        return opening()
    except OSError as error:
        raise BadBackup(path, f"A part of it cannot be read: {error.strerror or error}.") from error


def _check_database(path: Path, database: Path, manifest: Manifest) -> None:
    try:
        found = copies.examine(database)
    except Invalid as error:
        raise BadBackup(path, error.message) from error
    if not manifest.fits(found):
        raise BadBackup(path, "Its database is not the one that its list of contents describes.")


def _sync_all(folder: Path) -> None:
    """Bring everything to the disk: at once where the system can, as one by one takes long."""
    if hasattr(os, "sync"):
        os.sync()
        return
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())


def _unused_name(places: Places, name: str) -> str:
    number, found = 1, name
    while places.database(found).parent.exists() or places.contents(found).exists():
        number += 1
        found = f"{name}-{number}"
    return found


def _summary(path: Path, manifest: Manifest, places: Places, aside: str) -> str:
    of = f' of "{manifest.name}"' if manifest.name else ""
    kept = {places.database(aside).parent, places.contents(aside)}
    lost = f" {len(manifest.missing)} uploads were damaged when it was made." if manifest.missing else ""
    shown = " and ".join(sorted(str(each) for each in kept if each.parent not in kept))
    return (
        f"{path.name}, the backup{of} of {shown_time(manifest.made_at)}, is checked and ready: "
        f"{shown_counts(manifest.counts)}.{lost} The next start puts it in place, and keeps what is here now "
        f"in {shown}."
    )
