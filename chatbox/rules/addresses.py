"""What a peer's address tells: whether it belongs to a private network, or to one of this machine's, and whom
it is counted with.

Private: RFC 1918, RFC 4193; link-local: RFC 3927, RFC 4291; loopback.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)

from msgspec import Struct

Network = IPv4Network | IPv6Network
Interface = IPv4Interface | IPv6Interface

_WIDEST = {4: 16, 6: 64}  # the prefix of the widest network whose devices are neighbours; RFC 4291, 2.5.4
_PRIVATE = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
_BEHIND_ROUTERS = _PRIVATE[:3]  # RFC 1918


def is_private(text: str) -> bool:
    """Whether the peer is on a private network or on this machine. What is no address is not."""
    address = _read(text)
    return address is not None and any(address in network for network in _PRIVATE)


class Around(Struct, frozen=True):
    """The networks with public addresses that this machine is in: those that are `sheltered` by a router,
    which keeps strangers out, and those that may be `exposed`."""

    sheltered: tuple[Network, ...] = ()
    exposed: tuple[Network, ...] = ()


def around(adapters: Iterable[Iterable[Interface]]) -> Around:
    """What is around a machine whose adapters have these addresses.

    IPv6 gives each device at home a public address. Where the adapter has IPv4 addresses too, and all of them
    are of RFC 1918, a router stands between it and the world. Everything else may be a data centre, in which
    the next address is a stranger's."""
    sheltered: dict[Network, None] = {}
    exposed: dict[Network, None] = {}
    for addresses in map(tuple, adapters):
        four = [network_of(str(each.ip), _BEHIND_ROUTERS) for each in addresses if each.version == 4]
        for each in addresses:
            few = _WIDEST[each.version] <= each.network.prefixlen < each.max_prefixlen
            if few and not is_private(str(each.ip)):
                safe = each.version == 6 and bool(four) and all(four)
                (sheltered if safe else exposed)[each.network] = None
    return Around(tuple(sheltered), tuple(exposed))


def network_of(text: str, networks: Iterable[Network]) -> Network | None:
    """The first of these networks that the address is in."""
    address = _read(text)
    if address is None:
        return None
    return next((network for network in networks if address in network), None)


def counted_as(text: str) -> str:
    """What is counted together: one IPv4 address, or one IPv6 network of 64 bits, all of which one machine
    may use (RFC 8981)."""
    address = _read(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address) >> 64 << 64, 64)))
    return text if address is None else str(address)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))  # without a scope
    return address
