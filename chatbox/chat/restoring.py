"""Taking in a backup from a browser: an admin's, or on a new computer that of whoever has the setup code."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

from chatbox.backup.files import Paced, blamed_on
from chatbox.backup.staging import stage, stage_file
from chatbox.chat.context import Caller, Context
from chatbox.errors import Conflict, Forbidden
from chatbox.rules.disk import RESERVE
from chatbox.settings import Settings
from chatbox.store import users

log = logging.getLogger("chatbox.restore")

_FOLDER = "restore.upload"
_BLOCK = 2**20  # bytes that are written at once: each write is a hop to a thread


class Arriving:
    """A backup that is arriving. Made by `begin`; end it with `finish` or `abandon`.

    `room` is how many bytes it may have."""

    def __init__(self, ctx: Context, caller: Caller, path: Path, file: Paced, room: int) -> None:
        self._ctx = ctx
        self._caller = caller
        self._path = path
        self._file = file
        self._waiting = bytearray()
        self._writing = asyncio.Lock()
        self._over = False
        self.room = room

    async def write(self, chunk: bytes) -> None:
        """Append what arrived. Raises StorageFull, Invalid."""
        self._waiting += chunk
        if len(self._waiting) >= _BLOCK:
            await self._flush()

    async def finish(self) -> str:
        """Check and stage it; what to tell. A client that goes away stops nothing.

        Raises as `stage_file`, and `SignedOut` or `Forbidden` where the right to it ended while it came: an
        admin is none any more, or somebody else has set the server up."""
        self._over = True
        ctx = self._ctx
        try:
            await self._flush()
            await asyncio.to_thread(self._file.close)
            async with ctx.backups.lock:
                if not instead_of_setup(ctx):
                    await _require_admin(ctx, self._caller)
                summary = await asyncio.to_thread(
                    stage_file, self._path, ctx.folder, ctx.blobs.folder, ctx.clock.now()
                )
        finally:
            await self._remove()
        log.info("a backup was staged from a browser: %s", summary)
        return summary

    def abandon(self) -> None:
        """Remove what arrived, unless it is being staged. Never waits for the disk."""
        if not self._over:
            self._over = True
            self._ctx.backups.end = asyncio.create_task(self._remove(), name="restore.abandon")

    async def _flush(self) -> None:
        async with self._writing:
            chunk, self._waiting = bytes(self._waiting), bytearray()
            with blamed_on(self._path):
                await asyncio.to_thread(self._file.write, chunk)

    async def _remove(self) -> None:
        async with self._writing:
            await asyncio.to_thread(_remove, self._path.parent, self._file)
        self._ctx.backups.arriving = False


def _remove(folder: Path, file: Paced) -> None:
    try:
        file.close()  # which flushes, and fails again on a full disk
    except OSError as error:
        log.info("a backup could not be written to its end: %s", error)
    shutil.rmtree(folder, ignore_errors=True)


def restorable(settings: Settings) -> None:
    """Raises `Conflict` where the next start could not put a backup in place: what other servers use as well
    is not replaced by one of them."""
    if settings.storage.database:
        raise Conflict(
            "A backup cannot take the place of a PostgreSQL database. Restore it into a data folder of its "
            "own, and move that into a new database: see docs/scaling.md."
        )


async def restore_run(ctx: Context, name: str) -> str:
    """Check and stage a backup of the schedule; what to tell. Raises NotFound, Conflict, and as
    `stage_file`."""
    restorable(ctx.settings)
    async with ctx.backups.lock:
        run = await asyncio.to_thread(ctx.backups.shelf.run, name)
        summary = await asyncio.to_thread(
            stage, run.folder, run, ctx.folder, ctx.blobs.folder, ctx.clock.now()
        )
    log.info("a backup of the schedule was staged from a browser: %s", summary)
    return summary


async def begin(ctx: Context, caller: Caller, name: str, secret: str) -> Arriving:
    """Begin to take in a backup under this name. `secret` is the setup code or token.

    Raises `SignedOut`, `Forbidden` and `RateLimited` where the caller may not, `Conflict` where one arrives
    already, `StorageFull` and `Invalid`."""
    await _check_rights(ctx, caller, secret)
    restorable(ctx.settings)
    if ctx.backups.arriving:
        raise Conflict("A backup is being restored already.")
    ctx.backups.arriving = True
    try:
        return await asyncio.to_thread(_open, ctx, caller, name)
    except BaseException:
        ctx.backups.arriving = False
        raise


def instead_of_setup(ctx: Context) -> bool:
    """Whether there is nobody yet who could sign in: then the setup code is what counts."""
    return ctx.setup is not None and ctx.server.setup_open


async def _check_rights(ctx: Context, caller: Caller, secret: str) -> None:
    if ctx.setup is not None and instead_of_setup(ctx):
        if not secret:
            raise Forbidden("The setup code is needed.", field="secret")
        ctx.setup.check(secret, caller.address)
    else:
        await _require_admin(ctx, caller)


async def _require_admin(ctx: Context, caller: Caller) -> None:
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))


def _open(ctx: Context, caller: Caller, name: str) -> Arriving:
    folder = ctx.folder / _FOLDER
    with blamed_on(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        room = max(0, shutil.disk_usage(folder).free - RESERVE)
        return Arriving(ctx, caller, folder / name, Paced(folder / name), room)
