"""What a new device is given at `/trust`, over HTTP and HTTPS."""

from __future__ import annotations

import hashlib
import plistlib
import re
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
import segno

from chatbox import operations
from chatbox.chat import signin
from chatbox.lan import certificates, pem
from chatbox.protocol import commands
from chatbox.settings import Settings, Tls
from chatbox.web.anchor import Anchor
from tests.chat.support import HOME
from tests.web.support import Site

AUTHORITY = certificates.make_authority("Attic", [], pem.now())
FILES = [
    ("chatbox-ca.crt", "application/x-x509-ca-cert"),
    ("chatbox-ca.der", "application/x-x509-ca-cert"),
    ("chatbox.mobileconfig", "application/x-apple-aspen-config"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("trust")
    context = pem.make_context(certificates.issue(AUTHORITY, ["localhost", "127.0.0.1"], pem.now()), folder)
    made = Site(folder, Settings(tls=Tls(mode="required")), context)
    made.edge.trust.encrypts = True
    made.edge.trust.anchor = Anchor(AUTHORITY.name, AUTHORITY.der)
    yield made
    made.close()


@pytest.fixture(scope="module")
def trusted(site: Site) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=site.ask("GET", "/trust/chatbox-ca.crt").body.decode())
    return context


def test_the_certificate_that_is_handed_out_is_the_one_to_trust(site: Site, trusted: ssl.SSLContext) -> None:
    assert site.ask("GET", "/healthz", secure=trusted).status == 200


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_it_comes_in_each_wrapping_over_both(
    site: Site, trusted: ssl.SSLContext, name: str, kind: str
) -> None:
    answer = site.ask("GET", f"/trust/{name}")
    assert answer.status == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert site.ask("GET", f"/trust/{name}", secure=trusted).body == answer.body
    found = answer.body
    if name.endswith(".crt"):
        found = ssl.PEM_cert_to_DER_cert(found.decode())
    elif name.endswith(".mobileconfig"):
        profile = plistlib.loads(found)
        assert profile["PayloadType"] == "Configuration"
        (payload,) = profile["PayloadContent"]
        assert payload["PayloadType"] == "com.apple.security.root"
        assert payload["PayloadDisplayName"] == AUTHORITY.name
        assert len({profile["PayloadUUID"], payload["PayloadUUID"]}) == 2
        found = payload["PayloadContent"]
    assert found == AUTHORITY.der


def test_a_profile_is_the_same_each_time_and_another_for_another_certificate() -> None:
    again, other = (Anchor("x", der).profile for der in (AUTHORITY.der, b"another"))
    assert again == Anchor("x", AUTHORITY.der).profile
    identifiers = [plistlib.loads(profile)["PayloadIdentifier"] for profile in (again, other)]
    assert identifiers[0] != identifiers[1]


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:1", "http://evil.example", "null"])
def test_pages_of_any_origin_may_ask_whether_the_server_is_reached(
    site: Site, trusted: ssl.SSLContext, origin: str | None
) -> None:
    for secure in (None, trusted):
        answer = site.ask("GET", "/trust/ping", headers={"Origin": origin} if origin else {}, secure=secure)
        assert answer.json == {"id": site.ctx.server.id}
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_nothing_else_may_be_read_by_foreign_pages(site: Site, trusted: ssl.SSLContext) -> None:
    for path in ("/trust/about", "/trust/chatbox-ca.crt", "/healthz", "/"):
        answer = site.ask("GET", path, headers={"Origin": "http://evil.example"}, secure=trusted)
        assert "access-control-allow-origin" not in answer.headers


def test_the_page_is_told_what_to_show(site: Site) -> None:
    about = site.ask("GET", "/trust/about").json
    assert about["id"] == site.ctx.server.id
    assert about["encrypts"] is True
    digest = hashlib.sha256(AUTHORITY.der).hexdigest().upper()
    pairs = ":".join(digest[at : at + 2] for at in range(0, 64, 2))
    thumbprint = hashlib.sha1(AUTHORITY.der, usedforsecurity=False).hexdigest().upper()
    assert about["authority"].pop("thumbprint").replace(":", "") == thumbprint
    assert about["authority"] == {"name": AUTHORITY.name, "fingerprint": pairs}
    assert pairs == AUTHORITY.fingerprint


def test_over_http_it_is_told_who_is_signed_in_there_and_may_move(
    site: Site, trusted: ssl.SSLContext
) -> None:
    person = {"name": "ada", "password": "plum-trout-lantern-9"}
    site.run(operations.user_add(site.ctx, person))
    assert "me" not in site.ask("GET", "/trust/about").json
    token = site.run(signed_in(site, person))
    sent = {"Origin": site.origin, "Cookie": f"{site.cookie_name}={token}"}
    me = site.ask("GET", "/trust/about", headers=sent).json["me"]
    assert me["name"] == "ada"
    assert "me" not in site.ask("GET", "/trust/about", headers=sent, secure=trusted).json
    assert site.ask("POST", "/api/session.move", {}, sent).status == 200
    assert site.ask("POST", "/api/ping", {}, sent).status == 307
    assert site.ask("POST", "/api/session.move", {}, sent | {"Origin": "http://evil.example"}).status == 403


async def signed_in(site: Site, person: dict[str, str]) -> str:
    cmd = commands.SessionCreate(name=person["name"], password=person["password"])
    return (await signin.session_create(site.ctx, HOME, cmd)).token


def test_the_page_and_all_that_it_loads_are_there_over_http(site: Site, trusted: ssl.SSLContext) -> None:
    for secure in (None, trusted):
        page = site.ask("GET", "/trust", secure=secure)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        (icon,) = re.findall(rb'href="(/[^"]+)"', page.body)
        assert icon.startswith(b"/trust/assets/")
        assert site.ask("GET", icon.decode(), secure=secure).status == 200
    assert site.ask("GET", f"/assets/{site.assets.hash}/js/main.js").status == 307


def test_the_page_may_look_whether_https_works(site: Site, trusted: ssl.SSLContext) -> None:
    def policy(host: str, secure: ssl.SSLContext | None = None) -> str:
        return site.ask("GET", "/trust", headers={"Host": host}, secure=secure).headers[
            "content-security-policy"
        ]

    assert f"connect-src 'self' https://127.0.0.1:{site.port};" in policy(f"127.0.0.1:{site.port}")
    assert "connect-src 'self' https://[::1]:8642;" in policy("[::1]:8642")
    assert "connect-src 'self' https://[::1]:80;" in policy("[::1]")
    assert "connect-src 'self' https://localhost:80;" in policy("localhost")
    assert "connect-src 'self';" in policy("localhost", trusted)


def test_the_qr_code_leads_to_the_page_over_http(site: Site) -> None:
    assert site.ask("GET", "/trust/qr.svg").status == 404  # no address is known
    site.ctx.server.addresses = lambda: ["https://192.168.1.5:8642", "https://10.0.0.1:8642"]
    try:
        answer = site.ask("GET", "/trust/qr.svg")
        about = site.ask("GET", "/trust/about").json
    finally:
        site.ctx.server.addresses = list
    assert answer.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in answer.body
    assert b"style=" not in answer.body
    assert about["address"] == "http://192.168.1.5:8642/trust"


def test_the_qr_code_of_an_address_is_drawn_once(site: Site) -> None:
    with patch("segno.make", wraps=segno.make) as make, ThreadPoolExecutor(4) as devices:
        site.ctx.server.addresses = lambda: ["http://10.0.0.7:8642"]
        try:
            pictures = set(devices.map(lambda _: site.ask("GET", "/trust/qr.svg").body, range(8)))
            assert make.call_count == 1
            site.ctx.server.addresses = lambda: ["http://10.0.0.8:8642"]
            pictures.add(site.ask("GET", "/trust/qr.svg").body)
        finally:
            site.ctx.server.addresses = list
    assert make.call_count == 2
    assert len(pictures) == 2


def test_the_host_rule_holds_here_too(site: Site) -> None:
    for path in ("/trust/ping", "/trust/about", "/trust/chatbox-ca.crt"):
        assert site.ask("GET", path, headers={"Host": "evil.example"}).status == 421


def test_where_nothing_has_to_be_installed_there_is_nothing_to_get(site: Site) -> None:
    anchor, site.edge.trust.anchor = site.edge.trust.anchor, None
    try:
        for name, _ in FILES:
            assert site.ask("GET", f"/trust/{name}").status == 404
        assert "authority" not in site.ask("GET", "/trust/about").json
    finally:
        site.edge.trust.anchor = anchor


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS"])
def test_nothing_can_be_done_here(site: Site, method: str) -> None:
    for path in ("/trust/ping", "/trust/about", "/trust/chatbox-ca.crt"):
        assert site.ask(method, path).status == 405
