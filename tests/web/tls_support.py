"""A site with HTTPS, and connections to it by hand."""

from __future__ import annotations

import logging
import socket
import ssl
from pathlib import Path

import pytest

from chatbox.lan.pem import make_context, now, read_pair
from tests.harness.certificates import TestAuthority
from tests.web.support import Site

AUTHORITY = TestAuthority()
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def server_context(folder: Path, authority: TestAuthority = AUTHORITY) -> ssl.SSLContext:
    folder.mkdir(parents=True, exist_ok=True)
    return make_context(read_pair(*authority.write(folder), now()), folder)


def plain(site: Site) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), timeout=10)


def secure(site: Site, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(plain(site), server_hostname="localhost")


def everything(raw: socket.socket) -> bytes:
    """What comes until the end of the connection."""
    found = b""
    try:
        while part := raw.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def troubles(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
