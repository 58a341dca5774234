"""Telling HTTPS from HTTP by the first byte, with clients that are slow, hostile or gone."""

from __future__ import annotations

import errno
import logging
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbox.web import doors
from chatbox.web.doors import Lobby, arrival_of
from tests.harness.certificates import TestAuthority
from tests.harness.running import on_a_loop
from tests.web.support import Site, settings, until
from tests.web.tls_support import AUTHORITY, GET, everything, plain, secure, server_context, troubles


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    made = Site(folder, settings(connections_per_address=0), server_context(folder / "pem"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def trusted() -> ssl.SSLContext:
    return AUTHORITY.trusted()


def test_silent_and_half_connections_cost_the_others_nothing(site: Site, trusted: ssl.SSLContext) -> None:
    hello = ssl.MemoryBIO()
    greeting = trusted.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        greeting.do_handshake()
    half = hello.read()[:100]
    held = [plain(site) for _ in range(300)]
    try:
        for number, one in enumerate(held):
            if number % 3:
                one.sendall(half if number % 3 == 1 else b"G")
        began = time.monotonic()
        for _ in range(10):
            assert site.ask("GET", "/healthz").status == 200
            assert site.ask("GET", "/healthz", secure=trusted).status == 200
        assert time.monotonic() - began < doors.HANDSHAKE_SECONDS  # none waited for one that gave up
    finally:
        for one in held:
            one.close()


def test_a_late_first_byte_is_heard(site: Site, trusted: ssl.SSLContext) -> None:
    with plain(site) as one, plain(site) as two:
        until(lambda: site.waiting >= 2)
        one.sendall(GET)
        assert everything(one).startswith(b"HTTP/1.1 200 ")
        with trusted.wrap_socket(two, server_hostname="localhost") as wrapped:
            wrapped.sendall(GET)
            assert everything(wrapped).startswith(b"HTTP/1.1 200 ")
    until(lambda: site.waiting == 0)


def test_who_waits_too_long_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatbox.web.listener.IDLE_SECONDS", 0.2)
    monkeypatch.setattr(doors, "HANDSHAKE_SECONDS", 0.2)
    site = Site(tmp_path, settings(), server_context(tmp_path / "pem"))
    try:
        for sent in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
            with plain(site) as one:
                one.sendall(sent)
                assert everything(one) == b""
        until(lambda: site.waiting == 0)
    finally:
        site.close()


def test_who_waits_counts_as_a_connection_of_its_address(tmp_path: Path) -> None:
    site = Site(tmp_path, settings(connections_per_address=2), server_context(tmp_path / "pem"))
    held = [plain(site) for _ in range(2)]
    try:
        held[0].sendall(b"\x16")
        until(lambda: site.waiting == 2)
        assert site.ask("GET", "/healthz").status == 503
        assert site.ask("GET", "/healthz", secure=AUTHORITY.trusted()).status == 503
    finally:
        for one in held:
            one.close()
        site.close()


ALERT, BAD_REQUEST = b"\x15\x03", b"HTTP/1.1 400 Bad Request\r\n\r\n"
HOSTILE: dict[str, tuple[bytes, bytes]] = {  # what comes first, and how the answer begins; at once it ends
    "the first byte of TLS alone": (b"\x16", ALERT),
    "a hello without an end": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600, ALERT),
    "the first byte again and again": (b"\x16" * 20_000, b""),
    "a record that is too large": (b"\x16\x03\x01\xff\xff" + b"\xff" * 70_000, ALERT),
    "half a hello": (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", ALERT),
    "an alert": (b"\x15\x03\x01\x00\x02\x02\x28", b""),
    "a hello of SSL 2": (b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"\0" * 40, b""),
    "a zero": (b"\0", b""),
    "a greeting of SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", b""),
    "a greeting of SOCKS": (b"\x05\x01\x00", b""),
    "words": (b"Dear Chatbox,\r\n\r\n", BAD_REQUEST),
    "empty lines": (b"\r\n\r\n", BAD_REQUEST),
    "an HTTP of the future": (b"GET / HTTP/9.9\r\n\r\n", BAD_REQUEST),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD_REQUEST),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_neither_tls_nor_http_ends_without_a_trace(
    site: Site, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent, answer = HOSTILE[case]
    caplog.set_level(logging.INFO)
    with plain(site) as one:
        try:
            one.sendall(sent)
            one.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was cut while it still sent
        got = everything(one)
    if answer and (got or len(sent) < 10_000):  # who still sends may miss the answer
        assert got.startswith(answer)
    else:
        assert got == b""
    assert site.ask("GET", "/healthz").status == 200
    assert troubles(caplog) == []


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_connections_that_are_reset_end_without_a_trace(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for sent in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET"):
        for _ in range(20):
            with plain(site) as one:
                one.sendall(sent)
                reset(one)
    until(lambda: site.waiting == 0)
    assert site.ask("GET", "/healthz").status == 200
    assert troubles(caplog) == []


class ResetBefore(ssl.SSLContext):
    """Wraps a socket, and gives it only once the other side has reset the connection."""

    other: socket.socket

    def wrap_socket(self, sock: socket.socket, *words: Any, **settings: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(sock, *words, **settings)
        reset(self.other)
        until(lambda: doors.is_gone(wrapped))
        return wrapped


@on_a_loop()
async def test_a_connection_reset_before_its_handshake_began_is_not_waited_for() -> None:
    def welcome(*_: object) -> None:
        pytest.fail("it has gone")

    lobby = Lobby(welcome, 1000)
    lobby.context = ResetBefore(ssl.PROTOCOL_TLS_SERVER)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        lobby.context.other = socket.create_connection(listening.getsockname())
        accepted, address = listening.accept()
    lobby.context.other.sendall(doors.TLS_RECORD)
    select.select([accepted], [], [])
    accepted.setblocking(False)
    lobby.enter(arrival_of(accepted, address), patience=60)
    assert not lobby.waiting


def test_who_does_not_trust_the_certificate_leaves_without_a_trace(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        stranger = TestAuthority("Another").trusted()
        stranger.maximum_version = version
        for _ in range(10):
            with pytest.raises(ssl.SSLCertVerificationError):
                secure(site, stranger)
    until(lambda: site.waiting == 0)
    assert troubles(caplog) == []


def test_tls_that_breaks_after_the_handshake_leaves_no_trace(
    site: Site, trusted: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number in range(10):
        wrapped = secure(site, trusted)
        if number % 2:
            wrapped.sendall(GET[:20])
        with socket.socket(fileno=wrapped.detach()) as bare:
            bare.settimeout(10)
            bare.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))  # a record that no key has made
            everything(bare)
    assert site.ask("GET", "/healthz").status == 200
    assert troubles(caplog) == []


def test_without_a_certificate_tls_is_cut_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path, settings())
    try:
        began = time.monotonic()
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            secure(site, AUTHORITY.trusted())
        assert time.monotonic() - began < 10
    finally:
        site.close()


def test_without_free_sockets_accepting_pauses_and_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = 0
    accept = socket.socket.accept

    def fail(self: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tried
        if self.getsockname()[1] != site.port:
            return accept(self)
        tried += 1
        if tried > 3:
            monkeypatch.undo()
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket.socket, "accept", fail)
    began = time.monotonic()
    assert site.ask("GET", "/healthz").status == 200
    assert time.monotonic() - began >= 3 * doors.NO_SOCKET_SECONDS  # and not as often as it could
    assert troubles(caplog) == ["no connection can be accepted for now: Too many open files"]
