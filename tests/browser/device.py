"""A device of its own: Chromium with a home of its own, in which certificates are installed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.browser.support import CHROMIUM, FLAGS

# Whatever the name, it is this machine.
HERE = "--host-resolver-rules=MAP * 127.0.0.1"


@contextmanager
def device(playwright: Playwright, home: Path, *trusted: Path) -> Iterator[Browser]:
    """A browser whose user has installed the certificates of these authorities."""
    store = f"sql:{home / '.pki/nssdb'}"
    (home / ".pki/nssdb").mkdir(parents=True)
    _certutil("-d", store, "-N", "--empty-password")
    for number, certificate in enumerate(trusted):
        _certutil("-d", store, "-A", "-t", "C,,", "-n", f"authority {number}", "-i", str(certificate))
    environment: dict[str, str | float | bool] = {"HOME": str(home)}
    environment |= {name: text for name, text in os.environ.items() if _is_kept(name)}
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, HERE], env=environment)
    try:
        yield browser
    finally:
        browser.close()


def _is_kept(name: str) -> bool:
    return name != "HOME" and not name.lower().endswith("_proxy")


def _certutil(*words: str) -> None:
    subprocess.run(["certutil", *words], check=True, capture_output=True)
