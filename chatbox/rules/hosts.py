"""By which names this server may be addressed, from which pages, and by whom.

The Host rule stops DNS rebinding: a foreign page's own name, pointed at this machine, is refused. An IP
literal is fine, because rebinding needs a name. https://developer.mozilla.org/docs/Web/Security/DNS_rebinding
The Origin rule stops requests that a foreign page makes in a signed-in browser (RFC 6454, OWASP's
Cross-Site Request Forgery Prevention Cheat Sheet, "Verifying origin").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from msgspec import Struct

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::[0-9]{0,5})?")
_HOP = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|(?P<four>[0-9.]{7,15}):[0-9]{1,5}")
_REMEMBERED = 4096  # addresses: reading one anew for each question of each request was felt
_parsed = lru_cache(_REMEMBERED)(ip_address)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


class HostRule(Struct, frozen=True):
    """The names, besides IP literals, that this server answers to; lower case, without a port."""

    names: frozenset[str]

    def allows(self, host: str) -> bool:
        """Whether the value of a Host header addresses this server; its port does not matter."""
        found = _HOST.fullmatch(host)
        if not found:
            return False
        if found["six"]:
            return _is_address(found["six"], 6)
        name = found["name"].lower().removesuffix(".")
        return name in self.names or _is_address(name, 4)


def host_rule(configured: Iterable[str], machine: str, claimed: Iterable[str] = ()) -> HostRule:
    """The rule of one run.

    `machine` is the computer's own name, which is also answered to in its first part alone and with
    ``.local``; `claimed` are the names that Chatbox itself announces on the network.
    """
    names = {"localhost", *(name.lower().removesuffix(".") for name in (*configured, *claimed))}
    if own := machine.lower().removesuffix("."):
        first = own.partition(".")[0]
        names |= {own, first, f"{first}.local"}
    return HostRule(frozenset(names - {""}))


def has_port(host: str) -> bool:
    """Whether a Host header that `HostRule` allows says a port."""
    return host.rpartition("]")[2].partition(":")[2] != ""


def own_origin(scheme: str, host: str) -> str:
    """The origin of pages that this server serves to whoever sends this Host header."""
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORT.get(scheme, ''))}"


def is_own_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether the value of an Origin header is scheme, host and port of this server. ``null`` never is."""
    given, _, rest = origin.lower().partition("://")
    return bool(rest) and own_origin(given, rest) == own_origin(scheme, host)


@lru_cache(_REMEMBERED)
def canonical_address(text: str) -> str:
    """A peer's address in one form: no scope, and IPv4 not wrapped in IPv6. What is no address stays."""
    try:
        address = _parsed(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def is_trusted(address: str, trusted: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether an address in canonical form is that of a proxy whose word is believed."""
    try:
        parsed = _parsed(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def is_loopback(address: str) -> bool:
    """Whether an address in canonical form is this machine's to itself."""
    try:
        return _parsed(address).is_loopback
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names this machine to itself."""
    found = _HOST.fullmatch(host)
    if not found:
        return False
    return (found["name"] or "").lower() == "localhost" or is_loopback(found["six"] or found["name"])


def client_address(
    peer: str, forwarded_for: str | None, trusted: tuple[IPv4Network | IPv6Network, ...]
) -> str:
    """Who is really asking, in canonical form.

    X-Forwarded-For counts only where the peer is a trusted proxy, and of it only the rightmost address that
    is none, with a port or without: everything to the left of that may have been made up by the client. Where
    that is no address, the last proxy stands for the client: a trusted address means that nobody knows who it
    is.
    """
    address = canonical_address(peer)
    for text in reversed((forwarded_for or "").split(",")):
        if not is_trusted(address, trusted):
            break
        hop = canonical_address(_without_port(text.strip()))
        try:
            _parsed(hop)
        except ValueError:
            break
        address = hop
    return address


def _without_port(hop: str) -> str:
    """A hop without the port that some proxies tell, and the brackets around an IPv6 address."""
    found = _HOP.fullmatch(hop)
    return (found["six"] or found["four"]) if found else hop


def _is_address(text: str, version: int) -> bool:
    try:
        return _parsed(text).version == version
    except ValueError:
        return False
