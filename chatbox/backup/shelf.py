"""The schedule's backups: a checked copy of the database for each run, and one store of uploads for all.

``runs/<time>/`` has the database and its manifest; it has its name once it is whole. ``files/<aa>/<hash>``
are the uploads of all runs, each there once: a hard link where the disk is the same, else a copy. Everything
here blocks, and one call at a time may change it.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO

from msgspec import Struct, json, structs

from chatbox.atomic import sync_folder
from chatbox.backup import files
from chatbox.backup.archive import AtHand, describe, whole
from chatbox.backup.manifest import DATABASE, MANIFEST, Manifest, stamp, stamped, upload_path
from chatbox.backup.opening import BadBackup, read_manifest
from chatbox.errors import NotFound
from chatbox.progress import Step
from chatbox.store.copies import Counted

log = logging.getLogger("chatbox.backups")

_NAME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{6}")


class Summary(Struct, frozen=True):
    """What a list tells of a backup: `at` in milliseconds since 1970, `missing` uploads."""

    name: str
    at: int
    bytes: int
    counts: dict[Counted, int]
    missing: int


class Run:
    """One backup of the schedule, to be listed or restored. Making one raises `BadBackup` and OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder, (folder / MANIFEST).read_bytes())

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def made(self) -> datetime:
        """In the machine's time zone."""
        return datetime.fromtimestamp(self.manifest.made_at / 1000).astimezone()

    @property
    def summary(self) -> Summary:
        manifest = self.manifest
        return Summary(self.name, manifest.made_at, manifest.bytes, manifest.counts, len(manifest.missing))

    def open_database(self) -> IO[bytes]:
        return (self.folder / DATABASE).open("rb")

    def open_upload(self, hash: str) -> IO[bytes]:
        return self._upload(hash).open("rb")

    def at_hand(self, hash: str) -> AbstractContextManager[Path]:
        """An upload as a file."""
        return nullcontext(self._upload(hash))

    def _upload(self, hash: str) -> Path:
        return self.folder.parent.parent / "files" / upload_path(hash)


