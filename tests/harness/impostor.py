"""Somebody who has stolen the key of a server's own authority, and poses as other servers with it."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

from chatbox.lan import certificates
from tests.browser.site import Site
from tests.harness.certificates import TestAuthority, key_pem

ANSWER = b'{"id":"impostor"}'


class Impostor:
    """Answers anything, with whatever certificate the stolen key makes."""

    def __init__(self, site: Site, folder: Path) -> None:
        stolen = certificates.load_authority(site.server.data)
        assert stolen is not None
        self._authority = TestAuthority()
        self._authority.key, self._authority.certificate = stolen.key, stolen.certificate
        self._authority.name = stolen.certificate.subject
        self._folder = folder
        self._site = site
        self._server: asyncio.Server | None = None

    def pose_as(self, *hosts: str) -> int:
        """Listen on this machine with a certificate for these hosts; gives the port."""
        self.close()
        certificate, key = self._authority.issue(hosts)
        path = self._folder / "stolen.pem"
        path.write_text(certificate + key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context)

        self._server = self._site.run(listen())
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        if self._server is not None:
            self._site.run(_close(self._server))
            self._server = None


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(ANSWER)}\r\nConnection: close\r\n\r\n".encode()
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + ANSWER)
        await writer.drain()
    except (OSError, EOFError):
        pass  # it was not believed
    writer.close()


async def _close(server: asyncio.Server) -> None:
    """Also end the connections: browsers open some to have them, and say nothing on them."""
    server.close()
    transports: Any = vars(asyncio.get_running_loop())["_transports"]
    while left := [each for each in list(transports.values()) if getattr(each, "_server", None) is server]:
        for transport in left:
            transport.abort()
        await asyncio.sleep(0)
    await server.wait_closed()
