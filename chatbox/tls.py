"""What encrypts: chosen by ``[tls] mode``, handed to the web server, renewed while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from chatbox import console
from chatbox.chat.context import Context
from chatbox.errors import CertificateError, NotFound
from chatbox.lan import certificates, pem, security_key
from chatbox.lan.addresses import every_address
from chatbox.lan.security_key import NO_KEY
from chatbox.rules.hosts import host_rule
from chatbox.settings import Tls
from chatbox.web.anchor import Anchor
from chatbox.web.base import Edge
from chatbox.web.listener import Listener

log = logging.getLogger("chatbox.tls")

LOOK_SECONDS = 2.0
FAILED_SECONDS = 60.0
WARN_BEFORE = timedelta(days=14)

Now = Callable[[], datetime]


class Certificates:
    """Where the server's certificate comes from. This one has none."""

    context: ssl.SSLContext | None = None  # with what connections are encrypted
    authority: certificates.Authority | None = None  # whose certificate devices have to install
    names: tuple[str, ...] = ()  # for which any browser accepts it; they may hold wildcards

    def covers(self, host: str) -> bool:
        """Whether a browser that knows nothing of this server accepts its certificate for a name."""
        parent = host.partition(".")[2]
        return host in self.names or (bool(parent) and f"*.{parent}" in self.names)

    def lock_key(self, password: str) -> str:
        """The key of the authority as a file to keep. Raises `NotFound` and `Invalid`. Takes a moment."""
        if self.authority is None:
            raise NotFound(NO_KEY)
        return security_key.lock(self.authority, password)

    def look(self) -> bool:
        """See whether there has to be another; whether `context` is another one now. Raises CertificateError
        and OSError where there is none."""
        return False


class CertificateFiles(Certificates):
    """The certificate of `[tls] certificate` and `key`, followed as the files change.

    A pair that cannot be used is told in the log, and the one from before is used on. Making this raises
    CertificateError instead. Relative paths start at `folder`."""

    def __init__(self, settings: Tls, folder: Path, now: Now = pem.now) -> None:
        self._certificate = folder / Path(settings.certificate).expanduser()
        self._key = folder / Path(settings.key or settings.certificate).expanduser()
        self._folder = folder
        self._now = now
        self._reminder = _Reminder(f"The certificate in {self._certificate}")
        self._used = self._last = self._signature()
        self._load()
        log.info("HTTPS answers on the same port, for %s.", self.pair.shown)

    def look(self) -> bool:
        """Files are replaced one after the other: they are read when they stayed the same for two looks."""
        self._reminder.look(self.pair.not_after, self._now())
        last, self._last = self._last, self._signature()
        if self._last == self._used or self._last != last:
            return False
        self._used = self._last
        try:
            self._load()
        except CertificateError as error:
            log.warning("%s The certificate from before is used on.", error)
            return False
        log.info("There is a new certificate, for %s.", self.pair.shown)
        return True

    def _load(self) -> None:
        pair = pem.read_pair(self._certificate, self._key, self._now())
        self.context = pem.make_context(pair, self._folder)
        self.pair, self.names = pair, pair.names

    def _signature(self) -> list[tuple[int, ...]]:
        return [_signature(path) for path in (self._certificate, self._key)]


class OwnCertificates(Certificates):
    """Certificates of the server's own authority, which is made as soon as there is a name for it.

    `hosts` gives the names and addresses that the server has at the moment; `name` that of the server, None
    while nobody has set it up. Making this raises CertificateError where the authority is damaged."""

    def __init__(
        self,
        folder: Path,
        hosts: Callable[[], Iterable[str]],
        name: Callable[[], str | None],
        now: Now = pem.now,
    ) -> None:
        self.pair: pem.Pair | None = None
        self.authority = certificates.load_authority(folder)
        self._folder = folder
        self._hosts = hosts
        self._name = name
        self._now = now
        self._reminder = _Reminder(
            "The certificate of this server's own authority",
            " After that remove the folder tls and start again: each device has to trust the new one.",
        )
        self.look()

    def look(self) -> bool:
        """Raises OSError where the authority cannot be stored."""
        hosts, now = set(self._hosts()), self._now()
        authority = self.authority or self._make_authority(hosts, now)
        if authority is None:
            return False
        last = authority.certificate.not_valid_after_utc
        self._reminder.look(last, now)
        if now > last or (self.pair and certificates.serves(self.pair, authority, hosts, now)):
            return False
        self.pair = certificates.issue(authority, hosts, now)
        self.context = pem.make_context(self.pair, self._folder)
        log.info("HTTPS answers on the same port, for %s.", self.pair.shown)
        if left_out := sorted(host for host in hosts if "." in host and not authority.permits(host)):
            log.info("This server's own authority may not vouch for %s.", ", ".join(left_out))
        return True

    def _make_authority(self, hosts: set[str], now: datetime) -> certificates.Authority | None:
        name = self._name()
        if name is None:
            return None
        made = certificates.make_authority(name, hosts, now)
        certificates.save_authority(self._folder, made)
        self.authority = made
        log.info("%s was made, to be installed on the devices that should use HTTPS.", made.name)
        return made


def choose_certificates(ctx: Context, folder: Path) -> Certificates:
    """What the settings ask for. Raises CertificateError, OSError."""
    settings = ctx.settings
    mode = settings.tls.mode
    if mode == "off":
        return Certificates()
    if mode != "auto" and settings.tls.certificate:
        return CertificateFiles(settings.tls, folder)
    names = host_rule(settings.server.names, socket.gethostname()).names

    def name() -> str | None:
        """Who has set the server up has named it. Where encryption is required it has to be there before."""
        return None if ctx.server.setup_open and mode != "required" else ctx.server.name

    return OwnCertificates(folder, lambda: names | every_address(), name)


async def encrypt(listener: Listener, edge: Edge, found: Certificates) -> None:
    """Serve HTTPS with the certificates of the moment, for ever, and hand out what devices must install."""
    wait, told = LOOK_SECONDS, found.authority
    while True:
        if found.context is not None:
            listener.encrypt(found.context)
            edge.trust.encrypts = True
        if authority := found.authority:
            edge.trust.anchor = Anchor(authority.name, authority.der)
            if authority is not told:
                told = authority
                console.tell_fingerprint(authority.name, authority.fingerprint, authority.thumbprint)
        await asyncio.sleep(wait)
        wait = LOOK_SECONDS
        try:
            await asyncio.to_thread(found.look)
        except (OSError, CertificateError) as error:
            log.error("there is no certificate: %s", error)
            wait = FAILED_SECONDS


class _Reminder:
    """Tells in the log that something ends, once a day for the last two weeks."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self._what = what
        self._remedy = remedy
        self._told: datetime | None = None

    def look(self, end: datetime, now: datetime) -> None:
        if end - now < WARN_BEFORE and (self._told is None or now - self._told >= timedelta(days=1)):
            self._told = now
            log.warning("%s ends on %s.%s", self._what, f"{end:%Y-%m-%d %H:%M}", self._remedy)


def _signature(path: Path) -> tuple[int, ...]:
    """What is another where a file was changed or replaced; empty where it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
