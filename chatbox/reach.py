"""Where this server is reached."""

from __future__ import annotations

from collections.abc import Iterator

from chatbox.kinds import in_brackets
from chatbox.lan.addresses import OF_NO_USE, Found, default_address, list_interfaces, rank
from chatbox.model import OwnAddress
from chatbox.rules.hosts import is_loopback
from chatbox.settings import Settings
from chatbox.tls import Certificates

_EVERY = {"0.0.0.0": 4, "::": 6}


def on_networks(settings: Settings) -> list[str]:
    """The IPv4 addresses at which the server listens on networks that others are on as well."""
    hosts = settings.server.host
    everywhere = any(host in _EVERY for host in hosts)
    found = [each for each in rank(list_interfaces(), default_address()) if each.kind not in OF_NO_USE]
    return sorted(each.address for each in found if everywhere or each.address in hosts)


class Reach:
    """The addresses to tell others, as they were at the last look; the likeliest first."""

    def __init__(self, settings: Settings, port: int, certificates: Certificates) -> None:
        self._settings = settings
        self._certificates = certificates
        self._port = port
        self._found: list[OwnAddress] = []
        self._has_name = True
        self.look()

    def own_addresses(self) -> list[OwnAddress]:
        """Each address, and what it is; at least one."""
        return self._found

    def urls(self) -> list[str]:
        """The addresses alone."""
        return [each.url for each in self._found]

    def look(self) -> bool:
        """See which addresses this machine has now; whether they are others than before."""
        before = self._found
        by_url: dict[str, OwnAddress] = {}
        for each in (*self._chosen(), *self._of_this_machine()):
            by_url.setdefault(each.url, each)
        self._found = list(by_url.values()) or [OwnAddress(self._url("127.0.0.1"), "loopback")]
        return self._found != before

    def names_lost(self, lost: bool) -> None:
        """Another machine answers for the name on the local network: it leads to the wrong one, or not."""
        self._has_name = not lost
        self.look()

    @property
    def local_url(self) -> str:
        """Where a browser on this machine finds it."""
        host = self._settings.server.host[0]
        return self._url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))

    def _chosen(self) -> Iterator[OwnAddress]:
        server = self._settings.server
        if server.address:
            whole = "://" in server.address
            yield OwnAddress(server.address if whole else self._url(server.address), "chosen")
        for name in server.hosts:
            yield OwnAddress(self._url(name), "name")

    def _of_this_machine(self) -> Iterator[OwnAddress]:
        hosts = self._settings.server.host
        found = rank(list_interfaces(six="::" in hosts), default_address())
        if any(host in _EVERY for host in hosts):
            for place, each in enumerate(found):
                yield self._shown(each)
                if place == 0 and each.kind not in OF_NO_USE:
                    yield from self._name()
            return
        known = {each.address: self._shown(each) for each in found}
        for host in hosts:
            yield known.get(host, OwnAddress(self._url(host), "loopback" if _is_own(host) else "other"))
        if any(known[host].kind not in OF_NO_USE for host in hosts if host in known):
            yield from self._name()

    def _name(self) -> Iterator[OwnAddress]:
        if self._settings.server.local_name and self._has_name:
            yield OwnAddress(self._url(f"{self._settings.server.local_name}.local"), "local")

    def _shown(self, found: Found) -> OwnAddress:
        return OwnAddress(self._url(found.address), found.kind, found.adapter)

    def _url(self, host: str) -> str:
        """HTTPS where nothing else is answered, and where it works without further ado."""
        secure = self._settings.tls.mode == "required" or self._certificates.covers(host)
        bare = host if host.startswith("[") else in_brackets(host)
        return f"{'https' if secure else 'http'}://{bare}:{self._port}"


def _is_own(host: str) -> bool:
    return host == "localhost" or is_loopback(host)
