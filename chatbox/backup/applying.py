"""Putting a staged backup in place, before anything is opened: the old state or the new one, whole.

Three phases, each of which can be done again from its beginning. Until the second begins, nothing of the old
state was touched; from then on every start goes on until the new one is in its place::

    staged  the restored database is made fit: a new epoch, and only sign-ins that are valid in both states
    out     what is there now is moved aside
    in      what was staged is moved to its place
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from chatbox import atomic
from chatbox.atomic import sync_folder
from chatbox.backup.manifest import DATABASE, shown_time
from chatbox.backup.staging import RESTORE, UNFINISHED, Places, Plan
from chatbox.errors import DataFolderError
from chatbox.store import restored

log = logging.getLogger("chatbox.restore")

_SUFFIXES = ("-wal", "-shm", "")  # the database itself last: as long as it is there, so is its log


def waits(data: Path) -> bool:
    """Whether there is anything to put in place, or to clear away."""
    return (data / RESTORE).is_dir() or (data / UNFINISHED).is_dir()


def apply_staged(data: Path, uploads: Path) -> Plan | None:
    """Put in place what was staged, if anything was; the caller holds the folder and has opened nothing.

    Gives what was put in place. Raises DataFolderError where that is impossible."""
    if not waits(data):
        return None
    try:
        places = Places(data, uploads)
        places.remove(UNFINISHED)
        plan = _read(places.plan)
        if plan is None:  # it was never finished
            places.remove(RESTORE)
            return None
        if plan.uploads != places.uploads_named:
            raise DataFolderError(
                f"A backup waits to be put in place, but its uploads are in {plan.uploads}, and "
                f"[storage] uploads has become {uploads}. Set it back for this start, or restore again."
            )
        _apply(places, plan)
        places.remove(RESTORE)
    except OSError as error:
        raise DataFolderError(
            f"The backup that waits in {data / RESTORE} cannot be put in place: {error}. Mend that and start "
            "again, and it goes on where it stopped."
        ) from error
    log.info(
        "the backup %s of %s was put in place; what was here before is in %s",
        plan.backup,
        shown_time(plan.made_at),
        places.database(plan.aside).parent,
    )
    return plan


def _apply(places: Places, plan: Plan) -> None:
    if plan.phase == "staged":
        disabled = restored.settle(places.database(RESTORE), places.data / DATABASE)
        if disabled:
            log.info("%d accounts are disabled: they are in the backup, and not valid any more", disabled)
        plan = _enter(places, plan, "out")
    if plan.phase == "out":
        _move_out(places, plan.aside)
        plan = _enter(places, plan, "in")
    _move_in(places)


def _move_out(places: Places, aside: str) -> None:
    database, contents = places.database(aside), places.contents(aside)
    for folder in (database.parent, contents):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in _SUFFIXES:
        _move(places.data / (DATABASE + suffix), database.with_name(DATABASE + suffix))
    for folder in _folders_of_contents(places.uploads):
        _move(folder, contents / folder.name)
    for synced in (database.parent, contents, places.data, places.uploads):
        sync_folder(synced)


def _move_in(places: Places) -> None:
    for folder in _folders_of_contents(places.contents(RESTORE)):
        _move(folder, places.uploads / folder.name)
    sync_folder(places.uploads)
    _move(places.database(RESTORE), places.data / DATABASE)
    sync_folder(places.data)


def _folders_of_contents(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9a-f][0-9a-f]"))


def _move(path: Path, target: Path) -> None:
    if path.exists():
        path.rename(target)


def _enter(places: Places, plan: Plan, phase: str) -> Plan:
    entered = msgspec.structs.replace(plan, phase=phase)
    atomic.write_text(places.plan, msgspec.json.encode(entered).decode())
    sync_folder(places.plan.parent)
    return entered


def _read(path: Path) -> Plan | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise DataFolderError(f"{path} is damaged. Remove {path.parent}, and restore again.") from error
