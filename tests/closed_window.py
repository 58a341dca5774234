"""Chatbox with a stand-in for the console window of Windows: SIGUSR1 closes it.

`python tests/closed_window.py FILE …` writes to FILE whether the server had ended when the window went."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chatbox import cli, windows


def prepare(stop: Callable[[], object]) -> Callable[[], None]:
    closing = windows.Closing(stop)
    ended = threading.Event()

    def close() -> None:
        closing(windows.CLOSE)
        Path(sys.argv[1]).write_text("in time" if ended.is_set() else "too late")

    def stopped() -> None:
        ended.set()
        closing.stopped()

    signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=close).start())
    return stopped


if __name__ == "__main__":
    windows.prepare = prepare
    sys.exit(cli.main(sys.argv[2:]))
