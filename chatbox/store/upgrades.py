"""Making a new database, or bringing an older one to the current schema, before anybody uses it.

An upgrade first makes sure that there is room, then keeps a copy, then does everything in one transaction: a
process that is killed at any point leaves the old database or the new one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from chatbox.errors import UpgradeFailed
from chatbox.rules.disk import RESERVE, shown_size
from chatbox.store.migrate import MIGRATIONS, found, pending, upgrade
from chatbox.store.steps import run_steps


def is_pending(path: Path, migrations: Sequence[str] = MIGRATIONS) -> bool:
    """Whether the next start upgrades this database. What cannot be read is no upgrade's affair."""
    if not path.is_file() or not path.stat().st_size:
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error:
        return False
    return 0 < version < len(migrations)


def prepare(
    path: Path, now: int, connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS
) -> None:
    """Bring the database to the current schema, and make what is missing in it.

    Raises `DatabaseTooNew`, `UpgradeFailed` and sqlite3.Error; then nothing has changed."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not version or not pending(version, migrations):
        return _bring_up(connection, version, now, migrations)
    copy = path.with_name(f"{path.name}.before-format-{len(migrations)}")
    try:
        _keep_copy(path, copy, connection)
        return _bring_up(connection, version, now, migrations)
    except (sqlite3.Error, OSError) as error:
        raise UpgradeFailed(
            f"The data could not be upgraded from format {version} to {len(migrations)}: {error}. Nothing "
            f"was changed: it is in format {version} still. Go on with the version of Chatbox that you used "
            "before, or mend the cause and start this one again."
        ) from error


def _keep_copy(path: Path, copy: Path, connection: sqlite3.Connection) -> None:
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < 2 * size + RESERVE:  # the copy, and the log of the transaction
        needed = shown_size(2 * size + RESERVE)
        raise OSError(f"{needed} of free room are needed in {path.parent}, and there are {shown_size(free)}")
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection.execute("VACUUM INTO ?", (str(unfinished),))
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, copy)


def _bring_up(connection: sqlite3.Connection, version: int, now: int, migrations: Sequence[str]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        run_steps(connection, upgrade(version, migrations))
        run_steps(connection, found(secrets.token_hex(8), secrets.token_hex(8), now))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
