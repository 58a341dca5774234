"""The parts of one instance, put together: what serves people, and what the command line works on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import json

from chatbox import cluster
from chatbox.backup.applying import apply_staged, waits
from chatbox.backup.keeper import Keeper
from chatbox.backup.shelf import Shelf
from chatbox.chat import setup
from chatbox.chat.chosen import Chosen
from chatbox.chat.context import Context, Server
from chatbox.chat.drawing import Drawing
from chatbox.chat.hashing import COST, Cost, Hashing
from chatbox.chat.machine import Machine, NoMachine
from chatbox.chat.setup_code import SetupCode
from chatbox.clock import Clock, SystemClock
from chatbox.data_folder import DATABASE_FILE
from chatbox.errors import DataFolderError
from chatbox.live.ages import Ages
from chatbox.live.committer import Committer
from chatbox.live.devices import Devices
from chatbox.live.directory import Directory
from chatbox.live.hub import Hub
from chatbox.live.lately import Lately
from chatbox.live.notices import Notices
from chatbox.live.publisher import publications
from chatbox.live.turns import Turns
from chatbox.settings import S3, Given, Settings
from chatbox.store import heads, upgrades, users
from chatbox.store.base import Store
from chatbox.store.blobs import Blobs
from chatbox.store.folder_blobs import FolderBlobs
from chatbox.store.shared_uploads import check_uploads
from chatbox.store.sqlite import open_store
from chatbox.version import VERSION


async def open_instance(
    settings: Settings,
    folder: Path,
    *,
    clock: Clock | None = None,
    cost: Cost = COST,
    assets: str = "",
    tell: Callable[[str], None] | None = None,
    given: Given | None = None,
    machine: Machine | None = None,
) -> Context:
    """Open the data folder, whose lock the caller holds, and start what runs by itself. A backup that waits
    to be restored is put in place first.

    `assets` is the content hash of the web client. With `tell`, people may set the server up where that was
    not done yet, and `tell` is given each code. `given` are the settings that admins cannot change. End it
    with `close_instance`.

    Raises `StartError` and OSError."""
    clock = clock or SystemClock()
    if settings.cluster.redis:
        await cluster.try_redis(settings.cluster.redis)
    blobs = await asyncio.to_thread(open_blobs, settings, folder)
    store = await _open_store(settings, folder, clock, blobs)
    try:
        stored = json.decode((await store.read(users.meta())).get("settings", "{}"), type=dict[str, str])
        chosen = Chosen(settings, given or {}, stored)
        return await _assemble(
            chosen, folder, clock, cost, assets, tell, store, machine or NoMachine(), blobs
        )
    except BaseException:
        await store.close()
        raise


async def _open_store(settings: Settings, folder: Path, clock: Clock, blobs: Blobs) -> Store:
    if settings.storage.database:
        from chatbox.store.postgres_opening import open_postgres  # only here: few servers wait for it

        store = await open_postgres(settings.storage.database, clock)
        try:
            await check_uploads(store, blobs)
        except BaseException:
            await store.close()
            raise
        return store
    await asyncio.to_thread(apply_staged, folder, uploads_folder(settings, folder))
    shelf = Shelf(_backups_folder(settings, folder))
    try:
        return await open_store(folder / DATABASE_FILE, clock)
    except DataFolderError as error:
        raise DataFolderError(f"{error}{_way_back(shelf)}") from error


def takes_long(settings: Settings, folder: Path) -> bool:
    """Whether opening the data means to upgrade it, or to put a backup in place."""
    if settings.storage.database:
        return False
    return waits(folder) or upgrades.is_pending(folder / DATABASE_FILE)


async def close_instance(ctx: Context) -> None:
    """Store and publish what is queued, then close everything."""
    await ctx.backups.close()
    await ctx.committer.close()
    await ctx.cluster.leave()
    await ctx.bus.close()
    ctx.hashing.close()
    ctx.drawing.close()
    if ctx.setup is not None:
        ctx.setup.close()
    ctx.blobs.close()
    await ctx.store.close()


async def _assemble(
    chosen: Chosen,
    folder: Path,
    clock: Clock,
    cost: Cost,
    assets: str,
    tell: Callable[[str], None] | None,
    store: Store,
    machine: Machine,
    blobs: Blobs,
) -> Context:
    settings = chosen.settings
    meta = await store.read(users.meta())
    hub, directory = Hub(clock), Directory()
    directory.load(*await store.read(heads.people_since(0)))
    parts = cluster.parts(settings, folder, clock, hub, store, directory.people_rev, meta["server"])
    server = _server(settings, meta, assets)
    for watcher in (directory.receive, server.receive, parts.confirmed.receive):
        hub.watch(watcher)
    await parts.bus.start(hub.receive)
    if not server.setup_open:
        setup.nobody_waits(folder)
    code = SetupCode(folder, clock, tell, parts.codes) if server.setup_open and tell else None
    publish = parts.bus.publish
    committer = Committer(store, lambda committed: publish(publications(committed)), settings.limits.queue)
    committer.start()
    hub.more_comes = lambda: committer.busy
    ctx = Context(
        folder=folder,
        secret=parts.secret,
        chosen=chosen,
        clock=clock,
        ages=Ages(clock, meta["clock"]),
        store=store,
        committer=committer,
        hub=hub,
        bus=parts.bus,
        cluster=parts.cluster,
        directory=directory,
        presence=parts.presence,
        throttle=parts.throttle,
        rate=parts.rate,
        searches=Turns(),
        moves=parts.moves,
        confirmed=parts.confirmed,
        hashing=Hashing(cost),
        drawing=Drawing(),
        blobs=blobs,
        backups=Keeper(Shelf(_backups_folder(settings, folder))),
        notices=Notices(publish, lambda: directory.admins),
        server=server,
        devices=Devices(clock),
        refused=Lately(clock),
        machine=machine,
        setup=code,
    )
    parts.cluster.join(ctx)
    return ctx


def open_blobs(settings: Settings, folder: Path) -> Blobs:
    """The place of uploads, as the settings say; `folder` is the data folder. Raises DataFolderError."""
    if settings.storage.in_bucket:
        return bucket_blobs(settings.storage.uploads, settings.s3, folder)
    return FolderBlobs(uploads_folder(settings, folder), shared=bool(settings.storage.database))


def bucket_blobs(address: str, s3: S3, folder: Path) -> Blobs:
    """Uploads in the bucket at this address. Raises DataFolderError."""
    from chatbox.store.bucket import Bucket  # only here: few servers wait for it
    from chatbox.store.bucket_blobs import BucketBlobs

    return BucketBlobs(folder / "uploads", Bucket(address, s3))


def uploads_folder(settings: Settings, folder: Path) -> Path:
    """The folder of uploads; where they are in a bucket, that in which they arrive."""
    uploads = "" if settings.storage.in_bucket else settings.storage.uploads
    return folder / Path(uploads).expanduser() if uploads else folder / "uploads"


def _way_back(shelf: Shelf) -> str:
    """What to do where the database is damaged."""
    newest = shelf.newest()
    return f" If you have a backup: chatbox restore {newest or 'FILE.zip'}"


def _backups_folder(settings: Settings, folder: Path) -> Path:
    backups = settings.backup.folder
    return folder / Path(backups).expanduser() if backups else folder / "backups"


def _server(settings: Settings, meta: Mapping[str, Any], assets: str) -> Server:
    return Server(
        id=meta["server"],
        epoch=meta["epoch"],
        name=setup.shown_name(settings, meta["name"]),
        join=meta["join"],
        version=VERSION,
        logo=meta.get("logo_hash", ""),
        assets=assets,
        setup_open=meta["setup"] == "open",
    )
