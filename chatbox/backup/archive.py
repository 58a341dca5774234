"""One backup as one zip file: written beside its place, read again from the disk, and only then named."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

from msgspec import json, structs

from chatbox.atomic import sync_folder
from chatbox.backup import files
from chatbox.backup.manifest import DATABASE, FORMAT, MANIFEST, Manifest, upload_path
from chatbox.errors import Conflict, Invalid, Unavailable
from chatbox.progress import Step
from chatbox.store import copies
from chatbox.version import VERSION

UPLOADS = "uploads/"

AtHand = Callable[[str], AbstractContextManager[Path]]  # an upload as a file; raises OSError where it is lost


def write_backup(target: Path, database: Path, at_hand: AtHand, now: int) -> Manifest:
    """Write everything into one zip file for its owner only. It has its name once all of it was read back.

    Messages that were acknowledged before the call are in it. The caller sees to it that no upload is removed
    meanwhile. Raises `Invalid`, `Conflict`, `StorageFull` and `Unavailable`; then the target is as it was."""
    with files.blamed_on(target):
        check_target(target)
    with files.blamed_on(target), _scratch(target) as folder:
        manifest = describe(database, folder / DATABASE, now)
        return pack(target, folder, manifest, at_hand)


def pack(target: Path, folder: Path, manifest: Manifest, at_hand: AtHand) -> Manifest:
    """Write a zip file of a copy of the database, which is in this folder, and its uploads; the folder is on
    the disk of the target. Raises as `write_backup`; gives the manifest with what was missing."""
    with files.blamed_on(target):
        files.require_room(target.parent, manifest.bytes, f"for {target.name}")
        draft = folder / f"{target.name}.draft"
        draft.unlink(missing_ok=True)
        try:
            manifest = _write(draft, folder / DATABASE, manifest, at_hand)
            _check(draft, manifest)
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(target.parent)
    return manifest


def describe(database: Path, copy: Path, now: int) -> Manifest:
    """Copy the database, check the copy, and describe a backup that has all of its uploads.

    Raises StorageFull, Unavailable where the database is damaged, and OSError."""
    files.require_room(copy.parent, copies.size_of(database), "for a copy of the database")
    try:
        copies.copy(database, copy)
        contents = copies.examine(copy)
    except copies.Damaged as error:
        raise Unavailable(f"There is no backup without a whole database. {error.message}") from error
    with copy.open("rb") as file:
        size, sha256 = files.transfer(file, None, copy.stat().st_size)
    return Manifest(
        format=FORMAT,
        version=VERSION,
        made_at=now,
        server=contents.server,
        name=contents.name,
        schema=contents.schema,
        counts=contents.counts,
        size=size,
        sha256=sha256,
        uploads=contents.uploads,
    )


def check_target(target: Path, *, replace: bool = True) -> None:
    """Raises `Invalid` or `Conflict` where no backup can get this name; without `replace` also where an older
    one has it."""
    if not target.parent.is_dir():
        raise Invalid(f"There is no folder {target.parent}. Make it, or name another file.", field="file")
    if target.is_dir():
        raise Invalid(f"{target} is a folder. Name a file in it.", field="file")
    if not target.exists() or not target.stat().st_size:
        return
    if not _is_backup(target):
        raise Conflict(f"{target} is there already and is no backup. Name another file.", field="file")
    if not replace:
        raise Conflict(
            f"{target} is there already: an older backup. Name another file, or add --force to replace it.",
            field="file",
        )


def _is_backup(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder beside a file, for its owner only, that is gone in the end; what a kill has left goes."""
    folder = target.with_name(f".{target.name}.part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        with suppress(OSError):
            files.remove_tree(folder)


def _write(draft: Path, copy: Path, manifest: Manifest, at_hand: AtHand) -> Manifest:
    """Write the zip file; gives the manifest with what was missing. Entries carry no dates: it has one."""
    with files.Paced(draft) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            with copy.open("rb") as source, archive.open(DATABASE, "w", force_zip64=True) as sink:
                files.transfer(source, sink, manifest.size, Step("Packing the database", manifest.size))
            manifest = _add_uploads(archive, manifest, at_hand)
            archive.writestr(MANIFEST, json.encode(manifest))
        file.sync()
    return manifest


def _add_uploads(archive: zipfile.ZipFile, manifest: Manifest, at_hand: AtHand) -> Manifest:
    """What cannot be read in full and with its own hash is left out, and told: one damaged upload must not
    cost all others their backup. Pictures do not get smaller, so they are stored as they are."""
    step = Step("Adding uploads", sum(manifest.uploads.values()))
    left: dict[str, int] = {}
    for hash, size in manifest.uploads.items():
        with whole(at_hand, hash, size) as path:
            if path is None:
                continue
            entry = zipfile.ZipInfo(UPLOADS + upload_path(hash))
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=size >= 2**31) as sink:
                files.transfer(source, sink, size, step)
        left[hash] = size
    missing = [*manifest.missing, *(hash for hash in manifest.uploads if hash not in left)]
    return structs.replace(manifest, uploads=left, missing=missing)


@contextmanager
def whole(at_hand: AtHand, hash: str, size: int) -> Iterator[Path | None]:
    """An upload as a file, if it is what it was when it came."""
    with ExitStack() as stack:
        found = None
        try:
            path = stack.enter_context(at_hand(hash))
            with path.open("rb") as source:
                if files.transfer(source, None, size) == (size, hash):
                    found = path
        except OSError:
            pass
        yield found


def _check(draft: Path, manifest: Manifest) -> None:
    """Read the file back. Raises Unavailable where it does not hold what was written."""
    step = Step("Checking the backup", manifest.bytes)
    try:
        with zipfile.ZipFile(draft) as archive:
            expected = {DATABASE: (manifest.size, manifest.sha256)}
            expected |= {UPLOADS + upload_path(hash): (size, hash) for hash, size in manifest.uploads.items()}
            for name, (size, sha256) in expected.items():
                with archive.open(name) as entry:
                    if files.transfer(entry, None, size, step) != (size, sha256):
                        raise zipfile.BadZipFile(f"{name} differs")
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise Unavailable(f"What was written could not be read back: {error}. Try again.") from error
