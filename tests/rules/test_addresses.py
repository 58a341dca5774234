"""Which peers are near, and which of them count as one."""

from __future__ import annotations

import pytest

from chatbox.rules.addresses import counted_as, is_private
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
