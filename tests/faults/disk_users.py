"""Who writes and reads while the disk fails."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from tests.harness.checker import Sent
from tests.harness.client import Client, Lost, Refused
from tests.harness.http import Answer, Http
from tests.harness.process import Person, Server

AT_ONCE = 4
PACE = 0.02  # seconds between an answer and the next message
CONTENT = b"content of a file " * 1000


class Sender:
    """Posts without end, several at once, and sends again what was refused for the moment."""

    def __init__(self, server: Server, person: Person) -> None:
        self.client = Client(server, person)
        self.sent = Sent(person.id)
        self.refused: list[tuple[str, float]] = []  # code, seconds to the answer
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect, send again what has no answer yet, and go on."""
        await self.client.connect()
        for nonce in self.sent.nonces:
            if nonce not in self.sent.places:
                await self._post(nonce)
        self._tasks = [asyncio.create_task(self._run()) for _ in range(AT_ONCE)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def stored(self, more: int) -> None:
        """Wait until so many more were acknowledged."""
        enough = len(self.sent.places) + more
        while len(self.sent.places) < enough:
            self._news.clear()
            await self._news.wait()

    async def refusals(self, more: int) -> set[str]:
        """Wait for so many more refusals; their codes. Each must have come within a second."""
        start = len(self.refused)
        while len(self.refused) < start + more:
            self._news.clear()
            await self._news.wait()
        fresh = self.refused[start:]
        assert max(seconds for _, seconds in fresh) < 1
        return {code for code, _ in fresh}

    async def _run(self) -> None:
        with suppress(Lost):
            while True:
                nonce = f"nonce-{len(self.sent.nonces):08}"
                self.sent.post(nonce, f"text of {nonce}")
                await self._post(nonce)

    async def _post(self, nonce: str) -> None:
        (text,) = self.sent.texts[nonce]
        while True:
            begin = time.monotonic()
            try:
                answer = await self.client.call("message.post", room=1, nonce=nonce, text=text)
            except Refused as error:
                if not error.retry_in:
                    raise
                self.refused.append((error.code, time.monotonic() - begin))
                self._news.set()
                await asyncio.sleep(PACE)
            else:
                self.sent.acknowledged(nonce, answer["room"], answer["seq"])
                self._news.set()
                await asyncio.sleep(PACE)
                return


class Reader:
    """Reads whatever can be read: nobody who only reads is to notice anything."""

    def __init__(self, server: Server, person: Person) -> None:
        self._server = server
        self._person = person
        self._file: Any = {}

    async def prepare(self) -> None:
        answer = await upload(self._server, self._person, CONTENT)
        assert answer.status == 200, answer.body
        self._file = answer.json

    async def read(self) -> None:
        client = Client(self._server, self._person)
        await client.connect()
        assert (await client.call("room.history", room=1))["messages"]
        assert (await client.call("search", text="nonce"))["hits"]
        await client.close()
        http = Http(self._server.port, self._person.headers)
        assert (await http.ask("GET", f"/files/{self._file['id']}/a")).body == CONTENT
        assert (await http.ask("GET", "/readyz")).status == 200
        await http.close()


async def upload(server: Server, person: Person, content: bytes) -> Answer:
    http = Http(server.port, person.headers)
    answer = await http.ask("POST", "/files?name=a", content)
    await http.close()
    return answer


async def upload_of_unknown_size(server: Server, person: Person, size: int) -> str:
    """In chunks, without a word on how many; the code of the refusal."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = {"Host": f"127.0.0.1:{server.port}", "Transfer-Encoding": "chunked", **person.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"POST /files?name=a HTTP/1.1\r\n{head}\r\n".encode())
    chunk = bytes(64 * 1024)
    for _ in range(size // len(chunk)):
        writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    answer = await reader.readuntil(b"}}")
    writer.transport.abort()
    return answer.decode().partition('"code":"')[2].partition('"')[0]
