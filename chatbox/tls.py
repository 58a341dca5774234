"""What encrypts: chosen by ``[tls] mode``, handed to the web server, renewed while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from chatbox.errors import CertificateError
from chatbox.lan import pem
from chatbox.settings import Settings, Tls

log = logging.getLogger("chatbox.tls")

LOOK_SECONDS = 2.0
WARN_BEFORE = timedelta(days=14)

Use = Callable[[ssl.SSLContext], None]


class CertificateFiles:
    """The certificate of `[tls] certificate` and `key`, followed as the files change.

    A pair that cannot be used is told in the log, and the one from before is used on. Making this raises
    CertificateError instead. Relative paths start at `folder`."""

    def __init__(self, settings: Tls, folder: Path, now: Callable[[], datetime] = pem.now) -> None:
        self._certificate = folder / Path(settings.certificate).expanduser()
        self._key = folder / Path(settings.key or settings.certificate).expanduser()
        self._folder = folder
        self._now = now
        self._used = self._last = self._signature()
        self._warned = now() - timedelta(days=2)
        self.pair, self.context = self._load()

    def look(self) -> bool:
        """See whether the files have changed; whether `context` is another one now.

        Files are replaced one after the other, so they are read when they stayed the same for two looks."""
        self._warn_of_the_end()
        last, self._last = self._last, self._signature()
        if self._last == self._used or self._last != last:
            return False
        self._used = self._last
        try:
            self.pair, self.context = self._load()
        except CertificateError as error:
            log.warning("%s The certificate from before is used on.", error)
            return False
        log.info("There is a new certificate: for %s.", self.pair.shown)
        return True

    def _load(self) -> tuple[pem.Pair, ssl.SSLContext]:
        pair = pem.read_pair(self._certificate, self._key, self._now())
        return pair, pem.make_context(pair, self._folder)

    def _signature(self) -> list[tuple[int, ...]]:
        return [_signature(path) for path in (self._certificate, self._key)]

    def _warn_of_the_end(self) -> None:
        now, end = self._now(), self.pair.not_after
        if end - now < WARN_BEFORE and now - self._warned > timedelta(days=1):
            self._warned = now
            log.warning("The certificate in %s ends on %s.", self._certificate, f"{end:%Y-%m-%d %H:%M}")


def certificate_files(settings: Settings, folder: Path) -> CertificateFiles | None:
    """The certificate that the settings name; None where they name none. Raises CertificateError."""
    if settings.tls.mode not in ("files", "required"):
        return None
    return CertificateFiles(settings.tls, folder)


async def follow(files: CertificateFiles, use: Use) -> None:
    """Hand over each new context, for ever."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if await asyncio.to_thread(files.look):
            use(files.context)


def _signature(path: Path) -> tuple[int, ...]:
    """What is another where a file was changed or replaced; empty where it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
