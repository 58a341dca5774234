"""Passwords as Argon2id, computed beside the event loop.

Parameters and form: OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane) and the PHC string
format. An attempt for a name that nobody has costs the same as one for a name that somebody has.
"""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from chatbox.errors import Busy
from chatbox.rules.passwords import normalise

T = TypeVar("T")

MOST_WAITING = 50
_SALT_BYTES = 16
_HASH_BYTES = 32


class Cost(NamedTuple):
    """What one attempt costs: memory in KiB, passes over it."""

    memory: int = 19 * 1024
    passes: int = 2


COST = Cost()


class Hashing:
    """Hashes and checks passwords, at most as many at once as there are cores. `count` is how many so far."""

    def __init__(self, cost: Cost = COST, workers: int | None = None) -> None:
        workers = workers or os.cpu_count() or 1
        self._cost = cost
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="hashing")
        self._most = workers + MOST_WAITING
        self._pending = 0
        self.count = 0
        # Nobody knows a password for it, and checking it takes as long as checking a real one.
        self._nobody = "$".join((self._prefix, _phc(_SALT_BYTES), _phc(_HASH_BYTES)))

    async def hash(self, password: str) -> str:
        """The password's PHC string. Raises `Busy` where too many wait."""
        return await self._run(lambda: self._derive(_bytes(password)))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether it is the password of which `stored` was made; with None nothing is, after the same time.

        Raises `Busy` where too many wait."""
        matched = await self._run(lambda: _verify(_bytes(password), stored or self._nobody))
        return matched and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was made with other parameters than those of today."""
        return not stored.startswith(f"{self._prefix}$")

    def close(self) -> None:
        """Drop what waits; what runs ends by itself within a moment."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _prefix(self) -> str:
        return f"$argon2id$v=19$m={self._cost.memory},t={self._cost.passes},p=1"

    def _derive(self, password: bytes) -> str:
        kdf = Argon2id(
            salt=secrets.token_bytes(_SALT_BYTES),
            length=_HASH_BYTES,
            iterations=self._cost.passes,
            lanes=1,
            memory_cost=self._cost.memory,
        )
        return kdf.derive_phc_encoded(password)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._most:
            raise Busy("Many people are signing in just now. Try again in a moment.", retry_in=2.0)
        self._pending += 1
        self.count += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._done)
        return await future

    def _done(self, future: asyncio.Future[T]) -> None:
        self._pending -= 1


def _verify(password: bytes, stored: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password, stored)
    except InvalidKey:
        return False
    return True


def _bytes(password: str) -> bytes:
    return normalise(password).encode("utf-8", "surrogatepass")


def _phc(size: int) -> str:
    """Random bytes in the base64 of the PHC format, which has no padding."""
    return base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
