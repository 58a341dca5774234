"""Who may complete the setup: whoever reads the server's console, or sits at the browser it opened."""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from collections.abc import Callable
from math import ceil
from pathlib import Path

from chatbox.bus.base import Bus, Publication
from chatbox.clock import Clock
from chatbox.errors import Forbidden, RateLimited
from chatbox.rules.addresses import counted_as
from chatbox.rules.tokens import CODE_ALPHABET, CODE_LENGTH, shown_code, typed_code

FILE_NAME = "setup-code.txt"
TRIES = 5
MINUTE = 60.0  # seconds
_TOKEN_BYTES = 16


class Codes:
    """Which code counts: any other one after each renewal."""

    def __init__(self) -> None:
        self.moved: Callable[[], None] = lambda: None  # called when somebody else renewed it
        self._code = random_code()

    def current(self) -> str:
        return self._code

    def renew(self) -> None:
        """The code that counted until now is worth nothing."""
        self._code = random_code()


class SharedCodes(Codes):
    """The same on all nodes of a cluster, which make it from their key and the id of what they serve: the
    browser may come to any of them, and another database has another code.
    A node that starts after a renewal, or does not hear of it, has an older one than the others; then the
    code that counts stands on the console of the node that is asked."""

    TOPIC = "setup"

    def __init__(self, key: bytes, server: str, bus: Bus) -> None:
        """`server` is the id of the whole, `bus` the one between the nodes."""
        super().__init__()
        self._key = hmac.digest(key, server.encode(), "sha256")
        self._bus = bus
        self._round = 0

    def current(self) -> str:
        digest = hmac.digest(self._key, str(self._round).encode(), "sha256")
        number, code = int.from_bytes(digest), ""
        for _ in range(CODE_LENGTH):
            number, letter = divmod(number, len(CODE_ALPHABET))
            code += CODE_ALPHABET[letter]
        return code

    def renew(self) -> None:
        self._round += 1
        self._bus.publish([Publication(self.TOPIC, str(self._round).encode())])

    def hear(self, publication: Publication) -> None:
        """Another node renewed it."""
        if int(publication.event) > self._round:
            self._round = int(publication.event)
            self.moved()


class SetupCode:
    """The code on the console and in a file that only its owner reads, and the token of the local browser.

    Five wrong codes from one address within a minute make a new code, and that address waits until the
    minute is over. The token is too long to be guessed and is not counted, so nobody can keep the browser
    on this machine out.
    """

    def __init__(self, folder: Path, clock: Clock, tell: Callable[[str], None], codes: Codes) -> None:
        """`tell` is given the code, as it is shown, each time there is a new one. Raises OSError."""
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.done = asyncio.Event()  # set when the setup is over
        self._path = folder / FILE_NAME
        self._clock = clock
        self._tell = tell
        self._codes = codes
        codes.moved = self._take
        self._wrong: dict[str, list[float]] = {}
        self._code = ""
        self._take()

    @property
    def code(self) -> str:
        """As it is shown: XXXX-XXXX."""
        return shown_code(self._code)

    def check(self, secret: str, address: str) -> None:
        """Accepts the token or the code. Raises `Forbidden` (field "secret") or `RateLimited`."""
        if _same(secret, self.token):
            return
        tries = self._tries(counted_as(address))
        if len(tries) >= TRIES:
            self._refuse_for_now(tries)
        if _same(typed_code(secret), self._code):
            return
        tries.append(self._clock.monotonic())
        if len(tries) >= TRIES:
            self._codes.renew()
            self._take()
            self._refuse_for_now(tries)
        raise Forbidden("This is not the code in the window where Chatbox was started.", field="secret")

    def close(self) -> None:
        """Setup is done: the file goes."""
        self.done.set()
        self._codes.moved = lambda: None
        self._path.unlink(missing_ok=True)

    def _tries(self, address: str) -> list[float]:
        """The times of this address's wrong tries within the last minute; older ones are forgotten."""
        since = self._clock.monotonic() - MINUTE
        recent = {key: [time for time in times if time > since] for key, times in self._wrong.items()}
        self._wrong = {key: times for key, times in recent.items() if times}
        return self._wrong.setdefault(address, [])

    def _refuse_for_now(self, tries: list[float]) -> None:
        wait = max(1, ceil(tries[0] + MINUTE - self._clock.monotonic()))
        raise RateLimited(
            "Too many wrong codes. There is a new code on the server's console now.",
            field="secret",
            retry_in=wait,
        )

    def _take(self) -> None:
        self._code = self._codes.current()
        self._path.unlink(missing_ok=True)
        # Made anew, and for its owner only from the first moment; a link that lies there is not followed.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{self.code}\n")
        self._tell(self.code)


def random_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def _same(given: str, wanted: str) -> bool:
    """Compared in constant time, so that time tells nothing about the beginning."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
