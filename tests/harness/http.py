"""One kept-alive HTTP/1.1 connection, as a program with a bearer token or a cookie would hold it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """`headers` by lower-case name; of headers given twice the last, but every Set-Cookie, a line each."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookies(self) -> str:
        """What a browser sends along from now on, where it had no cookie before."""
        lines = self.headers.get("set-cookie", "").splitlines()
        return "; ".join(line.partition(";")[0] for line in lines)


class Http:
    """Opens its connection when first asked. Raises OSError or EOFError where the connection is lost."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self._port = port
        self._headers = dict(headers or {})
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def command(self, name: str, /, **fields: Any) -> Answer:
        """`POST /api/<name>` with these fields."""
        body = json.dumps(fields).encode()
        return await self.ask("POST", f"/api/{name}", body, {"Content-Type": "application/json"})

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request and its answer."""
        if self._stream is None:
            self._stream = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
        reader, writer = self._stream
        given = {"Host": f"127.0.0.1:{self._port}", **self._headers, **(headers or {})}
        if body or method == "POST":
            given["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        answer = await _read_answer(reader)
        if answer.headers.get("connection", "").lower() == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._stream is not None:
            writer, self._stream = self._stream[1], None
            writer.transport.abort()


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in head[1:]):
        key, value = name.strip().lower(), value.strip()
        again = key == "set-cookie" and key in headers
        headers[key] = f"{headers[key]}\n{value}" if again else value
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(status, headers, body)
