"""How a command reaches the process that holds the data folder, so that there is never a second writer.

The holder listens on a free port of 127.0.0.1 and writes port and key into a file that only its owner
can read. One line of JSON goes each way::

    {"key": "…", "command": "user add", "args": {…}}
    {"ok": {…}}   or   {"error": {"code": "conflict", "message": "…"}}

Before the answer there may be lines that tell how far it is: `{"progress": "Copying the database: 40 %"}`.

The loopback address is open to every user of the machine; the key, 256 bits and new at each start, is what
shows that a caller may read the folder.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from chatbox import atomic
from chatbox.errors import ChatboxError
from chatbox.folder_lock import CONTROL_FILE
from chatbox.progress import Tell, tell, told_to

LINE_BYTES = 2**20
ANSWER_BYTES = 2**26  # a list of everyone is longer than any command
TIMEOUT = 30.0  # seconds

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

log = logging.getLogger(__name__)


class ControlError(Exception):
    """The holder refused a command, or did not answer; `code` as in the protocol, the text for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NobodyListens(Exception):
    """The folder has no control file, or nobody answers at its port: the holder is starting or gone."""


class _Door(msgspec.Struct, frozen=True):
    port: int
    key: str
    pid: int


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    command: str
    args: dict[str, Any] = {}


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    message: str


class _Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    ok: dict[str, Any] | None = None
    error: _Refusal | None = None
    progress: str | None = None  # one of these lines only


class ControlServer:
    """Answers commands for a folder from `start` to `close`; `handlers` by the command's name."""

    def __init__(self, folder: Path, handlers: Mapping[str, Handler]) -> None:
        self._file = folder / CONTROL_FILE
        self._handlers = handlers
        self._key = secrets.token_hex(32)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._idle: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen, then write the file. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_BYTES)
        door = _Door(self._server.sockets[0].getsockname()[1], self._key, os.getpid())
        atomic.write_text(self._file, msgspec.json.encode(door).decode())

    async def close(self) -> None:
        """Take no more commands, and let those that run finish and answer. A second call does nothing."""
        if self._server is None:
            return
        with suppress(OSError):  # on a read-only disk it stays, and nobody answers at its port
            self._file.unlink(missing_ok=True)
        self._server.close()
        self._server = None
        for writer in self._idle:
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=TIMEOUT)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self._idle.add(writer)
            try:
                line = await asyncio.wait_for(reader.readline(), TIMEOUT)
            finally:
                self._idle.discard(writer)
            if line:
                with told_to(_teller(writer)):
                    answer = await self._answer(line)
                _send(writer, answer)
                await writer.drain()
        except (OSError, ValueError, TimeoutError):
            log.info("A control connection sent no whole command")  # gone, too long or too slow
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, line: bytes) -> _Answer:
        try:
            request = msgspec.json.decode(line, type=_Request)
        except (msgspec.MsgspecError, RecursionError):
            return _refused("bad_request", "The command could not be read.")
        if not hmac.compare_digest(request.key.encode(), self._key.encode()):
            log.warning("A control command came with a wrong key")
            return _refused(
                "forbidden", "The key is wrong: the server was started anew meanwhile. Try again."
            )
        handler = self._handlers.get(request.command)
        if handler is None:
            text = "The running server does not know this command: it is of another version. Restart it."
            return _refused("bad_request", text)
        return await _run(handler, request)


def _send(writer: asyncio.StreamWriter, answer: _Answer) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")


def _teller(writer: asyncio.StreamWriter) -> Tell:
    """Send what is told, from whichever thread; one who has gone is told nothing."""
    loop = asyncio.get_running_loop()

    def send(text: str) -> None:
        if not writer.is_closing():
            _send(writer, _Answer(progress=text))

    def send_from_anywhere(text: str) -> None:
        loop.call_soon_threadsafe(send, text)

    return send_from_anywhere


async def _run(handler: Handler, request: _Request) -> _Answer:
    try:
        return _Answer(ok=await handler(request.args))
    except ChatboxError as error:
        return _refused(error.code, error.message)
    except Exception:  # whatever a handler does, the server lives on
        log.exception("The command %r failed", request.command)
        return _refused("internal", "The running server failed at this command; its log says why.")


def _refused(code: str, message: str) -> _Answer:
    return _Answer(error=_Refusal(code, message))


async def call(folder: Path, command: str, args: dict[str, Any], timeout: float = TIMEOUT) -> dict[str, Any]:
    """Have the holder of a folder do a command; its result. What it tells meanwhile is told on.

    Raises ControlError when it is refused or nothing comes for `timeout` seconds, and NobodyListens when it
    has not reached anybody.
    """
    door = _door(folder)
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=ANSWER_BYTES)
    except (OSError, TimeoutError) as error:
        raise NobodyListens from error
    try:
        writer.write(msgspec.json.encode(_Request(door.key, command, args)) + b"\n")
        answer = await _next_answer(reader, timeout)
        while answer.progress is not None:
            tell(answer.progress)
            answer = await _next_answer(reader, timeout)
    except (OSError, ValueError, TimeoutError) as error:
        text = "The running server gave no answer. Look there whether the command took effect."
        raise ControlError("unavailable", text) from error
    finally:
        writer.close()
    if answer.error:
        raise ControlError(answer.error.code, answer.error.message)
    return answer.ok or {}


async def _next_answer(reader: asyncio.StreamReader, timeout: float) -> _Answer:
    async with asyncio.timeout(timeout):
        return msgspec.json.decode(await reader.readline(), type=_Answer)


def _door(folder: Path) -> _Door:
    try:
        return msgspec.json.decode((folder / CONTROL_FILE).read_bytes(), type=_Door)
    except (OSError, msgspec.MsgspecError) as error:
        raise NobodyListens from error
