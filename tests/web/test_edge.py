"""The Host and Origin rules, headers, errors and hostile bytes, over real sockets."""

from __future__ import annotations

import gc
import logging
import socket
from ipaddress import ip_network
from pathlib import Path

import pytest
from tornado.iostream import IOStream
from websockets.sync.client import connect

from chatbox.settings import Server as ServerSettings
from chatbox.settings import Settings
from chatbox.web import headers, listener
from chatbox.web.socket import Socket
from tests.web.support import Person, Site, settings, until

HOSTS = [
    ("127.0.0.1", 200),
    ("192.168.1.5:8642", 200),
    ("[::1]:8642", 200),
    ("[fe80::1]", 200),
    ("localhost", 200),
    ("LOCALHOST:99", 200),
    ("localhost.", 200),
    ("desk.home:8642", 200),
    ("desk", 200),
    ("DESK.local", 200),
    ("chat.example", 200),
    ("evil.example", 421),
    ("chat.example.evil.example", 421),
    ("127.0.0.1.evil.example", 421),
    ("localhost.evil.example", 421),
    ("2130706433", 421),
    ("0x7f.1", 421),
    ("127.1", 421),
    ("[::1].evil.example", 421),
    ("", 400),
]

# Origin, with a cookie or not, and whether a POST gets past the rule. {own} is the server's own.
ORIGINS = [
    ("{own}", True, True),
    ("{own}", False, True),
    (None, False, True),
    (None, True, False),
    ("null", True, False),
    ("null", False, False),
    ("http://evil.example", True, False),
    ("http://evil.example", False, False),
    ("http://127.0.0.1", True, False),
    ("http://127.0.0.1:1", True, False),
    ("https{rest}", True, False),
    ("{own}.evil.example", True, False),
    ("{own}/", True, False),
    ("file://", True, False),
    ("", True, False),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_the_host_rule(site: Site, host: str, status: int) -> None:
    for path in ("/", "/healthz", "/nowhere", "/ws", "/files/aaaaaaaaaaaaaaaaaaaa/x"):
        answer = site.ask("GET", path, headers={"Host": host})
        if status == 200:
            assert answer.status not in (400, 421) or path == "/ws"
        else:
            assert answer.status == status
            assert not host or host.encode() not in answer.body
    answer = site.ask("POST", "/api/server.info", {}, {"Host": host})
    assert answer.status == status


@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_body_brings_no_request_past_the_rules(site: Site, method: bytes, body: bytes) -> None:
    for path in (b"/", b"/healthz", b"/metrics", b"/ws"):
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
            raw.sendall(method + b" " + path + b" HTTP/1.1\r\nHost: evil.example\r\n" + body)
            assert raw.recv(65536)[:12] == b"HTTP/1.1 421"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS", "NONSENSE"])
def test_the_host_rule_comes_before_anything_else(site: Site, method: str) -> None:
    for path in ("/", "/api/ping", "/api/%ff", "/files", f"/files/{'a' * 22}/%ff", "/healthz", "/ws", "/x"):
        assert site.ask(method, path, headers={"Host": "evil.example"}).status == 421, path


def test_a_refused_host_is_told_what_to_do(site: Site) -> None:
    answer = site.ask("GET", "/", headers={"Host": "evil.example"})
    assert answer.headers["content-type"].startswith("text/html")
    assert b"[server] hosts" in answer.body


@pytest.mark.parametrize(("origin", "cookie", "passes"), ORIGINS)
def test_the_origin_rule(site: Site, origin: str | None, cookie: bool, passes: bool) -> None:
    sent = {"Cookie": f"{site.cookie_name}=x"} if cookie else {}
    if origin is not None:
        sent["Origin"] = origin.format(own=site.origin, rest=site.origin.removeprefix("http"))
    for path in ("/api/server.info", "/files?name=x"):
        answer = site.ask("POST", path, {}, sent)
        assert (answer.status == 403) is not passes


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "{own}"])
def test_a_handshake_needs_the_own_origin(site: Site, ada: Person, origin: str | None) -> None:
    sent = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    sent |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Cookie": f"{site.cookie_name}={ada.token}"}
    if origin is not None:
        sent["Origin"] = origin.format(own=site.origin)
    assert site.ask("GET", "/ws", headers=sent).status == (101 if origin == "{own}" else 403)


