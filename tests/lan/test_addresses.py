"""Which address is told to others: the rules, and real machines with several interfaces each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from chatbox.lan.addresses import kind_of, rank
from tests.harness.network import Host, hosts
from tests.harness.process import ROOT

WIFI = ("wlan0", "192.168.1.20")
DOCKER = ("docker0", "172.17.0.1")


def best(*interfaces: tuple[str, str], default: str | None = None) -> str:
    return rank(interfaces, default)[0].address


@pytest.mark.parametrize(
    ("adapter", "kind"),
    [
        ("eth0", "cable"),
        ("enp3s0", "cable"),
        ("wlp2s0", "wifi"),
        ("Intel(R) Wi-Fi 6 AX201 160MHz", "wifi"),
        ("Realtek PCIe GbE Family Controller", "cable"),
        ("en0", "other"),
        ("docker0", "container"),
        ("br-0a1b2c3d4e5f", "container"),
        ("br-lan", "other"),
        ("vmbr0", "other"),
        ("virbr0", "virtual"),
        ("Hyper-V Virtual Ethernet Adapter", "virtual"),
        ("VMware Virtual Ethernet Adapter for VMnet8", "virtual"),
        ("VirtualBox Host-Only Ethernet Adapter", "virtual"),
        ("bridge100", "virtual"),
        ("tun0", "vpn"),
        ("utun4", "vpn"),
        ("wg0", "vpn"),
        ("tailscale0", "vpn"),
        ("ztabcd1234", "vpn"),
        ("TAP-Windows Adapter V9", "vpn"),
        ("Cisco AnyConnect Virtual Miniport Adapter for Windows x64", "vpn"),
        ("PANGP Virtual Ethernet Adapter", "vpn"),
        ("awdl0", "direct"),
        ("Microsoft Wi-Fi Direct Virtual Adapter", "direct"),
        ("something", "other"),
    ],
)
def test_an_adapter_is_known_by_its_name(adapter: str, kind: str) -> None:
    assert kind_of(adapter) == kind


def test_the_default_route_decides_between_real_adapters() -> None:
    cable, wifi = ("eth0", "10.0.0.5"), ("wlan0", "192.168.1.20")
    assert best(cable, wifi, default="10.0.0.5") == "10.0.0.5"
    assert best(cable, wifi) == "192.168.1.20"


@pytest.mark.parametrize(
    "other",
    [
        ("tun0", "192.168.99.2"),
        ("docker0", "172.17.0.1"),
        ("vEthernet (WSL)", "172.24.0.1"),
        ("tailscale0", "100.101.2.3"),
        ("utun3", "10.8.0.3"),
    ],
)
@pytest.mark.parametrize("real", ["172.16.4.9", "10.0.0.5", "192.168.1.20", "141.20.1.7"])
def test_no_vpn_and_no_container_comes_before_a_real_adapter_even_with_the_default_route(
    real: str, other: tuple[str, str]
) -> None:
    assert best(other, ("eth0", real), default=other[1]) == real


def test_what_nobody_gave_an_address_comes_late_but_is_there() -> None:
    found = rank([("eth0", "169.254.7.7"), WIFI, DOCKER], None)
    assert [(each.address, each.kind) for each in found] == [
        ("192.168.1.20", "wifi"),
        ("169.254.7.7", "self_assigned"),
        ("172.17.0.1", "container"),
    ]


def test_loopback_and_link_local_addresses_of_ipv6_are_left_out() -> None:
    found = rank([("lo", "127.0.0.1"), ("lo", "::1"), ("eth0", "fe80::1"), ("eth0", "fd00::5"), WIFI], None)
    assert [each.address for each in found] == ["192.168.1.20", "fd00::5"]


def test_an_address_of_a_provider_comes_after_a_private_one() -> None:
    assert best(("wwan0", "100.70.1.2"), ("eth1", "172.16.0.9")) == "172.16.0.9"


# -- real interfaces, in network namespaces ------------------------------------------------------------------

LOOK = """
import json
from chatbox.lan.addresses import default_address, list_interfaces, rank
found = rank(list_interfaces(), default_address())
print(json.dumps([(each.address, each.kind) for each in found]))
"""


@pytest.fixture
def host() -> Iterator[Host]:
    with hosts("desk") as (desk,):
        yield desk


def look(host: Host) -> list[list[str]]:
    found: list[list[str]] = json.loads(host.run(sys.executable, "-c", LOOK, cwd=ROOT))
    return found


def test_a_machine_with_docker_a_vpn_and_a_cable_tells_the_cable(host: Host) -> None:
    host.bridge("docker0", "172.17.0.1/16")
    host.bridge("br-0a1b2c3d4e5f", "172.18.0.1/16")
    host.tunnel("tun0", "10.8.0.3/24")
    host.tunnel("tailscale0", "100.101.2.3/32")
    host.pair("enp3s0", "192.168.77.2/24")
    host.ip("route", "add", "default", "via", "192.168.77.1")
    first, *others = look(host)
    assert first == ["192.168.77.2", "cable"]
    assert sorted(others) == [
        ["10.8.0.3", "vpn"],
        ["100.101.2.3", "vpn"],
        ["172.17.0.1", "container"],
        ["172.18.0.1", "container"],
    ]


def test_a_vpn_that_takes_all_traffic_is_not_told(host: Host) -> None:
    host.tunnel("tun0", "10.8.0.3/24")
    host.pair("wlan0", "10.0.0.5/24")
    host.ip("route", "add", "default", "dev", "tun0")
    assert look(host) == [["10.0.0.5", "wifi"], ["10.8.0.3", "vpn"]]


def test_of_two_cables_that_with_the_default_route_is_told(host: Host) -> None:
    host.pair("eth0", "192.168.77.2/24")
    host.pair("eth1", "172.16.5.2/24")
    host.ip("route", "add", "default", "via", "172.16.5.1")
    assert look(host)[0] == ["172.16.5.2", "cable"]


def test_without_any_route_a_network_that_gave_itself_an_address_is_told(host: Host) -> None:
    host.bridge("virbr0", "192.168.122.1/24")
    host.pair("eth0", "169.254.9.9/16")
    assert look(host) == [["169.254.9.9", "self_assigned"], ["192.168.122.1", "virtual"]]
