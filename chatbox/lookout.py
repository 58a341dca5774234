"""What is watched around this machine: its addresses, its name on the network, and whether it has slept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import structs

from chatbox.chat import reach as chat
from chatbox.chat.context import Context
from chatbox.console import best
from chatbox.errors import ChatboxError
from chatbox.journal import tell
from chatbox.lan.mdns import LocalName, free_name
from chatbox.reach import Reach, on_networks
from chatbox.rules.hosts import is_loopback
from chatbox.settings import Settings
from chatbox.settings_file import set_value
from chatbox.settings_parser import SettingsError
from chatbox.startup import ServeOptions
from chatbox.tasks import cancel_all

log = logging.getLogger("chatbox.lookout")

_SECOND = 1.0
_LOOK = 15  # seconds between two looks at the addresses
_JUMP = 5.0  # seconds that either clock may be off: more is a clock that was set, or a machine that has slept


class Clocks:
    """Sees that the wall clock was set or that the machine has slept: a second was much more, or none."""

    def __init__(
        self, now: Callable[[], tuple[float, float]] = lambda: (time.time(), time.monotonic())
    ) -> None:
        self._now = now
        self._last = now()

    def jumped(self) -> bool:
        """Whether it happened since the last call, which was about a second ago."""
        last, self._last = self._last, self._now()
        return any(abs(now - then - _SECOND) > _JUMP for now, then in zip(self._last, last, strict=True))


@asynccontextmanager
async def watching(ctx: Context, reach: Reach, port: int) -> AsyncIterator[None]:
    """Watch, and keep the name on the network, until this ends."""
    server, name = ctx.settings.server, None
    if server.local_name and not all(map(is_loopback, server.host)):
        whole = f"{server.local_name}.local"
        tell_of = NameWatch(ctx, reach, whole).tell
        name = LocalName(whole, port, ctx.server.name, lambda: on_networks(ctx.settings), tell_of)
    tasks = [asyncio.create_task(_watch(ctx, reach, name), name="lookout")]
    if name is not None:
        tasks.append(asyncio.create_task(name.keep(), name="local name"))
    try:
        yield
    finally:
        await cancel_all(tasks)
        if name is not None:
            await name.withdraw()


async def first_name(settings: Settings, options: ServeOptions) -> Settings:
    """The settings with the name on the network that a first start finds free."""
    wanted = settings.server.local_name
    addresses = on_networks(settings) if wanted and options.picks_name else []
    name = await free_name(wanted, addresses) if addresses else wanted
    if name == wanted:
        return settings
    tell(f"Another machine is {wanted}.local; this one is {name}.local (saved in {options.config.name}).")
    try:
        set_value(options.config, "server", "local_name", name)
    except (OSError, SettingsError) as error:
        log.error("the name could not be written into %s: %s", options.config, error)
    return structs.replace(settings, server=structs.replace(settings.server, local_name=name))


async def _watch(ctx: Context, reach: Reach, name: LocalName | None) -> None:
    """Look every 15 seconds, and after a jump of the clock at once; for ever."""
    clocks, since = Clocks(), 0
    await _remember(ctx, reach)
    while True:
        await asyncio.sleep(_SECOND)
        since += 1
        jumped = clocks.jumped()
        if jumped:
            log.info("the clock was set, or this machine has slept: all are asked whether they are there")
            for connection in ctx.hub.connections:
                connection.ping()
        if since < _LOOK and not jumped:
            continue
        since = 0
        try:
            changed = await _look(ctx, reach)
        except Exception:
            log.exception("the addresses of this machine cannot be looked up")
            continue
        if name is not None and (changed or jumped):
            name.again()


async def _look(ctx: Context, reach: Reach) -> bool:
    """Whether the addresses are others now; then everybody is told."""
    if not await asyncio.to_thread(reach.look):
        return False
    log.info("the addresses are now %s", ", ".join(reach.urls()))
    chat.addresses_changed(ctx)
    await _remember(ctx, reach)
    return True


async def _remember(ctx: Context, reach: Reach) -> None:
    """Tell where the address is another one than the others were told before, even by an earlier start."""
    address = best(reach.own_addresses())
    if not address:
        return
    try:
        former = await chat.remember_address(ctx, address)
    except ChatboxError as error:
        log.warning("the address could not be remembered: %s", error.message)
        return
    if former:
        tell(f"The address has changed: the others now open  {address}  (before: {former})")


class NameWatch:
    """Tells whoever has to know that another machine answers for this server's name, or no longer does."""

    def __init__(self, ctx: Context, reach: Reach, name: str) -> None:
        self._ctx = ctx
        self._reach = reach
        self._name = name
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, others: frozenset[str]) -> None:
        """`others` are the addresses of those machines."""
        self._reach.names_lost(bool(others))
        chat.addresses_changed(self._ctx)
        if not others:
            return tell(f"{self._name} is this server's alone again.")
        who = ", ".join(sorted(others))
        log.warning(
            "another machine (%s) answers for %s: give the others the address instead", who, self._name
        )
        task = asyncio.create_task(self._tell_admins(who))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return None

    async def _tell_admins(self, who: str) -> None:
        try:
            await chat.name_is_taken(self._ctx, self._name, who)
        except ChatboxError as error:
            log.warning("the admins could not be told: %s", error.message)
