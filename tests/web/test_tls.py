"""HTTPS and HTTP on one port: cookies, origins and sockets, over real ones."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.sync.client import connect

from chatbox import operations
from chatbox.settings import Settings, Tls
from chatbox.web.doors import TlsStream
from chatbox.web.socket import StreamSink
from tests.harness.certificates import TestAuthority
from tests.harness.running import chance, on_a_loop
from tests.web.support import Person, Site, settings
from tests.web.tls_support import AUTHORITY, GET, everything, plain, secure, server_context


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    made = Site(folder, settings(connections_per_address=0), server_context(folder / "pem"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def trusted() -> ssl.SSLContext:
    return AUTHORITY.trusted()


def test_one_port_speaks_both(site: Site, trusted: ssl.SSLContext) -> None:
    assert site.ask("GET", "/healthz").status == 200
    assert site.ask("GET", "/healthz", secure=trusted).status == 200


def test_pages_share_their_windows_with_no_other_site_where_browsers_heed_that(
    site: Site, trusted: ssl.SSLContext
) -> None:
    for path in ("/", "/trust"):
        secured, plainly = (site.ask("GET", path, secure=context) for context in (trusted, None))
        assert secured.headers["cross-origin-opener-policy"] == "same-origin"
        assert "cross-origin-opener-policy" not in plainly.headers


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


def test_a_sign_in_moves_to_tls_and_leaves_no_cookie_behind(site: Site, trusted: ssl.SSLContext) -> None:
    person = {"name": "dora", "password": "plum-trout-lantern-9"}
    site.run(operations.user_add(site.ctx, person))
    plain_cookie = (
        site.ask("POST", "/api/session.create", person, {"Origin": site.origin})
        .headers["set-cookie"]
        .partition(";")[0]
    )
    sent = {"Origin": site.origin, "Cookie": plain_cookie}
    secret = site.ask("POST", "/api/session.move", {"state": "{}"}, sent).json["secret"]
    https = {"Origin": site.origin.replace("http", "https"), "Cookie": plain_cookie}
    answer = site.ask("POST", "/api/session.take", {"secret": secret}, https, secure=trusted)
    assert (answer.status, answer.json["state"], answer.json["user"]["name"]) == (200, "{}", "dora")
    plain_name = plain_cookie.partition("=")[0]
    taken, given = answer.cookies
    assert taken.startswith(f'{plain_name}="";')
    assert "expires=" in taken
    assert given.startswith(f"__Host-{plain_name}=")
    assert site.ask("POST", "/api/ping", {}, sent).status == 401
    https["Cookie"] = given.partition(";")[0]
    assert site.ask("POST", "/api/ping", {}, https, secure=trusted).status == 200


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


@on_a_loop()
async def test_what_a_tls_socket_does_not_take_follows_unharmed(
    tmp_path: Path, trusted: ssl.SSLContext
) -> None:
    random = chance()
    here, there = socket.socketpair()
    for end in (here, there):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    there.settimeout(10)
    shaken = asyncio.create_task(asyncio.to_thread(trusted.wrap_socket, there, server_hostname="localhost"))
    here.setblocking(False)
    context = server_context(tmp_path)
    stream = TlsStream(context.wrap_socket(here, server_side=True, do_handshake_on_connect=False))
    await stream.wait_for_handshake()
    sink, waited = StreamSink(cast(Any, None), stream), 0
    with await shaken as client, client.makefile("rb") as reader:
        for _ in range(30):
            parts = [random.randbytes(random.choice((1, 200, 3000, 40_000))) for _ in range(20)]
            for part in parts:
                waited += bool(sink.write(random.choice((part, memoryview(part)))))
            assert await asyncio.to_thread(reader.read, sum(map(len, parts))) == b"".join(parts)
        assert 0 < waited < 600
        stream.close()


def test_a_broken_frame_on_tls_is_answered_with_a_closing_frame(
    site: Site, ada: Person, trusted: ssl.SSLContext
) -> None:
    shake = (
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {ada.token}\r\n\r\n"
    )
    with secure(site, trusted) as one:
        one.sendall(shake.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += one.recv(1)
        one.sendall(b"\x81\x01x")  # not masked
        closing = one.recv(100)
        assert (closing[0], int.from_bytes(closing[2:4], "big")) == (0x88, 1002)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_end_of_a_connection_is_told(site: Site, version: ssl.TLSVersion) -> None:
    context = AUTHORITY.trusted()
    context.maximum_version = version
    strict = context.wrap_socket(plain(site), server_hostname="localhost", suppress_ragged_eofs=False)
    with strict:
        strict.sendall(GET)
        assert everything(strict).startswith(b"HTTP/1.1 200 ")


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
