"""Backups of everything, made while people go on writing: into one file, or by the schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from chatbox.backup.archive import pack, write_backup
from chatbox.backup.manifest import Manifest
from chatbox.backup.shelf import Run
from chatbox.chat.context import Caller, Context
from chatbox.errors import ChatboxError, Conflict
from chatbox.progress import beside_people, told_to
from chatbox.protocol import administration
from chatbox.rules import backups as rules
from chatbox.store import users
from chatbox.store.base import Batch, Steps

log = logging.getLogger("chatbox.backups")

FAILED = "backup_failed"
_SETTLED = 300.0  # seconds after the start
_LOOK = 300.0  # seconds between two looks whether one is due
_AGAIN = 1800.0  # seconds until one that failed is tried again
_BEGUN, _MADE = "backup_begun", "backup_made"  # by which nodes that share a database take turns
_TURNS = {_BEGUN: 25 * 60_000, _MADE: 12 * 3_600_000}  # milliseconds


async def write(ctx: Context, target: Path) -> Manifest:
    """Write everything that was acknowledged before this call into one zip file. Raises as `write_backup`."""
    with _in_company(ctx):
        async with ctx.backups.lock, ctx.blobs.keeping(), ctx.store.as_file(ctx.folder) as database:
            return await asyncio.to_thread(write_backup, target, database, ctx.blobs.at_hand, ctx.clock.now())


def _in_company(ctx: Context) -> AbstractContextManager[None]:
    return beside_people(lambda: ctx.server.stopping, lambda: ctx.hub.count > 0)


async def run(ctx: Context) -> Run:
    """Make a backup as the schedule does, then remove those that are too old. Whether it went well is kept
    for admins to see. Raises StorageFull, Unavailable, Invalid and Restarting."""
    keeper = ctx.backups
    async with keeper.lock, ctx.blobs.keeping():
        try:
            with _in_company(ctx), told_to(partial(setattr, keeper, "doing")):
                async with ctx.store.as_file(ctx.folder) as database:
                    made = await asyncio.to_thread(
                        keeper.shelf.add, database, ctx.blobs.at_hand, ctx.clock.now()
                    )
            await asyncio.to_thread(keeper.shelf.prune, partial(_stays, ctx, made))
        except (ChatboxError, OSError) as error:
            _failed(ctx, error)
            raise
        finally:
            keeper.doing = ""
    keeper.failure = None
    ctx.notices.clear(FAILED)
    log.info("a backup was made: %s", made.folder)
    return made


def _stays(ctx: Context, new: Run, made: Iterable[datetime]) -> set[datetime]:
    """Those by the settings; and the new one, whatever the clock says."""
    keep = ctx.settings.backup
    kept = rules.kept(made, daily=keep.keep_daily, weekly=keep.keep_weekly, monthly=keep.keep_monthly)
    return kept | {new.made}


def _failed(ctx: Context, error: Exception) -> None:
    if ctx.server.stopping:
        return
    message = error.message if isinstance(error, ChatboxError) else f"{error}."
    ctx.backups.failure = {"at": ctx.clock.now(), "message": message}
    ctx.notices.show(FAILED, **ctx.backups.failure)
    log.error("the backup failed: %s", message)


async def keep_up(ctx: Context) -> None:
    """Make the backups of the schedule for as long as the server runs, and those that were missed while it
    did not."""
    await asyncio.to_thread(ctx.backups.shelf.clear_downloads)
    if ctx.settings.backup.schedule == "off":
        return
    wait = _SETTLED
    while True:
        await asyncio.sleep(wait)
        wait = _LOOK
        try:
            if await is_due(ctx) and await _is_ones_turn(ctx):
                await run(ctx)
                await _note_made(ctx)
        except (ChatboxError, OSError):  # told where it happened
            wait = _AGAIN
        except Exception:
            log.exception("the schedule of backups failed")
            wait = _AGAIN


async def _is_ones_turn(ctx: Context) -> bool:
    """Whether no other node of the cluster has made a backup today, or is making one. Takes the turn."""
    now = ctx.clock.now()

    def change(batch: Batch) -> Steps[bool]:
        meta = yield from users.meta()
        free = all(now - int(meta.get(key, 0)) >= span for key, span in _TURNS.items())
        if free:
            yield from users.set_meta(_BEGUN, now)
        return free

    alone = not ctx.settings.storage.database
    return alone or bool(await ctx.committer.submit(change))


async def _note_made(ctx: Context) -> None:
    if ctx.settings.storage.database:
        await ctx.committer.submit(lambda batch: users.set_meta(_MADE, ctx.clock.now()))


async def is_due(ctx: Context) -> bool:
    """Whether the schedule wants a backup now. A server that is not set up has nothing to lose."""
    if ctx.server.setup_open:
        return False
    made = await asyncio.to_thread(ctx.backups.shelf.times)
    return rules.due(datetime.fromtimestamp(ctx.clock.now() / 1000).astimezone(), made)


async def pack_for_download(ctx: Context, name: str) -> Path:
    """Make one zip file of a backup of the schedule; the caller removes it. Raises NotFound, as `pack`."""
    async with ctx.backups.lock:
        run = await asyncio.to_thread(ctx.backups.shelf.run, name)
        target = ctx.backups.shelf.download(name)
        with _in_company(ctx):
            await asyncio.to_thread(pack, target, run.folder, run.manifest, run.at_hand)
    return target


# -- for admins --------------------------------------------------------------------------------


async def backup_list(ctx: Context, caller: Caller, cmd: administration.BackupList) -> dict[str, Any]:
    """The backups of the schedule, the newest first, and what is to be known of them."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    keeper, settings = ctx.backups, ctx.settings.backup
    listed = await asyncio.to_thread(keeper.shelf.summaries)
    same_disk = await asyncio.to_thread(keeper.shelf.on_the_disk_of, ctx.folder)
    found: dict[str, Any] = {
        "backups": listed,
        "folder": str(keeper.shelf.folder),
        "same_disk": same_disk,
        "schedule": settings.schedule,
        "keep": [settings.keep_daily, settings.keep_weekly, settings.keep_monthly],
    }
    if keeper.doing:
        found["doing"] = keeper.doing
    if keeper.failure is not None:
        found["failure"] = keeper.failure
    return found


async def backup_create(ctx: Context, caller: Caller, cmd: administration.BackupCreate) -> dict[str, Any]:
    """Begin a backup now; `backup.list` tells how far it is. Raises `Conflict` where one is being made."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    keeper = ctx.backups
    if keeper.lock.locked() or (keeper.task is not None and not keeper.task.done()):
        raise Conflict("A backup is being made already.")
    keeper.doing = "…"
    keeper.task = asyncio.create_task(_run_quietly(ctx), name="backup")
    return {}


def backup_ready(ctx: Context, caller: Caller, cmd: administration.BackupReady) -> dict[str, Any]:
    """That a download or a restore would not be refused for want of the password."""
    caller.require_user()
    return {}


async def _run_quietly(ctx: Context) -> None:
    try:
        await run(ctx)
    except (ChatboxError, OSError):  # told where it happened
        pass
    except Exception:
        log.exception("a backup failed")
