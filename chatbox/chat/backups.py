"""Backups of everything, made while people go on writing: into one file, or by the schedule."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from chatbox.backup.archive import pack, write_backup
from chatbox.backup.manifest import Manifest
from chatbox.backup.shelf import Run
from chatbox.chat.context import Caller, Context
from chatbox.errors import ChatboxError, Conflict, Unavailable
from chatbox.progress import beside_people, told_to
from chatbox.protocol import administration
from chatbox.rules import backups as rules
from chatbox.store import users

log = logging.getLogger("chatbox.backups")

FAILED = "backup_failed"
_SETTLED = 300.0  # seconds after the start
_LOOK = 300.0  # seconds between two looks whether one is due
_AGAIN = 1800.0  # seconds until one that failed is tried again
_MADE = "backup_made"  # by which nodes that share a database know of each other's
_IS_MADE = "A backup is being made already."


async def write(ctx: Context, target: Path) -> Manifest:
    """Write everything that was acknowledged before this call into one zip file. Raises as `write_backup`,
    and `Conflict` where another node makes a backup."""
    with _in_company(ctx):
        async with _turn(ctx), ctx.store.as_file(ctx.folder) as database:
            return await asyncio.to_thread(write_backup, target, database, ctx.blobs.at_hand, ctx.clock.now())


@asynccontextmanager
async def _turn(ctx: Context) -> AsyncIterator[None]:
    """Let nobody else make a backup, here or on another node, and all uploads stay. Raises `Conflict` where
    another node makes one, Unavailable."""
    async with ctx.backups.lock, ctx.store.backing_up() as first:
        if not first:
            raise Conflict(_IS_MADE)
        async with ctx.blobs.keeping():
            yield


def _in_company(ctx: Context) -> AbstractContextManager[None]:
    return beside_people(lambda: ctx.server.stopping, lambda: ctx.hub.count > 0)


async def run(ctx: Context) -> Run:
    """Make a backup as the schedule does, then remove those that are too old. Whether it went well is kept
    for admins to see. Raises StorageFull, Unavailable, Invalid and Restarting; `Conflict` where another node
    makes one."""
    with _kept_for_admins(ctx):
        async with _turn(ctx):
            return await _shelve(ctx)


async def run_if_due(ctx: Context) -> None:
    """The same, where the schedule wants one. Raises as `run`."""
    try:
        if not await is_due(ctx):
            return
    except Unavailable:  # it is looked again
        return
    with _kept_for_admins(ctx):
        async with _turn(ctx):
            if await is_due(ctx):  # none was made until it was this one's turn
                await _shelve(ctx)


async def _shelve(ctx: Context) -> Run:
    keeper = ctx.backups
    with _in_company(ctx), told_to(partial(setattr, keeper, "doing")):
        async with ctx.store.as_file(ctx.folder) as database:
            made = await asyncio.to_thread(keeper.shelf.add, database, ctx.blobs.at_hand, ctx.clock.now())
    try:
        await _note_made(ctx, made)
    except ChatboxError as error:  # then another node may make one more, which does no harm
        log.error("that a backup was made could not be noted: %s", error.message)
    await asyncio.to_thread(keeper.shelf.prune, partial(_stays, ctx, made))
    keeper.failure = None
    ctx.notices.clear(FAILED)
    log.info("a backup was made: %s", made.folder)
    return made


@contextmanager
def _kept_for_admins(ctx: Context) -> Iterator[None]:
    """Let admins see what becomes of it."""
    try:
        yield
    except Conflict:  # the other one's is what they want to see
        raise
    except (ChatboxError, OSError) as error:
        _failed(ctx, error)
        raise
    finally:
        ctx.backups.doing = ""


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
            await run_if_due(ctx)
        except Conflict:  # another node makes one; where that does not come about, it is due again
            pass
        except (ChatboxError, OSError):  # told where it happened
            wait = _AGAIN
        except Exception:
            log.exception("the schedule of backups failed")
            wait = _AGAIN


async def _note_made(ctx: Context, made: Run) -> None:
    if ctx.settings.storage.database:
        await ctx.committer.submit(lambda batch: users.set_meta(_MADE, made.manifest.made_at))


async def is_due(ctx: Context) -> bool:
    """Whether the schedule wants a backup now. A server that is not set up has nothing to lose."""
    if ctx.server.setup_open:
        return False
    return rules.due(_local(ctx.clock.now()), await _times(ctx))


async def _times(ctx: Context) -> list[datetime]:
    """When backups were made. On a shared database the latest one of all nodes counts, wherever it is."""
    if not ctx.settings.storage.database:
        return await asyncio.to_thread(ctx.backups.shelf.times)
    made = (await ctx.store.read(users.meta())).get(_MADE)
    return [] if made is None else [_local(made)]


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000).astimezone()


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
    elsewhere = await ctx.store.others_back_up()
    if elsewhere or keeper.lock.locked() or (keeper.task is not None and not keeper.task.done()):
        raise Conflict(_IS_MADE)
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
