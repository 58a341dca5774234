"""Which peers are near, and which of them count as one."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from chatbox.rules.addresses import Around, around, counted_as, is_private, network_of
from chatbox.rules.agents import describe


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.1.1", "127.0.0.1", "::1"),
        *("fe80::1", "fe80::1%eth0", "fd12::1", "::ffff:10.0.0.1"),
    ],
)
def test_private_loopback_and_link_local_addresses_are_near(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "172.32.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.2.1",
        "::",
        "2001:db8::1",
        "::ffff:8.8.8.8",
        "",
        "x",
    ],
)
def test_everything_else_is_far(address: str) -> None:
    assert not is_private(address)


HOME, OFFICE, WORLD = "192.168.1.5/24", "130.89.16.5/22", "2001:db8:7:1::5/64"


@pytest.mark.parametrize(
    ("adapter", "sheltered", "exposed"),
    [
        ((HOME, WORLD, "2001:db8:7:1:aaaa::1/64", "fe80::5/64"), ["2001:db8:7:1::/64"], []),  # at home
        ((HOME, "fd00::5/64"), [], []),
        (("10.0.0.5/8", "2001:db8:7:1::5/96"), ["2001:db8:7:1::/96"], []),
        ((OFFICE, WORLD), [], ["130.89.16.0/22", "2001:db8:7:1::/64"]),  # a university, or a data centre
        ((OFFICE, "10.19.0.5/16", WORLD), [], ["130.89.16.0/22", "2001:db8:7:1::/64"]),
        ((WORLD,), [], ["2001:db8:7:1::/64"]),
        ((WORLD, "169.254.7.7/16"), [], ["2001:db8:7:1::/64"]),  # which an adapter gives itself
        ((WORLD, "100.64.0.5/10"), [], ["2001:db8:7:1::/64"]),
        ((HOME, "2001:db8:7:1::5/128", "8.8.8.8/32"), [], []),
        ((HOME, "2001:db8::5/32"), [], []),
        (("11.0.0.5/8",), [], []),
    ],
)
def test_a_public_network_is_sheltered_where_a_router_stands_before_it(
    adapter: tuple[str, ...], sheltered: list[str], exposed: list[str]
) -> None:
    found = around([map(ip_interface, adapter), [ip_interface("127.0.0.1/8"), ip_interface("::1/128")]])
    assert [list(map(str, each)) for each in (found.sheltered, found.exposed)] == [sheltered, exposed]


def test_each_adapter_stands_for_itself() -> None:
    assert around([[ip_interface(HOME)], [ip_interface(WORLD)]]).sheltered == ()
    assert around([]) == Around()


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("130.89.17.1", "130.89.16.0/22"),
        ("::ffff:130.89.17.1", "130.89.16.0/22"),
        ("2001:db8:7:1::9%eth0", "2001:db8:7:1::/64"),
        ("130.89.20.1", "None"),
        ("2001:db8:7:2::9", "None"),
        ("", "None"),
        ("x", "None"),
    ],
)
def test_an_address_is_in_one_of_the_networks_or_in_none(address: str, found: str) -> None:
    networks = [ip_interface(text).network for text in (OFFICE, WORLD)]
    assert str(network_of(address, networks)) == found


def test_an_ipv6_network_counts_as_one_and_ipv4_addresses_count_each() -> None:
    assert counted_as("2001:db8:0:1::5") == counted_as("2001:db8:0:1:ffff::") != counted_as("2001:db8:0:2::5")
    assert counted_as("::ffff:10.0.0.1") == counted_as("10.0.0.1") != counted_as("10.0.0.2")
    assert counted_as("fe80::1%eth0") == counted_as("fe80::2%eth1")
    assert counted_as("") == ""


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36 Edg/156.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) Chrome/156.0 Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "a program"),
        ("", "a program"),
    ],
)
def test_a_browser_is_named_in_words(agent: str, words: str) -> None:
    assert describe(agent) == words
