"""One run of the server: settings in, an exit code out. Start order, stop order, signals."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from chatbox import atomic, awake, console, frozen, journal, lookout, notify, reception, tls, windows
from chatbox.chat import backups, disk, files, sessions
from chatbox.chat.context import Context
from chatbox.chat.removing import keep_erasing
from chatbox.computer import Computer
from chatbox.control import ControlServer
from chatbox.errors import ChatboxError
from chatbox.folder_lock import FolderLock
from chatbox.instance import close_instance, open_instance, takes_long
from chatbox.memory import Ebb, keep_large_apart, keep_start
from chatbox.operations import OPERATIONS
from chatbox.protocol.frames import RESTARTING
from chatbox.reach import Reach
from chatbox.rules.hosts import host_rule
from chatbox.settings import Settings
from chatbox.startup import ServeOptions
from chatbox.tls import Certificates
from chatbox.version import VERSION
from chatbox.web.assets import Assets, load_assets
from chatbox.web.base import Edge
from chatbox.web.listener import Listener, make_listener
from chatbox.web.ports import SPARE, listen, open_short_way
from chatbox.web.routes import make_app
from chatbox.web.waiting_room import waiting_room

log = logging.getLogger("chatbox.server")

_FILES = 65_536  # open at once, where the system lets us: each connection is one
_DRAIN = 5.0  # seconds over which the connections are closed, at most
_GOODBYE = 2.0  # seconds for everybody to answer the close, at most
_SAME_SIGNAL = 1.0  # seconds: the executable's two processes are both sent what a terminal sends
_SETTLED = 60.0  # seconds after the start
_HOUR = 3600.0
_STALL = 0.1  # seconds of own CPU time in one turn of the event loop


class Stopping:
    """What signals ask for: to stop, and asked again, to stop now."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()
        self.again = False  # then a new server starts in place of this one
        self._at = 0.0

    def ask(self) -> None:
        """Stop gracefully; asked again after a second or more, without waiting for anybody."""
        self.again = False
        now = time.monotonic()
        if not self.asked.is_set():
            self._at = now
            self.asked.set()
        elif now - self._at > _SAME_SIGNAL:
            self.hurry.set()

    def restart(self) -> None:
        """Stop gracefully, and start again; unless it is stopping already."""
        if not self.asked.is_set():
            self.ask()
            self.again = True

    def now(self) -> None:
        """Stop without waiting for anybody."""
        self.asked.set()
        self.hurry.set()

    def listen(self) -> None:
        """Ask whenever the process is sent SIGINT or SIGTERM, on Windows also Ctrl+Break."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGTERM), signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self.ask)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.ask))


def serve(settings: Settings, folder: Path, lock: FolderLock, options: ServeOptions) -> int:
    """Serve until asked to stop. Returns the exit code. Raises `StartError`."""
    frozen.die_with_parent()
    keep_large_apart()
    raise_file_limit()
    with journal.keeping(folder, settings.log.level):
        while port := asyncio.run(_serve(settings, folder, lock, options)):
            settings = on_port(settings, port)
    return 0


def on_port(settings: Settings, port: int) -> Settings:
    """The settings of a start that takes the place of one on this port, where a browser is open already."""
    server = structs.replace(settings.server, port=port, open_browser=False)
    return structs.replace(settings, server=server)


def raise_file_limit() -> None:
    """Take what the system allows: what it gives unasked is often 1024 files, fewer than people come."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError) as error:  # macOS has a limit that it does not tell
            log.debug("only %d files can be open at once: %s", soft, error)


async def _serve(settings: Settings, folder: Path, lock: FolderLock, options: ServeOptions) -> int:
    """Serve until asked to stop. Gives the port where it is to start again, else 0."""
    stopping = Stopping()
    stopping.listen()
    announcer = console.Announcer()
    wanted = settings.server.port
    sockets = listen(settings, options.config, SPARE if options.picks_port else 0)
    port: int = sockets[0].getsockname()[1]
    note = reception.keep_port(options.config, wanted, port) if wanted and port != wanted else ""
    async with AsyncExitStack() as stack:
        now = partial(asyncio.get_running_loop().call_soon_threadsafe, stopping.now)
        stack.callback(windows.prepare(now))
        for each in sockets:
            stack.callback(each.close)
        client = load_assets(frozen.assets_folder())
        settings = await lookout.first_name(settings, options)
        async with waiting_room(sockets if takes_long(settings, folder) else ()):
            ctx = await open_instance(
                settings,
                folder,
                assets=client.hash,
                tell=announcer.tell_code,
                given=options.given,
                machine=Computer(port, options.start, options.arguments),
            )
        stack.push_async_callback(close_instance, ctx)
        certificates = tls.choose_certificates(ctx, folder)
        reach = Reach(settings, port, certificates)
        ctx.server.addresses, ctx.server.own_addresses = reach.urls, reach.own_addresses
        ctx.server.restart = stopping.restart
        edge = make_edge(ctx, certificates)
        listener = open_doors(edge, client, sockets)
        stack.callback(listener.stop)
        stack.callback(asyncio.create_task(tls.encrypt(listener, edge, certificates), name="tls").cancel)
        await asyncio.to_thread(ctx.blobs.prepare)
        control = ControlServer(folder, {name: _operation(ctx, name) for name in OPERATIONS})
        await control.start()
        stack.push_async_callback(control.close)
        short = open_short_way(edge, port, listener)
        if short is not None:
            stack.callback(short.stop)
        for steady in _STEADY:
            stack.callback(asyncio.create_task(steady(ctx), name=steady.__name__).cancel)
        stack.callback(asyncio.create_task(reception.tell_of_setup(ctx, reach), name="setup").cancel)
        url = reach.local_url
        lock.publish(url)
        _tell_programs(options, url, port)
        await stack.enter_async_context(lookout.watching(ctx, reach, port))
        await reception.greet(ctx, reach, certificates, announcer, options, note, short is not None)
        keep_start()
        await stopping.asked.wait()
        notify.tell(notify.STOPPING)
        await _drain(ctx, listener, control, stopping.hurry)
    if stopping.again:
        return port
    journal.tell("Stopped. All messages are saved.")
    return 0


