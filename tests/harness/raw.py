"""A WebSocket by hand (RFC 6455), for what no decent client does."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from typing import Any, NamedTuple

from tests.harness.process import Person, Server

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Frame(NamedTuple):
    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        return int.from_bytes(self.payload[:2], "big")


def frame_bytes(first: int, payload: bytes, *, masked: bool = True, size: int | None = None) -> bytes:
    """A frame as a client sends it; `size` is what its head says, where that is not true."""
    size = len(payload) if size is None else size
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 65536:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")
    return head + mask + mixed.to_bytes(len(payload), "big")


class RawSocket:
    """Answers nothing by itself: no pongs, no closes. `buffer` limits what the kernel takes for it."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._transports = server.transports
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server, person: Person, buffer: int = 0) -> RawSocket:
        """Connect and shake hands."""
        plain = socket.socket()
        if buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.port))
        reader, writer = await asyncio.open_connection(sock=plain, limit=max(buffer, 2**16))
        server.transports.append(writer.transport)
        headers = {
            "Host": f"127.0.0.1:{server.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            **person.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer.split(b"\r\n")[0], answer
        return cls(server, reader, writer)

    def command(self, id: int, do: str, **fields: Any) -> None:
        """Send a command."""
        self.frame(TEXT, json.dumps({"id": id, "do": do, **fields}).encode())

    def frame(self, opcode: int, payload: bytes, *, masked: bool = True, first: int = 0x80) -> None:
        """Send one frame; `first` holds the bits FIN and RSV1 to RSV3."""
        self.bytes(frame_bytes(first | opcode, payload, masked=masked))

    def bytes(self, data: bytes) -> None:
        """Send anything."""
        self._writer.write(data)

    async def read(self) -> Frame | None:
        """The next frame; None at the end of the connection."""
        try:
            head = await self._reader.readexactly(2)
            size = head[1] & 0x7F
            if size > 125:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
            return Frame(head[0] & 0x0F, await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def reply(self, id: int | None) -> dict[str, Any]:
        """The reply with this id; events before it are dropped. Raises EOFError where the connection ends."""
        while (frame := await self.read()) is not None and frame.opcode != CLOSE:
            if frame.opcode == TEXT:
                found: dict[str, Any] = json.loads(frame.payload)
                if "re" in found and found["re"] == id:
                    return found
        raise EOFError(f"the connection ended with {frame}")

    async def close_code(self) -> int | None:
        """Read to the end; the code of the close frame, if one came."""
        code = None
        while (frame := await self.read()) is not None:
            if frame.opcode == CLOSE:
                code = frame.close_code if frame.payload else None
                self.frame(CLOSE, frame.payload)
        return code

    def end(self) -> None:
        """Send nothing more, but go on reading."""
        with suppress(OSError):  # the other side has cut the line
            self._writer.write_eof()

    def abort(self) -> None:
        """Cut the line."""
        if self._writer.transport in self._transports:
            self._transports.remove(self._writer.transport)
        self._writer.transport.abort()
