"""Backups over HTTP: handing one out as a file, and taking one in to restore.

All that was ever written here is in a backup: it leaves and comes in encrypted, or on this machine alone.
"""

from __future__ import annotations

import asyncio
import sys
from typing import IO

from msgspec import MsgspecError, Struct, json
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from chatbox.chat import backups, restoring
from chatbox.errors import ChatboxError, Forbidden, Invalid, NotFound, TooLarge
from chatbox.rules.files import file_name
from chatbox.web.base import Handler
from chatbox.web.dispatch import require_confirmed
from chatbox.web.logs import log
from chatbox.web.uploads import BLOCK, PATIENCE, SLOWEST

_IN_THE_OPEN = (
    "A backup holds everything that was ever written here, so it does not cross the network in the open. Use "
    "the browser on the computer that runs Chatbox, or HTTPS: see /trust."
)


class _Password(Struct, forbid_unknown_fields=True):
    password: str


class _Guarded(Handler):
    async def require_admin(self) -> None:
        """An admin who has given the password lately. Raises `SignedOut` and `Forbidden`."""
        caller = await self.identify()
        caller.require_user()
        if not caller.admin:
            raise Forbidden("Only an admin can do that.")
        require_confirmed(self.ctx, caller)

    def require_safe_way(self) -> None:
        """Raises `Forbidden` where others on the network could read along."""
        if self.scheme != "https" and not self.is_local():
            raise Forbidden(_IN_THE_OPEN)


class Download(_Guarded):
    """One backup of the schedule, as the zip file that `chatbox restore` takes."""

    async def get(self, name: str) -> None:
        await self.require_admin()
        self.require_safe_way()
        target = await backups.pack_for_download(self.ctx, name)
        try:
            self.set_header("Content-Type", "application/zip")
            self.set_header("Content-Disposition", f'attachment; filename="chatbox-{name}.zip"')
            self.set_header("Content-Length", str((await asyncio.to_thread(target.stat)).st_size))
            with await asyncio.to_thread(target.open, "rb") as file:
                await self._send(file)
        finally:
            await asyncio.to_thread(target.unlink)

    async def _send(self, file: IO[bytes]) -> None:
        try:
            while block := await asyncio.to_thread(file.read, BLOCK):
                self.write(block)
                async with asyncio.timeout(PATIENCE):
                    await self.flush()
        except (StreamClosedError, TimeoutError):
            connection = self.request.connection
            if isinstance(connection, HTTP1Connection) and connection.stream is not None:
                connection.stream.close()


class SecurityKey(_Guarded):
    """The key of this server's own authority, as a file under the password in the command."""

    SUPPORTED_METHODS = ("POST",)
    body_limit = 4096

    async def admit(self) -> None:
        await self.require_admin()
        self.require_safe_way()

    async def answer(self, *parts: str) -> None:
        try:
            asked = json.decode(bytes(self.body), type=_Password)
        except (MsgspecError, RecursionError) as error:
            raise Invalid("The request is no JSON object with a password.", field="password") from error
        if self.edge.lock_key is None:
            raise NotFound("This server has no security key.")
        text = await asyncio.to_thread(self.edge.lock_key, asked.password)
        log.info("the security key was handed out to an admin's browser")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="chatbox-security-key.txt"')
        self.finish(text)


class Restore(_Guarded):
    """The body is a backup, or there is none and the query names one of the schedule (`backup`). It is
    checked and staged, and the server starts anew with it.

    For admins; and while the server is not set up for whoever has the setup code (header `Setup-Code`)."""

    SUPPORTED_METHODS = ("POST",)
    _most = sys.maxsize
    _upload: restoring.Arriving | None = None
    _staged = False

    @property
    def _kept(self) -> str:
        """The name of a backup of the schedule."""
        return self.get_query_argument("backup", "")

    def limit(self) -> int:
        return self._most

    def too_large(self) -> TooLarge:
        return TooLarge("There is not enough room for this backup on the server's disk.", field="file")

    async def admit(self) -> None:
        try:
            caller = await self.identify()
            self.require_safe_way()
            if self._kept or not restoring.instead_of_setup(self.ctx):
                await self.require_admin()
            if self._kept:
                if self._length() != 0:
                    raise Invalid("A backup is either named or sent.")
                self._most = 0
                return
            name = file_name(self.get_query_argument("name", "") or "backup.zip")
            secret = self.request.headers.get("Setup-Code", "")
            self._upload = await restoring.begin(self.ctx, caller, name, secret)
        except ChatboxError:
            self._most = 0  # of what is refused as much is read as of anything else
            raise
        self._most = self._upload.room
        self._check_body()
        length = self._length()
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.set_body_timeout(PATIENCE + (self._most if length is None else length) / SLOWEST)

    async def data_received(self, chunk: bytes) -> None:
        if self.refusal is not None or self._upload is None:
            return
        try:
            await self._upload.write(chunk)
        except ChatboxError as error:
            self.refusal = error
            self._upload.abandon()

    async def answer(self, *parts: str) -> None:
        if self._kept:
            summary = await restoring.restore_run(self.ctx, self._kept)
        elif self._upload is None:
            raise Invalid("There is no file in this request.")
        else:
            summary = await self._upload.finish()
        self._staged = True
        self.write_json({"summary": summary})

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._give_up()

    def on_finish(self) -> None:
        self._give_up()
        if self._staged:
            self.ctx.server.restart()

    def _give_up(self) -> None:
        if self._upload is not None:
            self._upload.abandon()
