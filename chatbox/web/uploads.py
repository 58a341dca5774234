"""Files over HTTP: ``POST /files?name=…`` takes one, ``GET /files/<id>/<name>`` hands it out."""

from __future__ import annotations

import asyncio
from typing import BinaryIO

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from chatbox.chat import files
from chatbox.errors import ChatboxError, Invalid, TooLarge, Unavailable
from chatbox.rules.files import INLINE, UNKNOWN, byte_range, disposition
from chatbox.web.base import Handler
from chatbox.web.headers import FILE_CACHE, FILE_POLICY

SLOWEST = 32 * 1024  # bytes a second: an upload that is slower in the long run is given up
PATIENCE = 60.0  # seconds for one block to leave, and for a small body to arrive
BLOCK = 64 * 1024
UNHEARD = 2.0  # seconds after which another node may have changed what nobody here was told of
UNSURE = 15.0  # seconds for which that need not be known, while the database is away


class Upload(Handler):
    """The body is the file. Who asks, and how much, is checked before any of it is read."""

    SUPPORTED_METHODS = ("POST",)
    upload: files.Upload | None = None

    def limit(self) -> int:
        return self.ctx.settings.limits.file_bytes

    def too_large(self) -> TooLarge:
        return files.too_large(self.ctx)

    async def admit(self) -> None:
        caller = await self.identify()
        caller.require_user()
        name = self.get_query_argument("name", "")
        if not name:
            raise Invalid("The file has no name.", field="name")
        length = self._length()
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.set_body_timeout(PATIENCE + (self.limit() if length is None else length) / SLOWEST)
        self.upload = await files.begin(self.ctx, caller, name, length)

    async def data_received(self, chunk: bytes) -> None:
        if self.refusal is not None or self.upload is None:
            return
        try:
            await self.upload.write(chunk)
        except ChatboxError as error:
            self.refusal = error
            self.upload.abandon()

    async def answer(self, *parts: str) -> None:
        if self.upload is None:
            raise Invalid("There is no file in this request.")
        self.write_json(await self.upload.finish())

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._give_up()

    def on_finish(self) -> None:
        self._give_up()

    def _give_up(self) -> None:
        if self.upload is not None:
            self.upload.abandon()


class Rights:
    """Whether a file may still be read while it is being sent: asked anew where the user's access changed.

    A node hears that of those only who are connected to it. So on a database that nodes share it is asked
    anew from time to time as well. To be made before the rights are looked at first."""

    def __init__(self, handler: Handler, id: str, user: int) -> None:
        self._handler = handler
        self._id = id
        self._user = user
        self._shared = bool(handler.ctx.settings.storage.database)
        self._generation, self._looked = self._now()

    async def check(self) -> None:
        """Raises SignedOut, NotFound or Unavailable: while the database is away for no longer than a moment,
        whoever is not known to be shut out goes on."""
        generation, now = self._now()
        changed = generation != self._generation
        if not changed and (not self._shared or now - self._looked < UNHEARD):
            return
        try:
            await files.find(self._handler.ctx, await self._handler.identify(), self._id)
        except Unavailable:
            if changed or now - self._looked > UNSURE:
                raise
            return
        self._generation, self._looked = generation, now

    def _now(self) -> tuple[int, float]:
        ctx = self._handler.ctx
        return ctx.hub.generation(self._user), ctx.clock.monotonic()


class Download(Handler):
    """One file, whole or in part (RFC 9110, 14). The name in the address is for people only."""

    async def get(self, id: str, name: str) -> None:
        caller = await self.identify()
        rights = Rights(self, id, caller.user)
        file = await files.find(self.ctx, caller, id)
        self._describe(file.name, file.type, file.hash)
        if self.check_etag_header():
            self.set_status(304)
            return
        part = self._part(file.size)
        if part is None:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{file.size}")
            self.clear_header("Content-Disposition")
            return
        start, end = part
        self.set_header("Content-Length", str(end - start))
        if self.request.method == "GET":
            content = await files.open_content(self.ctx, file, start)
            try:
                await self._stream(content, end - start, rights)
            finally:
                await asyncio.to_thread(content.close)

    head = get

    def _describe(self, name: str, kind: str, hash: str) -> None:
        self.set_header("Content-Type", kind if kind in INLINE else UNKNOWN)
        self.set_header("Content-Disposition", disposition(name, kind))
        self.set_header("Content-Security-Policy", FILE_POLICY)
        self.set_header("Cache-Control", FILE_CACHE)
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("ETag", f'"{hash[:32]}"')

    def _part(self, size: int) -> tuple[int, int] | None:
        """Start and end of what is due, and the headers that say so; None where it lies outside."""
        wanted = self.request.headers.get("Range")
        condition = self.request.headers.get("If-Range")
        if condition is not None and condition != self._headers["ETag"]:
            wanted = None
        try:
            found = byte_range(wanted, size)
        except ValueError:
            return None
        if found is None:
            return 0, size
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {found[0]}-{found[1] - 1}/{size}")
        return found

    async def _stream(self, content: BinaryIO, length: int, rights: Rights) -> None:
        """Send in blocks, reading the next one when the last one has left."""
        run = self.ctx.blobs.run
        try:
            while length and (block := await run(content.read, min(BLOCK, length))):
                await rights.check()
                length -= len(block)
                self.write(block)
                async with asyncio.timeout(PATIENCE):
                    await self.flush()
        except (ChatboxError, FileNotFoundError, StreamClosedError, TimeoutError):
            length = -1
        if length:  # too little was sent: only closing tells the client so
            self._close()

    def _close(self) -> None:
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection) and connection.stream is not None:
            connection.stream.close()