def test_every_answer_carries_the_security_headers(site: Site) -> None:
    for path in ("/", "/nowhere", "/readyz", "/favicon.ico", "/files/aaaaaaaaaaaaaaaaaaaa/x", "/ws"):
        answer = site.ask("GET", path)
        for name, value in headers.SECURITY.items():
            if name != "Cache-Control":
                found = answer.headers[name.lower()].replace(f" https://127.0.0.1:{site.port}", "")
                assert found == value, path
        assert "server" not in answer.headers


def test_a_page_may_ask_at_the_other_addresses_whether_the_server_answers(site: Site) -> None:
    site.ctx.server.addresses = lambda: ["http://192.168.1.5:8642"]
    try:
        policy = site.ask("GET", "/").headers["content-security-policy"]
    finally:
        site.ctx.server.addresses = list
    assert f"connect-src 'self' http://192.168.1.5:8642 https://127.0.0.1:{site.port};" in policy


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    for path in ("/", "/api/ping", "/files", "/healthz"):
        assert site.ask(method, path).status == 405


def test_a_command_is_not_got_and_a_page_not_posted(site: Site) -> None:
    assert site.ask("GET", "/api/ping").status == 405
    assert site.ask("POST", "/").status == 405


def test_an_unknown_address_gets_a_friendly_page(site: Site) -> None:
    answer = site.ask("GET", "/nothing/<script>")
    assert answer.status == 404
    assert b"Open Chatbox" in answer.body
    assert b"<script>" not in answer.body


def test_under_a_wrong_name_no_link_leads_back_to_the_refusal(site: Site) -> None:
    answer = site.ask("GET", "/", headers={"Host": "evil.example"})
    assert answer.status == 421
    assert b"[server] hosts" in answer.body
    assert b"<a " not in answer.body


HOSTILE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET /\x1b[31m\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%ff%fe%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /files/%ff%fe%00aaaaaaaaaaaaaaaa/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /assets/000000000000/%2e%2e/%2e%2e/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET /?" + b"&".join(b"a=1" for _ in range(4000)) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /api/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    b"POST /api/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0",
    b"POST /api/ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /api/ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n\xff\xfe",
    b'POST /api/server.info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"id":NaN',
    b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: \xff=\x01; ;;=\r\nAuthorization: Bearer \xff\r\n"
    b"Connection: close\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n",
]


