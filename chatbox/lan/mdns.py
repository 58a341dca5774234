"""A name for this server on the local network, such as chatbox.local: multicast DNS (RFC 6762).

A name that another machine has is never taken: it is asked for first, because the library guards only the
name of a service, not that of its host. And it is asked for again every minute, to see who else answers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from chatbox.lan.addresses import every_address

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

log = logging.getLogger("chatbox.mdns")

GROUP, PORT = "224.0.0.251", 5353
CANDIDATES = 9
EVERY = 60.0  # seconds between two looks at who answers for our name
PATIENCE = 1.0  # seconds for an answer; the question is put three times in them
_SERVICE = "_http._tcp.local."
_LONGEST = 63  # bytes of the name of a service (RFC 6763, 7.2)
_A, _IN, _RESPONSE = 1, 1, 0x8000  # an IPv4 address, of the internet


async def who_answers(name: str, addresses: Iterable[str], patience: float = PATIENCE) -> set[str]:
    """The machines that answer for a name such as ``chatbox.local``, by the addresses that they answer from.

    Asked from ports of our own, as phones do (RFC 6762, 6.7), at each of these IPv4 addresses of ours."""
    packet = _question(name)
    loop, found = asyncio.get_running_loop(), set[str]()
    ends: list[asyncio.DatagramTransport] = []
    try:
        for asking in filter(None, map(_asking_socket, addresses)):
            end, _ = await loop.create_datagram_endpoint(partial(_Heard, packet[:2], found), sock=asking)
            ends.append(end)
        for _ in range(3):
            for end in ends:
                end.sendto(packet, (GROUP, PORT))
            await asyncio.sleep(patience / 3)
    finally:
        for end in ends:
            end.close()
    return found


def _asking_socket(address: str) -> socket.socket | None:
    """One that asks everybody on the network of this address; None where that is gone."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        made.bind((address, 0))
    except OSError as error:
        log.debug("nobody can be asked from %s: %s", address, error)
        made.close()
        return None
    return made


def _question(name: str) -> bytes:
    """A question of DNS for the IPv4 addresses of a name (RFC 1035, 4.1)."""
    head = struct.pack("!6H", secrets.randbits(16), 0, 1, 0, 0, 0)
    labels = b"".join(bytes([len(label)]) + label for label in name.encode("ascii").split(b"."))
    return head + labels + struct.pack("!BHH", 0, _A, _IN)


class _Heard(asyncio.DatagramProtocol):
    """Notes who answers a question. Such answers repeat its number (RFC 6762, 6.7)."""

    def __init__(self, number: bytes, found: set[str]) -> None:
        self._number = number
        self._found = found

    def datagram_received(self, data: bytes, source: tuple[str | int, int]) -> None:
        if len(data) < 12 or data[:2] != self._number:
            return
        _, flags, _, answers, _, _ = struct.unpack("!6H", data[:12])
        if flags & _RESPONSE and answers:
            self._found.add(str(source[0]))

    def error_received(self, error: Exception) -> None:
        log.debug("nobody could be asked: %s", error)


async def free_name(wanted: str, addresses: Sequence[str]) -> str:
    """The name, or where it is in use the first of ``chatbox-2`` to ``chatbox-9`` that is not. Both without
    ``.local``."""
    for number in range(1, CANDIDATES + 1):
        candidate = wanted if number == 1 else f"{wanted}-{number}"
        if not await who_answers(f"{candidate}.local", addresses):
            return candidate
    return wanted


class LocalName:
    """Keeps a name such as ``chatbox.local`` from `keep` to `withdraw`.

    `addresses` gives our IPv4 addresses on networks that others are on; `tell` is given the other machines
    that answer for the name each time they are others, and none where that is over. While there are any
    before we have it, we do not take it; once we have it we keep it."""

    def __init__(
        self,
        name: str,
        port: int,
        title: str,
        addresses: Callable[[], list[str]],
        tell: Callable[[frozenset[str]], None],
    ) -> None:
        self.name = name
        self._port = port
        self._title = title
        self._addresses = addresses
        self._tell = tell
        self._others: frozenset[str] = frozenset()
        self._responder: AsyncZeroconf | None = None
        self._served: list[str] = []
        self._changed = asyncio.Event()

    @property
    def ours(self) -> bool:
        """Whether we answer for the name."""
        return self._responder is not None

    def again(self) -> None:
        """The network is another one, or the machine has slept: look, and announce, at once."""
        self._served = []
        self._changed.set()

    async def keep(self) -> None:
        """Announce the name and watch over it, for ever."""
        while True:
            self._changed.clear()
            try:
                await self._look()
            except OSError as error:
                log.info("the name %s cannot be announced: %s", self.name, error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), EVERY)

    async def withdraw(self) -> None:
        """Take the name off the network."""
        responder, self._responder = self._responder, None
        if responder is not None:
            with suppress(OSError):  # the network is gone
                await responder.async_unregister_all_services()
            await responder.async_close()

    async def _look(self) -> None:
        addresses = self._addresses()
        if addresses != self._served:
            await self.withdraw()
        own = every_address()
        answering = await who_answers(self.name, addresses)
        # Before we have it, another server on this machine may be the one that does. Meanwhile the router may
        # have given this machine another address; what answered from the old one was still this machine.
        others = frozenset(answering - own - every_address() if self.ours else answering)
        if others != self._others:
            self._others = others
            self._tell(others)
        if addresses and not self.ours and not others:
            await self._announce(addresses)

    async def _announce(self, addresses: list[str]) -> None:
        from zeroconf import Error, IPVersion, ServiceInfo
        from zeroconf.asyncio import AsyncZeroconf

        title = f"{self._title} (Chatbox)".replace(".", " ").encode()[:_LONGEST].decode(errors="ignore")
        service = ServiceInfo(
            _SERVICE,
            f"{title}.{_SERVICE}",
            self._port,
            addresses=[socket.inet_aton(address) for address in addresses],
            properties={"path": "/"},
            server=f"{self.name}.",
        )
        self._responder = AsyncZeroconf(interfaces=addresses, ip_version=IPVersion.V4Only)
        try:
            await (await self._responder.async_register_service(service, allow_name_change=True))
        except Error as error:
            await self.withdraw()
            raise OSError(f"{type(error).__name__} {error}") from error
        self._served = addresses
        log.info("%s is announced at %s", self.name, ", ".join(addresses))
