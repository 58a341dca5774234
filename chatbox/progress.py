"""How far something long has come, for whoever waits for it; and whom it should leave the machine to.

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
_LONGEST_REST = 0.05  # seconds
_EVERY = 1.0  # seconds between two words about the same step


@contextmanager
def told_to(listener: Tell) -> Iterator[None]:
    """Hand the progress of what is begun within to this listener. It may be called from any thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class _Company:
    """Whom the work should leave the machine to, and until when."""

    def __init__(self, over: Callable[[], bool], here: Callable[[], bool]) -> None:
        self._over = over
        self._here = here
        self._worked_since = time.monotonic()

    def give_way(self) -> None:
        if self._over():
            raise Restarting("The server is stopping. Try again when it is back.")
        worked = time.monotonic() - self._worked_since
        if self._here():
            time.sleep(min(worked, _LONGEST_REST))
        self._worked_since = time.monotonic()


_company: ContextVar[_Company | None] = ContextVar("company", default=None)


@contextmanager
def beside_people(over: Callable[[], bool], here: Callable[[], bool]) -> Iterator[None]:
    """Let what is begun within rest as long as it works, to serve people first, while any are `here`;
    and end as soon as it is `over`. Both may be asked from any thread."""
    token = _company.set(_Company(over, here))
    try:
        yield
    finally:
        _company.reset(token)


def go_on() -> None:
    """To be called every few milliseconds of work. Raises `Restarting` where it is to end now."""
    company = _company.get()
    if company is not None:
        company.give_way()


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
