"""What a peer's address tells: whether it belongs to a private network, and whom it is counted with.

Private: RFC 1918, RFC 4193; link-local: RFC 3927, RFC 4291; loopback.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

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


def is_private(text: str) -> bool:
    """Whether the peer is on a private network or on this machine. What is no address is not."""
    address = _read(text)
    return address is not None and any(address in network for network in _PRIVATE)


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
