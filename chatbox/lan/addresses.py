"""Under which addresses other machines can reach this one; the likeliest first.

The wrong address on a poster is what keeps phones out: that of a VPN, of a container, of a virtual machine.
So each gets points, for the route to the world and for the kind of network, and against adapters that lead
to no colleague.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from chatbox.rules.addresses import Interface
from chatbox.rules.hosts import canonical_address

if TYPE_CHECKING:
    from ifaddr import IP

_ROUTE = 100  # what the default route is worth
_ASIDE = -150  # more than anything can outweigh: a VPN often has the default route, and a private address
_NETWORKS: tuple[tuple[IPv4Network, int], ...] = tuple(
    (IPv4Network(network), points)
    for network, points in (
        ("192.168.0.0/16", 30),
        ("10.0.0.0/8", 20),
        ("172.16.0.0/12", 10),
        ("100.64.0.0/10", -60),  # RFC 6598: between a provider and its customers, and many VPNs
        ("169.254.0.0/16", -80),  # RFC 3927: nobody gave this adapter an address
    )
)
_SIX = -50  # nobody types one
_LINK_LOCAL = ip_network("169.254.0.0/16")

# What an adapter is, by its name on Linux and macOS or its description on Windows; the first that fits.
_ADAPTERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("container", r"docker|podman|^br-(?!lan)|^veth|^cni|^flannel|^cali|^lxc|^lxd|^nerdctl"),
        (
            "virtual",
            r"virtualbox|vmware|vethernet|hyper-v|\bwsl|parallels|host-only"
            r"|^(virbr|vmnet|vboxnet|vnic|vnet|bridge1\d\d)",
        ),
        (
            "vpn",
            r"vpn|wireguard|tailscale|zerotier|hamachi|nordlynx|anyconnect|fortinet|pangp|\btap-|tunnel"
            r"|^(tun|tap|utun|wg|zt|ham|ppp|ipsec|gpd|nebula)\w*$",
        ),
        ("direct", r"wi-fi direct|bluetooth|^(awdl|llw|p2p|bnep|anpi)"),
        ("wifi", r"wi-?fi|wireless|wlan|802\.11|^wl"),
        ("cable", r"ethernet|gigabit|gbe\b|^(eth|en[opsx])"),
    )
)
OF_NO_USE = frozenset({"container", "virtual", "vpn", "direct"})


class Found(Struct, frozen=True):
    """An address of this machine, and what its adapter seems to be, as in `model.OwnAddress`."""

    address: str
    adapter: str
    kind: str
    points: int


def rank(interfaces: Iterable[tuple[str, str]], default: str | None) -> list[Found]:
    """The addresses by which others may reach this machine, the likeliest first.

    `interfaces` are pairs of adapter name and address, `default` the address of the route to the world.
    Loopback is left out, and so are link-local addresses of IPv6, which no browser takes."""
    found = {address: _judge(name, address, default) for name, address in interfaces if _is_useful(address)}
    return sorted(found.values(), key=lambda each: -each.points)


def kind_of(adapter: str) -> str:
    """What an adapter of this name seems to be; `other` where it does not tell."""
    return next((kind for kind, pattern in _ADAPTERS if pattern.search(adapter)), "other")


def _judge(adapter: str, address: str, default: str | None) -> Found:
    parsed, kind = ip_address(address), kind_of(adapter)
    points = _ROUTE if address == default else 0
    if isinstance(parsed, IPv6Address):
        points += _SIX
    else:
        points += next((points for network, points in _NETWORKS if parsed in network), 0)
    if kind in OF_NO_USE:
        points += _ASIDE
    elif parsed in _LINK_LOCAL:
        kind = "self_assigned"
    return Found(address, adapter, kind, points)


def _is_useful(address: str) -> bool:
    parsed = ip_address(address)
    if parsed.is_loopback or parsed.is_unspecified:
        return False
    return parsed.version == 4 or not parsed.is_link_local


def list_interfaces(*, six: bool = False) -> list[tuple[str, str]]:
    """Every IPv4 address of this machine with its adapter's name; with `six` those of IPv6 as well."""
    import ifaddr

    return [
        (adapter.nice_name, _address(ip))
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if six or isinstance(ip.ip, str)
    ]


def _address(ip: IP) -> str:
    return ip.ip if isinstance(ip.ip, str) else ip.ip[0]


def adapters_of_use() -> list[list[Interface]]:
    """The addresses of each adapter that others may be on as well, with the networks that they are in."""
    import ifaddr

    return [
        [ip_interface((canonical_address(_address(ip)), ip.network_prefix)) for ip in adapter.ips]
        for adapter in ifaddr.get_adapters()
        if kind_of(adapter.nice_name) not in OF_NO_USE
    ]


def every_address() -> set[str]:
    """Every IPv4 and IPv6 address of this machine, loopback included, without scopes."""
    return {"127.0.0.1", "::1", *(canonical_address(ip) for _, ip in list_interfaces(six=True))}


def default_address() -> str | None:
    """The address of the default route. Connecting a UDP socket sends nothing; it asks the routing table."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return None
    return address
