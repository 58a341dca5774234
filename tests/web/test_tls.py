"""HTTPS and HTTP on one port, told apart by the first byte, over real sockets."""

from __future__ import annotations

import errno
import json
import logging
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from chatbox import operations
from chatbox.lan.pem import make_context, now, read_pair
from chatbox.settings import Settings, Tls
from chatbox.web import doors
from tests.harness.certificates import TestAuthority
from tests.web.support import Person, Site, settings, until

AUTHORITY = TestAuthority()
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def server_context(folder: Path, authority: TestAuthority = AUTHORITY) -> ssl.SSLContext:
    folder.mkdir(parents=True, exist_ok=True)
    return make_context(read_pair(*authority.write(folder), now()), folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    made = Site(folder, settings(connections_per_address=0), server_context(folder / "pem"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def trusted() -> ssl.SSLContext:
    return AUTHORITY.trusted()


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


def test_one_port_speaks_both(site: Site, trusted: ssl.SSLContext) -> None:
    assert site.ask("GET", "/healthz").status == 200
    assert site.ask("GET", "/healthz", secure=trusted).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(site: Site, version: ssl.TLSVersion) -> None:
    context = AUTHORITY.trusted()
    context.minimum_version = context.maximum_version = version
    with secure(site, context) as one:
        cipher = one.cipher()
        assert cipher is not None
        assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_older_tls_is_refused(site: Site) -> None:
    context = AUTHORITY.trusted()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        secure(site, context)


def test_on_tls_the_cookie_is_another_and_only_that_is_read(
    site: Site, ada: Person, trusted: ssl.SSLContext
) -> None:
    origin = {"Origin": site.origin.replace("http", "https")}
    answers = {
        name: site.ask(
            "POST", "/api/ping", {}, origin | {"Cookie": f"{name}={ada.token}"}, secure=trusted
        ).status
        for name in (site.cookie_name, f"__Host-{site.cookie_name}")
    }
    assert answers == {site.cookie_name: 401, f"__Host-{site.cookie_name}": 200}
    on_http = {"Origin": site.origin, "Cookie": f"__Host-{site.cookie_name}={ada.token}"}
    assert site.ask("POST", "/api/ping", {}, on_http).status == 401


def test_signing_in_on_tls_sets_a_cookie_for_tls_alone(site: Site, trusted: ssl.SSLContext) -> None:
    person = {"name": "cleo", "password": "plum-trout-lantern-9"}
    origin = site.origin.replace("http", "https")
    site.run(operations.user_add(site.ctx, person))
    answer = site.ask("POST", "/api/session.create", person, {"Origin": origin}, secure=trusted)
    assert answer.status == 200
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"__Host-{site.cookie_name}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(attributes)
    sent = {"Origin": origin, "Cookie": name}
    assert site.ask("POST", "/api/session.end", {}, sent, secure=trusted).status == 200
    assert site.ask("POST", "/api/ping", {}, sent, secure=trusted).status == 401


@pytest.mark.parametrize("path", ["/api/server.info", "/files?name=x"])
def test_the_origin_must_have_the_scheme_of_the_connection(
    site: Site, trusted: ssl.SSLContext, path: str
) -> None:
    https = site.origin.replace("http", "https")
    assert site.ask("POST", path, {}, {"Origin": https}, secure=trusted).status != 403
    assert site.ask("POST", path, {}, {"Origin": site.origin}, secure=trusted).status == 403
    assert site.ask("POST", path, {}, {"Origin": https}).status == 403


def test_a_web_socket_on_tls_carries_long_and_short_messages(
    site: Site, ada: Person, trusted: ssl.SSLContext
) -> None:
    address = f"wss://127.0.0.1:{site.port}/ws"
    headers = ada.bearer | {"Origin": site.origin.replace("http", "https")}
    with connect(address, ssl=trusted, additional_headers=headers, compression=None, proxy=None) as line:
        line.send('{"id":1,"do":"hello"}')
        room = json.loads(line.recv(10))["ok"]["rooms"][0]["id"]
        texts = ["hi", "x" * 16_000] * 10
        for number, text in enumerate(texts):
            post = {"id": 2, "do": "message.post", "room": room, "nonce": f"nonce-{number:03}", "text": text}
            line.send(json.dumps(post))
        came: list[str] = []
        while len(came) < len(texts):
            event = json.loads(line.recv(10))
            if event.get("ev") == "messages":
                came += [message["text"] for message in event["messages"]]
        assert came == texts


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


HOSTILE = [
    b"\x16",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600,
    b"\x16" * 20_000,
    b"\x16\x03\x01\xff\xff" + b"\xff" * 70_000,
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    b"\x15\x03\x01\x00\x02\x02\x28",
    b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"\0" * 40,
]


@pytest.mark.parametrize("sent", HOSTILE)
def test_what_is_no_tls_ends_without_a_trace(
    site: Site, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with plain(site) as one:
        try:
            one.sendall(sent)
            one.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was cut while it still sent
        everything(one)
    assert site.ask("GET", "/healthz").status == 200
    assert troubles(caplog) == []


def test_connections_that_are_reset_end_without_a_trace(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for sent in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET"):
        for _ in range(20):
            with plain(site) as one:
                one.sendall(sent)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: site.waiting == 0)
    assert site.ask("GET", "/healthz").status == 200
    assert troubles(caplog) == []


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


def test_another_certificate_serves_new_connections_and_old_ones_live_on(tmp_path: Path) -> None:
    site = Site(tmp_path, settings(), server_context(tmp_path / "pem"))
    second = TestAuthority("The second")
    try:
        with secure(site, AUTHORITY.trusted()) as old:
            site.encrypt(server_context(tmp_path / "pem", second))
            with pytest.raises(ssl.SSLCertVerificationError):
                secure(site, AUTHORITY.trusted())
            assert site.ask("GET", "/healthz", secure=second.trusted()).status == 200
            old.sendall(GET)
            assert everything(old).startswith(b"HTTP/1.1 200 ")
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


def test_where_only_encrypted_connections_are_wanted_http_leads_there(tmp_path: Path) -> None:
    site = Site(tmp_path, Settings(tls=Tls(mode="required")), server_context(tmp_path / "pem"))
    trusted = AUTHORITY.trusted()
    secured = site.origin.replace("http", "https")
    try:
        for path in ("/", "/healthz", "/nowhere?a=b", "//evil.example/", "/files/aaaaaaaaaaaaaaaaaaaa/x"):
            answer = site.ask("GET", path)
            assert (answer.status, answer.headers["location"]) == (307, secured + path)
            assert answer.headers["cache-control"] == "no-store"
            assert "strict-transport-security" not in answer.headers
        login = {"name": "ada", "password": "plum-trout-lantern-9"}
        answer = site.ask("POST", "/api/session.create", login)
        assert (answer.status, answer.headers["location"]) == (307, f"{secured}/api/session.create")
        assert site.ask("GET", "/", headers={"Host": "evil.example"}).status == 421
        assert site.ask("GET", "/", secure=trusted).status == 200
        assert site.ask("POST", "/api/server.info", {}, {"Origin": secured}, secure=trusted).status == 200
    finally:
        site.close()
