"""Which folder holds everything, and why: chosen, checked, made, and remembered for the next start."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import platformdirs
from msgspec import Struct

from chatbox import atomic
from chatbox.errors import DataFolderError
from chatbox.rules import places

DATABASE_FILE = "chatbox.sqlite3"
SECRET_FILE = "secret.key"
SECRET_BYTES = 32
BESIDE_PROGRAM = "chatbox-data"
VARIABLE = "CHATBOX_DATA"

_SYNC_MARKERS = {
    ".dropbox.cache": "Dropbox",
    ".stfolder": "Syncthing",
    ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud",
}


class DataFolder(Struct, frozen=True):
    """The folder of this run. `sentence` says which it is and why; `warning` is empty where all is well."""

    path: Path
    sentence: str
    warning: str = ""


class Wishes(Struct, frozen=True):
    """What may decide on the folder, strongest first; None and empty where it has nothing to say."""

    option: str = ""  # --data
    variable: str = ""  # CHATBOX_DATA
    setting: Path | None = None  # [storage] data
    program: Path | None = None  # the folder that the program lies in


def choose(wishes: Wishes) -> DataFolder:
    """Decide on the folder; nothing is created. Raises DataFolderError if it cannot hold a database."""
    if wishes.option:
        return _explicit(Path(wishes.option), "given by --data")
    if wishes.variable:
        return _explicit(Path(wishes.variable), f"given by {VARIABLE}")
    if wishes.setting:
        return _explicit(wishes.setting, "given by the setting [storage] data")
    beside = wishes.program / BESIDE_PROGRAM if wishes.program else None
    if beside and beside.is_dir():
        return _explicit(beside, "which lies next to the program")
    return _implicit()


def create(folder: DataFolder) -> None:
    """Make the folder where it is missing, for its owner only. Raises DataFolderError."""
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        text = (
            f"The data folder {folder.path} cannot be made: {error.strerror}. Name another one with --data."
        )
        raise DataFolderError(text) from error
    if not os.access(folder.path, os.W_OK | os.X_OK):
        text = (
            f"The data folder {folder.path} cannot be written to by this user. Name another one with --data."
        )
        raise DataFolderError(text)


def blame_full_disk(folder: DataFolder, error: OSError) -> None:
    """Raise DataFolderError with the remedy where that is what the error means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = f"The disk of the data folder {folder.path} is full. Make room on it, then start again."
        raise DataFolderError(text) from error


def remember(folder: DataFolder) -> None:
    """Note the folder for a later start that names none; where that is impossible, go on without."""
    note = _note()
    if note is None or _is_temporary(folder.path) or remembered() == folder.path:
        return
    with contextlib.suppress(OSError):
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write_text(note, f"{folder.path}\n")


def remembered() -> Path | None:
    """The folder of the last start, if it still holds a database and can be used."""
    note = _note()
    if note is None:
        return None
    try:
        path = Path(note.read_text("utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None
    usable = path.is_absolute() and has_database(path) and not _is_temporary(path) and not refusal(path)
    return path if usable else None


def has_database(path: Path) -> bool:
    """Whether a folder holds the database of an earlier start."""
    return (path / DATABASE_FILE).is_file()


def refusal(path: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """Why a folder can never hold a database, as a sentence; None where it can."""
    service = places.cloud_service(path, environment) or _synced_by(path)
    if service:
        return (
            f"{path} is kept in step by {service}, which would copy the database while it is being written "
            "and damage it."
        )
    kind = _network_type(path)
    if kind:
        return (
            f"{path} is on a network file system ({kind}), on which SQLite's write-ahead log does not work."
        )
    return None


def _explicit(path: Path, why: str) -> DataFolder:
    try:
        path = path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, no home, a null character
        raise DataFolderError(f"The data folder {path}, {why}, is no usable path: {error}.") from error
    reason = refusal(path)
    if reason:
        raise DataFolderError(
            f"The data folder cannot be used: {reason} Name one on a local disk with --data."
        )
    if path.exists() and not path.is_dir():
        raise DataFolderError(f"The data folder {path}, {why}, is a file. Name a folder.")
    warning = f"{path} is a temporary folder: the system may empty it." if _is_temporary(path) else ""
    return DataFolder(path, f"Data folder: {path}, {why}.", warning)


def _implicit() -> DataFolder:
    default = _user_path(platformdirs.user_data_path)
    last = remembered()
    if last and last != default and (default is None or not has_database(default)):
        return DataFolder(
            last,
            f"Data folder: {last}, the one that was used last. To begin a new one, name it with --data"
            + (f" (the usual place is {default})." if default else "."),
        )
    if default is None:
        raise DataFolderError("No home folder is known to keep data in. Name a data folder with --data.")
    if _is_temporary(default):
        text = f"The usual data folder, {default}, is a temporary one. Name another one with --data."
        raise DataFolderError(text)
    return _explicit(default, "the usual place")


def _note() -> Path | None:
    folder = _user_path(platformdirs.user_config_path)
    return folder / "last-data-folder.txt" if folder else None


def _user_path(path_of: Callable[..., Path]) -> Path | None:
    """A folder of the user's, by platformdirs; None where the system knows no home."""
    try:
        return path_of("Chatbox", appauthor=False).resolve()
    except RuntimeError:
        return None


def _is_temporary(path: Path) -> bool:
    roots = {Path(tempfile.gettempdir()).resolve()}
    if os.name == "posix":
        roots |= {Path(name).resolve() for name in ("/tmp", "/var/tmp", "/dev/shm")}
    try:
        home = Path.home().resolve()
    except RuntimeError:
        home = Path(path.anchor)
    return places.is_temporary(path, roots, home)


def _synced_by(path: Path) -> str | None:
    for folder in (path, *path.parents):
        for marker, service in _SYNC_MARKERS.items():
            if (folder / marker).exists():
                return service
    return None


def secret_of(folder: Path) -> bytes:
    """256 bit that only this folder has, made when they are first asked for. Raises OSError."""
    file = folder / SECRET_FILE
    try:
        kept = bytes.fromhex(file.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        kept = b""
    if len(kept) != SECRET_BYTES:
        kept = secrets.token_bytes(SECRET_BYTES)
        atomic.write_text(file, kept.hex())
    return kept


if sys.platform == "win32":

    def _network_type(path: Path) -> str | None:
        import ctypes

        remote = 4  # DRIVE_REMOTE of GetDriveTypeW
        if path.drive.startswith("\\\\"):
            return "a share"
        return "a network drive" if ctypes.windll.kernel32.GetDriveTypeW(path.anchor) == remote else None

elif sys.platform == "linux":

    def _network_type(path: Path) -> str | None:
        try:
            text = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape")
        except OSError:  # a bare root without /proc cannot tell
            return None
        return places.network_type(path, places.parse_proc_mounts(text))

else:

    def _network_type(path: Path) -> str | None:
        try:
            shown = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return places.network_type(path, places.parse_mount_command(shown.stdout.decode("utf-8", "replace")))
