"""How far something long has come, for whoever waits for it; and whether it should end before its time.

The work says and asks so wherever it is done, on threads as well; who listens is decided where it is begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chatbox.errors import Restarting

Tell = Callable[[str], None]

_listener: ContextVar[Tell | None] = ContextVar("progress", default=None)
_stop: ContextVar[Callable[[], bool] | None] = ContextVar("stop", default=None)
_EVERY = 1.0  # seconds between two words about the same step


@contextmanager
def told_to(listener: Tell) -> Iterator[None]:
    """Hand the progress of what is begun within to this listener. It may be called from any thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def stopped_by(stop: Callable[[], bool]) -> Iterator[None]:
    """Let what is begun within end as soon as `stop` says so. It may be asked from any thread."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def go_on() -> None:
    """Raises `Restarting` where the work is to end now."""
    stop = _stop.get()
    if stop is not None and stop():
        raise Restarting("The server is stopping. Try again when it is back.")


def tell(text: str) -> None:
    """Say what is being done now, as a short sentence."""
    listener = _listener.get()
    if listener is not None:
        listener(text)


class Step:
    """One part of the work, and how much of it is done; it tells so once a second."""

    def __init__(self, text: str, whole: int) -> None:
        """`whole` is how much there is to do, in any unit."""
        self._text = text
        self._whole = whole
        self._done = 0
        self._at = time.monotonic()
        tell(f"{text} …")

    def advance(self, amount: int) -> None:
        self.reach(self._done + amount)

    def reach(self, done: int) -> None:
        """So much is done in all. Raises `Restarting` as `go_on` does."""
        go_on()
        self._done = done
        now = time.monotonic()
        if self._whole and now - self._at >= _EVERY:
            self._at = now
            tell(f"{self._text}: {min(100, 100 * done // self._whole)} %")
