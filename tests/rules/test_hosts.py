"""Names, origins and addresses; the tables of the web edge go over real sockets in tests/web."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chatbox.rules.hosts import (
    canonical_address,
    client_address,
    host_rule,
    is_loopback,
    is_loopback_host,
    is_own_origin,
)

RULE = host_rule(["Chat.Example."], "Desk.home", ["chatbox.local"])
PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    "host", ["chatbox.local", "desk", "desk.local", "desk.home:1", "chat.example", "[::]"]
)
def test_known_names_and_addresses_are_allowed(host: str) -> None:
    assert RULE.allows(host)


@pytest.mark.parametrize(
    "host",
    [
        "", ":", ":80", "[", "[]", "[::1", "::1", "[::1]x", "[1.2.3.4]", "[fe80::1%25eth0]", "1.2.3.4.5",
        "1.2.3.4:99999999", "user@localhost", "localhost/", "localhost localhost", " localhost",
        "localhost..", "home", "example", "local", "0177.0.0.1", "１.2.3.4", "ⓛocalhost", "localhost\n",
        "a.localhost",
    ],
)  # fmt: skip
def test_everything_else_is_not(host: str) -> None:
    assert not RULE.allows(host)


@given(some.text(max_size=40))
def test_no_host_breaks_the_rule(host: str) -> None:
    RULE.allows(host)
    is_loopback_host(host)
    is_own_origin(host, "http", host)
    canonical_address(host)


def test_a_machine_without_a_name_adds_none() -> None:
    assert host_rule([], "").names == {"localhost"}


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "own"),
    [
        ("http://box:8642", "http", "box:8642", True),
        ("HTTP://BOX:8642", "http", "box:8642", True),
        ("http://box", "http", "box:80", True),
        ("http://box:80", "http", "box", True),
        ("https://box", "https", "box:443", True),
        ("http://box:443", "https", "box", False),
        ("https://box", "http", "box", False),
        ("http://box:8643", "http", "box:8642", False),
        ("http://[::1]:1", "http", "[::1]:1", True),
        ("http://", "http", "", False),
        ("null", "http", "null", False),
    ],
)
def test_an_origin_is_compared_whole(origin: str, scheme: str, host: str, own: bool) -> None:
    assert is_own_origin(origin, scheme, host) is own


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("::ffff:192.168.1.2", "192.168.1.2"), ("FE80::1%eth0", "fe80::1"), ("1.2.3.4", "1.2.3.4"), ("x", "x")],
)
def test_an_address_has_one_form(given: str, canonical: str) -> None:
    assert canonical_address(given) == canonical


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.168.1.2", "1.1.1.1", "192.168.1.2"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.168.1.2", "192.168.1.2"),
        ("10.0.0.1", "1.1.1.1, 192.168.1.2", "192.168.1.2"),
        ("10.0.0.1", "1.1.1.1, 192.168.1.2, 10.9.9.9", "192.168.1.2"),
        ("10.0.0.1", "10.1.1.1, 10.9.9.9", "10.1.1.1"),
        ("10.0.0.1", "192.168.1.2, nonsense", "10.0.0.1"),
        ("10.0.0.1", "192.168.1.2, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9:51234", "203.0.113.9"),
        ("10.0.0.1", "192.168.1.2, 203.0.113.9:51234, 10.9.9.9:80", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::1]:51234", "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.1", "[::ffff:192.168.1.2]:80", "192.168.1.2"),
        ("10.0.0.1", "192.168.1.2:", "10.0.0.1"),
        ("10.0.0.1", "192.168.1.2:80:80", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1]80", "10.0.0.1"),
        ("10.0.0.1", "999.1.1.1:80", "10.0.0.1"),
        ("::ffff:10.0.0.1", "::ffff:192.168.1.2", "192.168.1.2"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_trusted_proxies_speak_for_others(peer: str, forwarded: str | None, client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client
    assert client_address(peer, forwarded, ()) == canonical_address(peer)


def test_loopback_is_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.1", "localhost", "")))
    assert all(map(is_loopback_host, ("127.0.0.1:1", "[::1]", "LOCALHOST:8642")))
    assert not any(map(is_loopback_host, ("desk.local", "192.168.1.1", "localhost.evil.example", "")))
