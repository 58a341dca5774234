"""The parts of one instance, put together: what serves people, and what the command line works on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import json

from chatbox.backup.applying import apply_staged, waits
from chatbox.backup.keeper import Keeper
from chatbox.backup.shelf import Shelf
from chatbox.bus.local import LocalBus
from chatbox.chat import setup
from chatbox.chat.chosen import Chosen
from chatbox.chat.context import Context, Server
from chatbox.chat.hashing import COST, Cost, Hashing
from chatbox.chat.machine import Machine, NoMachine
from chatbox.chat.setup_code import SetupCode
from chatbox.clock import Clock, SystemClock
from chatbox.data_folder import DATABASE_FILE, secret_of
from chatbox.errors import DataFolderError
from chatbox.live.ages import Ages
from chatbox.live.committer import Committer
from chatbox.live.confirmed import Confirmed
from chatbox.live.devices import Devices
from chatbox.live.directory import Directory
from chatbox.live.hub import Hub
from chatbox.live.moves import Moves
from chatbox.live.notices import Notices
from chatbox.live.presence import Presence
from chatbox.live.publisher import publications
from chatbox.live.rate import Rate
from chatbox.live.throttle import Throttle
from chatbox.live.turns import Turns
from chatbox.settings import Names, Settings
from chatbox.store import upgrades, users
from chatbox.store.base import Store
from chatbox.store.blobs import Blobs
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
    given: Names = frozenset(),
    machine: Machine | None = None,
) -> Context:
    """Open the data folder, whose lock the caller holds, and start what runs by itself. A backup that waits
    to be restored is put in place first.

    `assets` is the content hash of the web client. With `tell`, people may set the server up where that was
    not done yet, and `tell` is given each code. `given` are the settings that admins cannot change. End it
    with `close_instance`.

    Raises `StartError` and OSError."""
    clock = clock or SystemClock()
    await asyncio.to_thread(apply_staged, folder, uploads_folder(settings, folder))
    shelf = Shelf(_backups_folder(settings, folder))
    try:
        store = await open_store(folder / DATABASE_FILE, clock)
    except DataFolderError as error:
        raise DataFolderError(f"{error}{_way_back(shelf)}") from error
    try:
        stored = json.decode((await store.read(users.meta())).get("settings", "{}"), type=dict[str, str])
        chosen = Chosen(settings, given, stored)
        return await _assemble(chosen, folder, clock, cost, assets, tell, store, machine or NoMachine())
    except BaseException:
        await store.close()
        raise


def takes_long(folder: Path) -> bool:
    """Whether opening the folder means to upgrade its data, or to put a backup in place."""
    return waits(folder) or upgrades.is_pending(folder / DATABASE_FILE)


async def close_instance(ctx: Context) -> None:
    """Store and publish what is queued, then close everything."""
    await ctx.backups.close()
    await ctx.committer.close()
    await ctx.bus.close()
    ctx.hashing.close()
    if ctx.setup is not None:
        ctx.setup.close()
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
) -> Context:
    settings = chosen.settings
    meta = await store.read(users.meta())
    bus, hub, directory = LocalBus(), Hub(clock), Directory()
    directory.load(meta["people_rev"], await store.read(users.people()))
    server = _server(settings, meta, assets)
    hub.watch(directory.receive)
    hub.watch(server.receive)
    confirmed = Confirmed(clock)
    hub.watch(confirmed.receive)
    await bus.start(hub.receive)
    limits = settings.limits
    if not server.setup_open:
        setup.nobody_waits(folder)
    code = SetupCode(folder, clock, tell) if server.setup_open and tell else None
    committer = Committer(store, lambda committed: bus.publish(publications(committed)), limits.queue)
    committer.start()
    hub.more_comes = lambda: committer.busy
    return Context(
        folder=folder,
        secret=secret_of(folder),
        chosen=chosen,
        clock=clock,
        ages=Ages(clock, meta["clock"]),
        store=store,
        committer=committer,
        hub=hub,
        bus=bus,
        directory=directory,
        presence=Presence(hub, clock, bus.publish),
        throttle=Throttle(clock),
        rate=Rate(clock, limits.messages_per_second, limits.messages_burst),
        searches=Turns(),
        moves=Moves(clock),
        confirmed=confirmed,
        hashing=Hashing(cost),
        blobs=Blobs(uploads_folder(settings, folder)),
        backups=Keeper(Shelf(_backups_folder(settings, folder))),
        notices=Notices(bus.publish, lambda: directory.admins),
        server=server,
        devices=Devices(clock),
        machine=machine,
        setup=code,
    )


def uploads_folder(settings: Settings, folder: Path) -> Path:
    """Where the contents of uploads are; `folder` is the data folder."""
    uploads = settings.storage.uploads
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
