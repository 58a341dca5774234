"""A server whose wall clock a test sets while it runs, with libfaketime."""

from __future__ import annotations

import time
from pathlib import Path

from chatbox import atomic
from tests.harness.needs import need
from tests.harness.process import Server

HOUR, DAY, TEN_YEARS = 3600, 86_400, 3652 * 86_400  # seconds


class FakedClock:
    """The wall clock of one server; its monotonic clocks stay as they are."""

    def __init__(self, server: Server, folder: Path) -> None:
        found = sorted(Path("/usr").glob("lib*/**/faketime/libfaketimeMT.so.1"))
        need(bool(found), "libfaketime")
        self.ahead = 0.0  # seconds
        self._file = folder / "clock"
        server.environment |= {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.set(0)

    def set(self, ahead: float) -> None:
        """Let it be so many seconds ahead of the true time."""
        self.ahead = ahead
        atomic.write_text(self._file, f"{ahead:+.0f}\n")

    def shows(self, at: int) -> bool:
        """Whether a stored time (ms) is what this clock tells now, give or take a minute."""
        return abs(at / 1000 - time.time() - self.ahead) < 60
