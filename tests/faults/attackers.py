"""Many attackers in a process of their own: `python -m tests.faults.attackers KIND PORT NUMBER SECONDS`.

Reads the headers of who they are, a JSON object a line for as many as there are. They come in one after the
other within so many seconds, when a line is printed, and whoever is shown out comes back after as long. They
attack until the input ends; then it prints as JSON how often they came in and were shown out, and how many
bytes they sent.

They leave the processor to the server and its other guests where there is too little of it: what is to be
seen is what they take from the server, not from the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from tests.harness.assembly import raise_file_limit
from tests.harness.raw import PING, PONG, TEXT, frame_bytes

TRICKLE = 0.2  # seconds between two bytes of what is slow
PIECE = 16 * 1024  # bytes that a flood sends at a time
AT_ONCE = struct.pack("ii", 1, 0)  # whoever goes takes along what was not received yet
FIN = 0x80

Headers = Mapping[str, str]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Attacker:
    """One of them. Every attack goes on until the server ends the connection."""

    def __init__(self, port: int, pause: float, headers: Headers, counts: Counter[str]) -> None:
        self._port = port
        self._pause = pause
        self._headers = {"Host": f"127.0.0.1:{port}", **headers}
        self._counts = counts

    async def attack(self, kind: Callable[[Attacker], Awaitable[None]], wait: float) -> None:
        """Come in again and again, for the first time after so many seconds, until cancelled."""
        await asyncio.sleep(wait)
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await kind(self)
            self._counts["shown out"] += 1
            await asyncio.sleep(self._pause)

    async def _connect(self) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._counts["came in"] += 1
        return reader, writer

    async def _handshake(self) -> Streams:
        reader, writer = await self._connect()
        lines = {
            **self._headers, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }  # fmt: skip
        writer.write(_head("GET /ws", lines))
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer[:20]:
            self._counts[answer[9:12].decode()] += 1
            writer.transport.abort()
            raise ConnectionRefusedError
        return reader, writer

    async def _flood(self, streams: Streams, first: bytes, piece: bytes) -> None:
        """Send something, then the same for ever, and read nothing but the end."""
        reader, writer = streams
        ending = asyncio.create_task(_read_to_the_end(reader))
        writer.write(first)
        try:
            while not ending.done():
                writer.write(piece)
                self._counts["bytes"] += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            ending.cancel()
            writer.transport.abort()

    async def _trickle(self, streams: Streams, first: bytes) -> None:
        reader, writer = streams
        ending = asyncio.create_task(_read_to_the_end(reader))
        writer.write(first)
        try:
            while not ending.done():
                await asyncio.wait([ending], timeout=TRICKLE)
                writer.write(b"x")
                self._counts["bytes"] += 1
        finally:
            ending.cancel()
            writer.transport.abort()

    async def _hold(self, streams: Streams, data: bytes) -> None:
        """Send something, then nothing more."""
        reader, writer = streams
        writer.write(data)
        self._counts["bytes"] += len(data)
        try:
            await _read_to_the_end(reader)
        finally:
            writer.transport.abort()

    # -- the attacks ---------------------------------------------------------------------------------------

    async def nothing(self) -> None:
        await self._hold(await self._handshake(), b"")

    async def slow_headers(self) -> None:
        await self._trickle(await self._connect(), _head("GET /", self._headers)[:-2] + b"X: ")

    async def slow_bodies(self) -> None:
        head = _head("POST /api/message.post", self._headers | {"Content-Length": "60000"})
        await self._trickle(await self._connect(), head)

    async def slow_uploads(self) -> None:
        head = _head("POST /files?name=x", self._headers | {"Content-Length": "60000"})
        await self._trickle(await self._connect(), head)

    async def giant_frames(self) -> None:
        await self._flood(await self._handshake(), frame_bytes(FIN | TEXT, b"", size=2**62), bytes(PIECE))

    async def large_frames(self) -> None:
        """As large as may be, one after the other, each of them nonsense."""
        await self._flood(await self._handshake(), b"", frame_bytes(FIN | TEXT, b"[" * 65_536))

    async def unfinished_frames(self) -> None:
        await self._hold(await self._handshake(), frame_bytes(FIN | TEXT, bytes(60_000), size=65_536))

    async def unfinished_messages(self) -> None:
        await self._hold(await self._handshake(), frame_bytes(TEXT, b"x" * 60_000))

    async def empty_fragments(self) -> None:
        await self._flood(await self._handshake(), frame_bytes(TEXT, b""), frame_bytes(0, b"") * (PIECE // 6))

    async def pings(self) -> None:
        await self._flood(await self._handshake(), b"", frame_bytes(FIN | PING, b"") * (PIECE // 6))

    async def pongs(self) -> None:
        await self._flood(await self._handshake(), b"", frame_bytes(FIN | PONG, b"") * (PIECE // 6))

    async def nonsense(self) -> None:
        await self._flood(await self._handshake(), b"", frame_bytes(FIN | TEXT, b"x") * (PIECE // 7))


ATTACKS = {
    "nothing": Attacker.nothing,
    "slow headers": Attacker.slow_headers,
    "slow bodies": Attacker.slow_bodies,
    "slow uploads": Attacker.slow_uploads,
    "giant frames": Attacker.giant_frames,
    "large frames": Attacker.large_frames,
    "unfinished frames": Attacker.unfinished_frames,
    "unfinished messages": Attacker.unfinished_messages,
    "empty fragments": Attacker.empty_fragments,
    "pings": Attacker.pings,
    "pongs": Attacker.pongs,
    "nonsense": Attacker.nonsense,
}


def _head(request: str, headers: Headers) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request} HTTP/1.1\r\n{lines}\r\n".encode()


async def _read_to_the_end(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(2**16):
            pass


async def main(kind: str, port: int, number: int, pause: float) -> None:
    """Attack until the input ends."""
    counts = Counter[str]()
    people = [json.loads(sys.stdin.readline()) for _ in range(number)]
    attackers = [Attacker(port, pause, headers, counts) for headers in people]
    tasks = [
        asyncio.create_task(attacker.attack(ATTACKS[kind], pause * place / number))
        for place, attacker in enumerate(attackers)
    ]
    await asyncio.sleep(pause)
    print("all were in", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(counts))


if __name__ == "__main__":
    os.nice(10)
    raise_file_limit()
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