def _tell_programs(options: ServeOptions, url: str, port: int) -> None:
    """Let whatever started this know that it serves."""
    if options.ready_file is not None:
        ready = {"url": url, "port": port, "pid": os.getpid(), "version": VERSION}
        atomic.write_text(options.ready_file, json.dumps(ready))
    notify.tell(notify.READY)


def make_edge(ctx: Context, certificates: Certificates) -> Edge:
    """What all of HTTP shares."""
    settings = ctx.settings
    hosts = host_rule(settings.server.names, socket.gethostname(), certificates.names)
    required = settings.tls.mode == "required"
    return Edge(ctx, hosts, only_encrypted=required, lock_key=certificates.lock_key)


def open_doors(edge: Edge, client: Assets, sockets: list[socket.socket]) -> Listener:
    """The web server over these sockets, accepting connections when this returns."""
    listener = make_listener(make_app(edge, client), edge.ctx.settings, lambda: edge.ctx.hub.count)
    listener.add_sockets(sockets)
    return listener


def _operation(ctx: Context, name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda args: OPERATIONS[name](ctx, args)


async def _mind(ctx: Context) -> None:
    """What has to be done every second."""
    ebb = Ebb()
    parent = frozen.parent_to_watch()
    vigil = awake.Vigil(awake.holder(ctx.settings.server.keep_awake), time.monotonic)
    while True:
        await asyncio.sleep(1.0)
        try:
            ctx.hub.check()
            ctx.presence.tick()
            ctx.rate.forget_idle()
            ebb.look(ctx.hub.count)
            vigil.look(ctx.hub.count)
            if parent is not None and parent.gone:
                parent = None
                signal.raise_signal(signal.SIGTERM)
        except Exception:
            log.exception("what is done every second failed")


async def _watch_stalls(_: Context) -> None:
    """Tell when something kept the event loop from everything else. CPU time, because a machine that sleeps
    or is busy with other programs is no fault of ours."""
    loop = asyncio.get_running_loop()
    while True:
        began, cpu = loop.time(), time.thread_time()
        await asyncio.sleep(_STALL / 4)
        late, used = loop.time() - began - _STALL / 4, time.thread_time() - cpu
        if late > _STALL and used > _STALL:
            log.info("the event loop was kept busy for %.0f ms on end", min(late, used) * 1000)


async def _sweep(ctx: Context) -> None:
    """What has to be done every hour, and soon after the start: not every server runs for an hour on end."""
    wait = _SETTLED
    while True:
        await asyncio.sleep(wait)
        wait = _HOUR
        live = [connection.session for connection in ctx.hub.connections]
        for part in (partial(sessions.sweep, ctx, live), partial(files.sweep, ctx)):
            try:
                await part()
            except ChatboxError as error:
                log.error("the hourly sweep has to wait for the next hour: %s", error.message)
            except Exception:
                log.exception("the hourly sweep failed")


_STEADY = (
    _mind,
    _sweep,
    _watch_stalls,
    backups.keep_up,
    disk.watch,
    keep_erasing,
    reception.tell_of_the_first,
)


async def _drain(ctx: Context, listener: Listener, control: ControlServer, hurry: asyncio.Event) -> None:
    """Accept nothing new, store and publish what is queued, then send everybody away to come back."""
    people = sum(1 for _ in ctx.hub.users())
    told = "1 person is" if people == 1 else f"{people} people are"
    journal.tell(f"Stopping. {told} told that the server is going away. Again stops it now.")
    ctx.server.stopping = True
    listener.stop()
    await control.close()
    await ctx.committer.close()
    connections = ctx.hub.connections
    pause = min(_DRAIN, len(connections) * 0.002) / max(1, len(connections))
    for connection in connections:
        ctx.hub.flush_one(connection)
        connection.close(RESTARTING)
        if not hurry.is_set():
            await asyncio.sleep(pause)
    ends = [asyncio.create_task(event.wait()) for event in (ctx.hub.empty, hurry)]
    await asyncio.wait(ends, timeout=_GOODBYE, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    await listener.close_all_connections()