@pytest.mark.parametrize("sent", HOSTILE)
def test_hostile_bytes_are_answered_or_cut_and_leave_no_trace(
    site: Site, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
        received = b""
        try:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            while part := raw.recv(65536):
                received += part
        except OSError:
            pass  # it was cut while it still sent
    assert received == b"" or received.startswith(b"HTTP/1.1 ")
    assert b"Traceback" not in received
    assert not received.startswith(b"HTTP/1.1 5")
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []
    assert all(record.getMessage().isprintable() for record in caplog.records)
    assert site.ask("GET", "/healthz").status == 200


def test_a_compressed_body_is_refused(site: Site) -> None:
    assert site.ask("POST", "/api/server.info", {}, {"Content-Encoding": "gzip"}).status == 415


def test_a_body_over_a_mebibyte_is_refused_with_an_answer(site: Site) -> None:
    answer = site.ask("POST", "/api/server.info", b" " * (2**20 + 1))
    assert answer.status == 413
    assert answer.json["error"]["code"] == "too_large"
    chunked = (b" " * 65536 for _ in range(20))
    assert site.ask("POST", "/api/server.info", chunked).status == 413


def test_expect_is_answered_before_the_body_is_sent(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
        raw.sendall(
            b"POST /api/server.info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_connections_over_the_limit_of_an_address_are_told_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    site = Site(tmp_path_factory.mktemp("few"), settings(connections_per_address=2))
    held = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(2)]
    try:
        for one in held:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        answer = site.ask("GET", "/healthz", headers={"Host": "localhost"})
        assert (answer.status, answer.json["error"]["code"]) == (503, "busy")
        assert answer.headers["retry-after"] == "2"
        page = site.ask("GET", "/", headers={"Accept": "text/html,*/*;q=0.8"})
        assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert b"This page tries again" in page.body
        held[0].close()
        until(lambda: site.ask("GET", "/healthz").status == 200)
    finally:
        for one in held:
            one.close()
        site.close()


def test_windows_has_places_for_no_more_than_its_select_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SELECT_HAS_ROOM_FOR", 3)
    site = Site(tmp_path, settings(connections_per_address=0))
    held = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(3)]
    try:
        for one in held:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        assert site.ask("GET", "/healthz").status == 503
        held[0].close()
        until(lambda: site.ask("GET", "/healthz").status == 200)
    finally:
        for one in held:
            one.close()
        site.close()


def test_a_socket_counts_as_a_connection_of_its_address(tmp_path: Path) -> None:
    site = Site(tmp_path, settings(connections_per_address=2))
    ada = site.add_person("ada")
    address = f"ws://127.0.0.1:{site.port}/ws"
    try:
        with connect(address, additional_headers=ada.bearer), connect(address, additional_headers=ada.bearer):
            assert site.ask("GET", "/healthz").status == 503
        until(lambda: site.ask("GET", "/healthz").status == 200)
    finally:
        site.close()


def test_a_socket_that_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    """Not even until the garbage is collected, with a limit for its address or without one."""
    site = Site(tmp_path, settings(connections_per_address=0))
    ada = site.add_person("ada")

    def left() -> int:
        found = gc.get_objects()
        return sum(type(one) is Socket or (type(one) is IOStream and one.closed()) for one in found)

    gc.collect()
    before = left()
    gc.disable()
    try:
        for _ in range(5):
            with connect(f"ws://127.0.0.1:{site.port}/ws", additional_headers=ada.bearer) as there:
                there.send('{"do": "hello"}')
                there.recv()
        until(lambda: left() == before)
    finally:
        gc.enable()
        site.close()


def test_behind_a_trusted_proxy_its_word_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chatbox.web")
    proxied = Settings(server=ServerSettings(trusted_proxies=(ip_network("127.0.0.0/8"),)))
    site = Site(tmp_path, proxied)
    sent = {"Host": "chat.example", "X-Forwarded-For": "6.6.6.6, 192.168.1.9", "X-Forwarded-Proto": "https"}
    try:
        assert (
            site.ask("POST", "/api/server.info", {}, sent | {"Origin": "https://chat.example"}).status == 200
        )
        assert (
            site.ask("POST", "/api/server.info", {}, sent | {"Origin": "http://chat.example"}).status == 403
        )
        plain = {"Cookie": f"{site.cookie_name}=x", "Origin": "https://chat.example"}
        assert site.ask("POST", "/api/ping", {}, sent | plain).status == 401  # on TLS only __Host- is read
        until(lambda: any("from 192.168.1.9" in record.getMessage() for record in caplog.records))
    finally:
        site.close()


def test_a_stranger_is_no_proxy(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chatbox.web")
    sent = {"X-Forwarded-For": "6.6.6.6", "X-Real-Ip": "6.6.6.6", "X-Forwarded-Proto": "https"}
    assert site.ask("POST", "/api/server.info", {}, sent | {"Origin": site.origin}).status == 200
    until(lambda: any("/api/server.info 200" in record.getMessage() for record in caplog.records))
    assert not any("6.6.6.6" in record.getMessage() for record in caplog.records)
