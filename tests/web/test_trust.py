"""What a new device is given at `/trust`, over HTTP and HTTPS."""

from __future__ import annotations

import hashlib
import plistlib
import ssl
from collections.abc import Iterator

import pytest

from chatbox.lan import certificates, pem
from chatbox.settings import Settings, Tls
from chatbox.web.anchor import Anchor
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
    assert about["authority"] == {"name": AUTHORITY.name, "fingerprint": pairs}
    assert pairs == AUTHORITY.fingerprint


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
