"""A device of its own: Chromium with a home of its own, in which certificates are installed."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.browser.support import CHROMIUM, FLAGS
from tests.harness.network import Host

# Whatever the name, it is this machine.
HERE = "MAP * 127.0.0.1"


@contextmanager
def device(
    playwright: Playwright, home: Path, *trusted: Path, host: Host | None = None, names: str = HERE
) -> Iterator[Browser]:
    """A browser whose user has installed the certificates of these authorities. `host`: the machine that it
    runs on, where that is another one; `names`: which addresses it finds for which names."""
    _certutil("-d", _store(home), "-N", "--empty-password")
    for certificate in trusted:
        trust(home, certificate)
    environment: dict[str, str | float | bool] = {"HOME": str(home)}
    environment |= {name: text for name, text in os.environ.items() if _is_kept(name)}
    browser = playwright.chromium.launch(
        executable_path=_on(host, home) if host else CHROMIUM,
        args=[*FLAGS, f"--host-resolver-rules={names}"],
        env=environment,
    )
    try:
        yield browser
    finally:
        browser.close()


def trust(home: Path, certificate: Path) -> None:
    """Install the certificate of an authority for the user of this home."""
    _certutil("-d", _store(home), "-A", "-t", "C,,", "-n", certificate.name, "-i", str(certificate))


def _store(home: Path) -> str:
    (home / ".pki/nssdb").mkdir(parents=True, exist_ok=True)
    return f"sql:{home / '.pki/nssdb'}"


def _on(host: Host, home: Path) -> Path:
    """A program that starts Chromium on this machine."""
    starter = home / "chromium"
    starter.write_text(f'#!/bin/sh\nexec {shlex.join(host.words(CHROMIUM))} "$@"\n')
    starter.chmod(0o700)
    return starter


def _is_kept(name: str) -> bool:
    return name != "HOME" and not name.lower().endswith("_proxy")


def _certutil(*words: str) -> None:
    subprocess.run(["certutil", *words], check=True, capture_output=True)
