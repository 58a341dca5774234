"""``/healthz`` (alive), ``/readyz`` (able to serve) and ``/metrics`` (Prometheus text format 0.0.4)."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from chatbox.chat.context import Context
from chatbox.errors import ChatboxError, NotFound
from chatbox.protocol.frames import CLOSES
from chatbox.store.base import Steps, Store, one
from chatbox.web.base import Handler

_PATIENCE = 1.0  # seconds: balancers wait for two, and take silence for a node that is down


class Look:
    """At the data, for all who ask whether it can be read. There is one at a time: a database that has fallen
    silent keeps each of them for long, and with it a connection that others wait for."""

    def __init__(self) -> None:
        self._reading: asyncio.Future[int] | None = None

    async def succeeds(self, store: Store) -> bool:
        """Whether it ends well, and in time."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(store.read(_posts()))
            self._reading.add_done_callback(_took_note)
        done, _ = await asyncio.wait([self._reading], timeout=_PATIENCE)
        try:
            for reading in done:
                reading.result()
        except ChatboxError:
            return False
        return bool(done)


def _took_note(reading: asyncio.Future[int]) -> None:
    """It may have failed when nobody waited for it any more."""
    if not reading.cancelled():
        reading.exception()


class Healthz(Handler):
    """The event loop lives. Nothing else is asked."""

    async def get(self) -> None:
        self.write_json({"status": "ok"})

    head = get


class Readyz(Handler):
    """Changes are committed and the data can be read; or no other node of the cluster can do better. Else an
    outage of the database would have the balancer send everybody away, with nowhere to go."""

    def initialize(self, look: Look) -> None:
        self._look = look

    async def get(self) -> None:
        trouble = await _trouble(self.ctx, self._look)
        if trouble:
            self.set_status(503)
        self.write_json({"status": trouble or "ok"})

    head = get


class Metrics(Handler):
    """For this machine, and for whoever has a token; to others it is not there."""

    async def get(self) -> None:
        if not (self.is_local() or (self._bearer_token() and (await self.identify()).user)):
            raise NotFound("There is nothing at this address.")
        posts = await self.ctx.store.read(_posts())
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish("".join(_lines(self.ctx, posts)))

    head = get


async def _trouble(ctx: Context, look: Look) -> str:
    if not ctx.committer.alive:
        return "nothing can be stored"
    if await look.succeeds(ctx.store) or ctx.cluster.as_good_as_others():
        return ""
    return "the data cannot be read"


def _posts() -> Steps[int]:
    ((posts,),) = yield one("SELECT coalesce(sum(posts), 0) FROM rooms")
    return int(posts)


def _lines(ctx: Context, posts: int) -> Iterator[str]:
    yield _line("chatbox_connections", "gauge", "Live connections.", ctx.hub.count)
    users = sum(1 for _ in ctx.hub.users())
    yield _line("chatbox_users_online", "gauge", "Users with a connection.", users)
    yield _head("chatbox_closes_total", "counter", "Connections that the server closed, by close code.")
    for code in sorted({close.code for close in CLOSES} | ctx.hub.closes.keys()):
        yield f'chatbox_closes_total{{code="{code}"}} {ctx.hub.closes[code]}\n'
    yield _line("chatbox_messages_total", "counter", "Messages ever posted.", posts)
    yield _line("chatbox_deliveries_total", "counter", "Events handed to connections.", ctx.hub.delivered)
    yield _line("chatbox_commits_total", "counter", "Transactions committed.", ctx.committer.batches)
    yield _line("chatbox_changes_total", "counter", "Changes committed.", ctx.committer.changes)
    yield _line(
        "chatbox_changes_waiting", "gauge", "Changes that wait for their commit.", ctx.committer.waiting
    )
    yield _line(
        "chatbox_passwords_hashed_total", "counter", "Passwords hashed or checked.", ctx.hashing.count
    )
    for name, (kind, text, value) in ctx.cluster.figures().items():
        yield _line(name, kind, text, float(value))
    yield _line("chatbox_tasks", "gauge", "Tasks of the event loop.", len(asyncio.all_tasks()))
    yield _line("process_cpu_seconds_total", "counter", "CPU time used.", round(time.process_time(), 3))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE")
        yield _line("process_resident_memory_bytes", "gauge", "Memory in use.", memory)
        yield _line("process_open_fds", "gauge", "Open files.", len(os.listdir("/proc/self/fd")))
        yield _line("process_start_time_seconds", "gauge", "Start, in seconds since 1970.", _started())


def _started() -> float:
    """proc_pid_stat(5), field 22: ticks from boot to start."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return round(boot + ticks / os.sysconf("SC_CLK_TCK"), 1)


def _line(name: str, kind: str, text: str, value: float) -> str:
    return f"{_head(name, kind, text)}{name} {value}\n"


def _head(name: str, kind: str, text: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
