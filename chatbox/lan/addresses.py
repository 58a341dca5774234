"""Under which addresses other machines can reach this one; the likeliest first."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from chatbox.rules.hosts import canonical_address

# Adapters of virtual machines, containers and VPNs: an address there is of no use to a colleague's phone.
_VIRTUAL = (
    "docker",
    "br-",
    "veth",
    "virbr",
    "vbox",
    "vmnet",
    "vethernet",
    "tun",
    "tap",
    "wg",
    "tailscale",
    "zt",
    "utun",
)


def own_addresses(interfaces: Iterable[tuple[str, str]], default: str | None) -> list[str]:
    """IPv4 addresses in order of use: the default route's, then real adapters, then virtual ones.

    `interfaces` are pairs of adapter name and address. Loopback and link-local addresses are left out."""

    def rank(interface: tuple[str, str]) -> tuple[bool, bool, bool]:
        name, address = interface
        private = ipaddress.ip_address(address).is_private
        return address != default, name.lower().startswith(_VIRTUAL), not private

    useful = [pair for pair in interfaces if _is_useful(pair[1])]
    return list(dict.fromkeys(address for _, address in sorted(useful, key=rank)))


def _is_useful(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.version == 4 and not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def list_interfaces() -> list[tuple[str, str]]:
    """Every IPv4 address of this machine with its adapter's name."""
    import ifaddr

    return [
        (adapter.nice_name, ip.ip)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if isinstance(ip.ip, str)
    ]


def every_address() -> set[str]:
    """Every IPv4 and IPv6 address of this machine, loopback included, without scopes."""
    import ifaddr

    found = [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for one in ifaddr.get_adapters() for ip in one.ips]
    return {"127.0.0.1", "::1", *map(canonical_address, found)}


def default_address() -> str | None:
    """The address of the default route. Connecting a UDP socket sends nothing; it asks the routing table."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return None
    return address
