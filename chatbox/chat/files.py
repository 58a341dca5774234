"""Files: taking an upload, opening one for reading, and removing what nobody needs."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any, BinaryIO

from chatbox.chat.context import Caller, Context
from chatbox.errors import ChatboxError, NotFound, RateLimited, SignedOut, StorageFull, TooLarge
from chatbox.rules.files import file_kind, file_name
from chatbox.store import files
from chatbox.store.base import Batch, Steps
from chatbox.store.blobs import Incoming

UPLOADS_AT_ONCE = 3
UNPOSTED_FOR_MS = 24 * 3600 * 1000
NO_FILE = "That file is not there, or you may not read it."

_BLOCK = 256 * 1024  # bytes that are written at once: each write is a hop to a thread
_SWEPT_AT_ONCE = 400

log = logging.getLogger("chatbox.files")


class Upload:
    """One upload that is under way. Made by `begin`; end it with `finish` or `abandon`."""

    def __init__(self, ctx: Context, caller: Caller, name: str, incoming: Incoming) -> None:
        self._ctx = ctx
        self._caller = caller
        self._name = name
        self._incoming = incoming
        self._waiting = bytearray()
        self._arrived = 0
        self._running = True

    async def write(self, chunk: bytes) -> None:
        """Append what arrived. Raises TooLarge, StorageFull, Unavailable."""
        self._arrived += len(chunk)
        if self._arrived > self._ctx.settings.limits.file_bytes:
            raise too_large(self._ctx)
        self._waiting += chunk
        if len(self._waiting) >= _BLOCK:
            await self._flush()

    async def finish(self) -> dict[str, Any]:
        """Make it durable, and give its description. Raises as `write` does, and what `files.add` raises.

        From now on a client that goes away stops nothing."""
        self._end()
        try:
            return await self._store()
        except BaseException:
            self._discard()
            raise

    def abandon(self) -> None:
        """Remove what arrived, unless it is being stored. Never waits for the disk."""
        if self._running:
            self._end()
            self._discard()

    async def _store(self) -> dict[str, Any]:
        await self._flush()
        incoming, ctx, caller = self._incoming, self._ctx, self._caller
        await asyncio.to_thread(incoming.sync)
        kind, width, height = file_kind(self._name, incoming.head)
        file = files.File(
            secrets.token_urlsafe(16), incoming.hash, self._name, incoming.size, kind, width, height
        )
        add = partial(files.add, file=file, user=caller.user, session=caller.session)
        try:
            async with ctx.blobs.placing(file.hash):
                await ctx.blobs.run(ctx.blobs.place, incoming, file.hash)
                reply: dict[str, Any] = await ctx.committer.submit(add)
        except (
            SignedOut,
            RateLimited,
            StorageFull,
        ):  # else refused uploads would fill the disk until the next sweep
            await remove_unreferenced(ctx, [file.hash])
            raise
        return reply

    async def _flush(self) -> None:
        chunk, self._waiting = bytes(self._waiting), bytearray()
        await asyncio.to_thread(self._incoming.write, chunk)

    def _discard(self) -> None:
        asyncio.get_running_loop().run_in_executor(None, self._incoming.discard)

    def _end(self) -> None:
        self._running = False
        running = self._ctx.blobs.running
        running[self._caller.user] -= 1
        if not running[self._caller.user]:
            del running[self._caller.user]


def too_large(ctx: Context) -> TooLarge:
    """What is said of a file over the limit."""
    most = ctx.settings.limits.file_bytes
    shown = f"{most // 2**20} MB" if most % 2**20 == 0 else f"{most:,} bytes"
    return TooLarge(f"The file is too large: at most {shown} fit.", field="file")


async def begin(ctx: Context, caller: Caller, name: str, size: int | None) -> Upload:
    """Begin an upload; `size` is what the client announces, None where it does not.

    Raises SignedOut, RateLimited (three at once are enough, and so many unposted ones), StorageFull or
    Unavailable."""
    user = caller.require_user()
    await ctx.store.read(files.may_upload(user))
    running = ctx.blobs.running
    if running[user] >= UPLOADS_AT_ONCE:
        raise RateLimited(
            f"{UPLOADS_AT_ONCE} files are being sent already. Wait for one to end.", retry_in=2.0
        )
    running[user] += 1
    try:
        incoming = await asyncio.to_thread(ctx.blobs.receive, size or 0)
    except BaseException:
        running[user] -= 1
        raise
    return Upload(ctx, caller, file_name(name), incoming)


async def find(ctx: Context, caller: Caller, id: str) -> files.File:
    """A file that the caller may read now. Raises SignedOut, or NotFound alike for all other reasons."""
    file = await ctx.store.read(files.readable(id, caller.require_user()))
    if file is None:
        raise NotFound(NO_FILE)
    return file


async def open_content(ctx: Context, file: files.File, start: int) -> BinaryIO:
    """Open a file's content from this byte on. Raises NotFound where it is missing, Unavailable where that is
    not known."""
    try:
        return await ctx.blobs.run(ctx.blobs.open, file.hash, start)
    except OSError as error:
        log.error("the content of the file %s cannot be read: %s", file.id, error)
        raise NotFound("This file is damaged on the server. Ask for it to be sent again.") from error


async def sweep(ctx: Context) -> int:
    """Remove files that were not posted within 24 hours, and contents that no file refers to any more.

    To be called every hour. Returns how many contents were removed. Raises Unavailable."""
    before = ctx.ages.now() - UNPOSTED_FOR_MS

    def forget(batch: Batch) -> Steps[int]:
        return (yield from files.delete_unposted(before))

    try:
        await ctx.committer.submit(forget)
    except ChatboxError as error:  # on a full disk what follows makes room
        log.error("files that nobody posted could not be forgotten: %s", error.message)
    removed = 0
    try:
        hashes = await ctx.blobs.run(lambda: list(ctx.blobs.all()))
    except OSError as error:
        log.error("the folder of uploads cannot be read: %s", error)
        return removed
    for start in range(0, len(hashes), _SWEPT_AT_ONCE):
        removed += await remove_unreferenced(ctx, hashes[start : start + _SWEPT_AT_ONCE])
    return removed


async def remove_unreferenced(ctx: Context, hashes: Sequence[str]) -> int:
    """Remove those of these contents that no file refers to. Returns how many: during a backup none, on
    whichever node it is made."""
    async with ctx.blobs.lock:
        if ctx.blobs.kept:
            return 0
        gone = await ctx.store.read(files.unreferenced(ctx.blobs.removable(hashes)))
        # Asked once the rows were read: a backup that begins later does not need what is gone by then.
        if gone and await ctx.store.others_back_up():
            return 0
        for hash in gone:
            await ctx.blobs.run(ctx.blobs.remove, hash)
    return len(gone)
