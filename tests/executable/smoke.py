"""Shows that the executable is whole: `python -m tests.executable.smoke dist/chatbox`, or `make smoke`.

It runs where nothing is but the C library, with an empty environment; what is typed and sent goes over
127.0.0.1 as a browser would send it. The last line is the count of checks.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import SubprocessError

from websockets.exceptions import WebSocketException

from chatbox.version import VERSION
from tests.executable.bare_root import LIBC, BareRoot, Server, needed_libraries
from tests.executable.people import SmokeError, encrypts, outlives_a_kill

MEGABYTE = 10**6
MOST_BYTES = 25 * MEGABYTE
MOST_SECONDS = 1.0
STARTS = 5

FAILURES = (SmokeError, SubprocessError, WebSocketException, OSError, KeyError, ValueError)

Check = Callable[[BareRoot], str]


def check_size(root: BareRoot) -> str:
    size = (root.path / "chatbox").stat().st_size
    if size > MOST_BYTES:
        raise SmokeError(f"{size / MEGABYTE:.1f} MB, at most {MOST_BYTES / MEGABYTE:.0f}")
    return f"size: {size / MEGABYTE:.1f} MB"


def check_libraries(root: BareRoot) -> str:
    names = {library.name for library in needed_libraries(root.path / "chatbox")}
    foreign = {name for name in names if name not in LIBC and not name.startswith("ld-")}
    if foreign:
        raise SmokeError(f"it needs more than the C library: {', '.join(sorted(foreign))}")
    return "needs: the C library only"


def check_version(root: BareRoot) -> str:
    printed = root.run("version").strip()
    if VERSION not in printed:
        raise SmokeError(f"chatbox version prints {printed!r}, not {VERSION}")
    return f"version: {printed}"


def check_licenses(root: BareRoot) -> str:
    listed, _, terms = root.run("licenses").partition("=" * 78)
    parts = [
        line.partition(":")[0].rpartition(" ")[0] or line.partition(":")[0] for line in listed.split("\n")
    ]
    missing = {"Chatbox", "Python", "SQLite", "OpenSSL", "tornado", "cryptography", "pyinstaller"} - set(
        parts
    )
    if missing or "Apache License" not in terms:
        raise SmokeError(f"chatbox licenses does not tell the terms of {', '.join(sorted(missing)) or 'all'}")
    return f"licences: of {len([part for part in parts if part])} parts"


def check_start(root: BareRoot) -> str:
    """The folder is new every time, so that making the database counts as well."""
    seconds = []
    for number in range(STARTS):
        server = Server(root, f"start-{number}")
        seconds.append(server.seconds_to_first_answer)
        if code := server.stop():
            raise SmokeError(f"exit code {code} after SIGTERM")
    if root.leftovers():
        raise SmokeError(f"it left {root.leftovers()} in /tmp")
    median = statistics.median(seconds)
    told = (
        f"start to the first 200: {median:.2f} s (median of {STARTS}: {sorted(round(s, 2) for s in seconds)})"
    )
    if median > MOST_SECONDS and "CHATBOX_SLOW_MACHINE" not in os.environ:
        raise SmokeError(f"{told}, at most {MOST_SECONDS:.1f} s; CHATBOX_SLOW_MACHINE=1 lets it pass")
    return told


def check_parent(root: BareRoot) -> str:
    Server(root, "orphan").kill_parent()
    if root.leftovers():
        raise SmokeError(f"it left {root.leftovers()} in /tmp")
    return "killed parent: the server stops and nothing stays in /tmp"


def check_conversation(root: BareRoot) -> str:
    return outlives_a_kill(lambda: Server(root, "data"))


def check_encryption(root: BareRoot) -> str:
    return encrypts(Server(root, "encrypted"))


CHECKS: list[Check] = [
    check_size,
    check_libraries,
    check_version,
    check_licenses,
    check_start,
    check_parent,
    check_conversation,
    check_encryption,
]


def main(executable: Path) -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="chatbox-smoke-") as folder:
        root = BareRoot.make(Path(folder), executable)
        for check in CHECKS:
            try:
                print("ok  ", check(root), flush=True)
            except FAILURES as error:
                failed += 1
                print("FAIL", f"{check.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
