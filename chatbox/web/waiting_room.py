"""What browsers are told while the data is being upgraded, before there is a server: a page that waits.

It says so with 503 (RFC 9110, 15.6.4) and loads itself again. Over HTTPS there is nobody yet who could: such
a connection is closed, and browsers and programs try again by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from chatbox.web.headers import SECURITY

log = logging.getLogger("chatbox.web")

_HEADER_BYTES = 16 * 1024
_WAITING = 4096  # connections that the kernel may hold until they are accepted
_SECONDS = 3
_PATIENCE = 10.0
_TITLE = "Chatbox is being upgraded"
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    f'<meta http-equiv="refresh" content="{_SECONDS}"><title>{_TITLE}</title>'
    f"<main><h1>{_TITLE}</h1><p>This takes a moment. The page loads itself again when it is done, and "
    "nothing of what you wrote is lost.</p></main></html>\n"
).encode()
_JSON = (
    f'{{"error":{{"code":"restarting","message":"{_TITLE}. Try again in a moment.","retry_in":{_SECONDS}}}}}'
).encode()


@asynccontextmanager
async def waiting_room(sockets: Iterable[socket.socket]) -> AsyncIterator[None]:
    """Answer everybody on these listening sockets until it is left. The sockets stay as they are."""
    servers = [
        await asyncio.start_server(_answer, sock=each.dup(), limit=_HEADER_BYTES, backlog=_WAITING)
        for each in sockets
    ]
    try:
        yield
    finally:
        for server in servers:
            server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(head))
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        log.debug("a connection went away during the upgrade")
    finally:
        writer.close()


def _response(head: bytes) -> bytes:
    """A page for who looks at it, JSON for programs and the page's own requests."""
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0]
    wants_page = b"text/html" in head.lower() and not path.startswith(b"/api/")
    body, kind = (_PAGE, "text/html; charset=utf-8") if wants_page else (_JSON, "application/json")
    lines = [
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"Retry-After: {_SECONDS}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in SECURITY.items()),
    ]
    return "\r\n".join((*lines, "", "")).encode() + (b"" if method == b"HEAD" else body)