class Shelf:
    """The folder, made when it is needed first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs = folder / "runs"
        self._files = folder / "files"
        self._downloads = folder / "downloads"
        self._known: dict[str, Summary] = {}  # a manifest may have a hundred thousand uploads

    def runs(self) -> list[Run]:
        """Every whole backup, the newest first. Raises OSError."""
        found = (self._read(path) for path in self._folders())
        runs = [run for run in found if run is not None]
        return sorted(runs, key=lambda run: run.manifest.made_at, reverse=True)

    def times(self) -> list[datetime]:
        """When the backups were made, by their names. Raises OSError."""
        return [stamped(path.name) for path in self._folders()]

    def newest(self) -> Path | None:
        """The folder of the newest backup. Raises OSError."""
        return max(self._folders(), key=lambda path: path.name, default=None)

    def summaries(self) -> list[Summary]:
        """Every whole backup in few words, the newest first. Raises OSError."""
        names = {path.name for path in self._folders()}
        for name in names - self._known.keys():
            if (run := self._read(self._runs / name)) is not None:
                self._known[name] = run.summary
        return sorted(
            (self._known[name] for name in names & self._known.keys()), key=lambda each: each.at, reverse=True
        )

    def download(self, name: str) -> Path:
        """Where a zip file of this backup may be made; whoever makes it removes it. Raises OSError."""
        self._downloads.mkdir(mode=0o700, exist_ok=True)
        return self._downloads / f"{name}.{secrets.token_hex(4)}.zip"

    def clear_downloads(self) -> None:
        """Remove what a process that was killed has left; for the start."""
        shutil.rmtree(self._downloads, ignore_errors=True)

    def run(self, name: str) -> Run:
        """The backup of this name. Raises `NotFound`."""
        if not _NAME.fullmatch(name) or not (self._runs / name / MANIFEST).is_file():
            raise NotFound("There is no such backup any more.")
        return Run(self._runs / name)

    def add(self, database: Path, at_hand: AtHand, now: int) -> Run:
        """Make a backup. The caller sees to it that no upload is removed meanwhile.

        Raises StorageFull, Unavailable and Invalid; then there is none more."""
        with files.blamed_on(self.folder):
            for folder in (self.folder, self._runs, self._files):
                folder.mkdir(mode=0o700, exist_ok=True)
            self._clear()
            while (self._runs / stamp(now)).exists():
                now += 1000
            unfinished = self._runs / f"{stamp(now)}.part"
            unfinished.mkdir(mode=0o700)
            try:
                manifest = describe(database, unfinished / DATABASE, now)
                manifest = self._take_uploads(manifest, at_hand)
                with files.Paced(unfinished / MANIFEST) as file:
                    file.write(json.encode(manifest))
                    file.sync()
                sync_folder(unfinished)
                finished = unfinished.rename(self._runs / stamp(now))
                sync_folder(self._runs)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
        return Run(finished)

    def prune(self, stays: Callable[[Iterable[datetime]], set[datetime]]) -> list[str]:
        """Remove the runs that do not stay, then the uploads that no run needs. Gives the names of the runs.

        Raises OSError; what was not removed then goes with the next call."""
        runs = self.runs()
        wanted = stays(run.made for run in runs)
        gone = [run for run in runs if run.made not in wanted]
        for run in gone:
            (run.folder / MANIFEST).unlink()  # without it the rest means nothing
            files.remove_tree(run.folder)
        needed = {hash for run in runs if run.made in wanted for hash in run.manifest.uploads}
        for path in self._stored():
            if path.name not in needed:
                path.unlink()
        return [run.name for run in gone]

    def on_the_disk_of(self, data: Path) -> bool:
        """Whether whatever becomes of the data's disk becomes of the backups as well."""
        place = self.folder
        while not place.exists():
            place = place.parent
        return place.stat().st_dev == data.stat().st_dev

    def _folders(self) -> list[Path]:
        if not self._runs.is_dir():
            return []
        folders = (path for path in self._runs.iterdir() if _NAME.fullmatch(path.name))
        return [path for path in folders if (path / MANIFEST).is_file()]

    def _read(self, folder: Path) -> Run | None:
        try:
            return Run(folder)
        except BadBackup as error:
            log.warning("%s", error.message)
            return None

    def _take_uploads(self, manifest: Manifest, at_hand: AtHand) -> Manifest:
        new = {hash: size for hash, size in manifest.uploads.items() if not self._has(hash, size)}
        step = Step("Adding uploads", sum(new.values()))
        missing = []
        for hash, size in new.items():
            with whole(at_hand, hash, size) as path:
                if path is None:
                    missing.append(hash)
                else:
                    self._take(path, hash, size)
            step.advance(size)
        left = {hash: size for hash, size in manifest.uploads.items() if hash not in set(missing)}
        return structs.replace(manifest, uploads=left, missing=missing)

    def _has(self, hash: str, size: int) -> bool:
        path = self._files / upload_path(hash)
        return path.is_file() and path.stat().st_size == size

    def _take(self, source: Path, hash: str, size: int) -> None:
        target = self._files / upload_path(hash)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = target.with_name(f"{hash}.part")
        try:
            os.link(source, unfinished)  # of a file that never changes
        except OSError:  # another disk, or one that has no links
            files.require_room(self._files, size, "for the uploads of a backup")
            with source.open("rb") as content, files.Paced(unfinished) as file:
                files.transfer(content, file, size)
                file.sync()
        os.replace(unfinished, target)
        sync_folder(target.parent)

    def _stored(self) -> Iterator[Path]:
        for folder in self._files.glob("[0-9a-f][0-9a-f]"):
            yield from folder.iterdir()

    def _clear(self) -> None:
        """Remove what a run that was cut short has left."""
        for path in self._runs.iterdir():
            if not (path / MANIFEST).is_file() or path.suffix == ".part":
                shutil.rmtree(path)
        for path in self._stored():
            if path.suffix == ".part":
                path.unlink()
