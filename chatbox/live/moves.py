"""Sign-ins on their way from one address of this server to another, such as from HTTP to HTTPS.

Browsers give each address a storage and cookies of its own. What the page has kept comes along.
"""

from __future__ import annotations

from msgspec import Struct

from chatbox.clock import Clock
from chatbox.errors import Busy

SECONDS = 120.0
MOST_BYTES = 32 * 2**20  # of what is kept for all of them together


class Move(Struct, frozen=True):
    """Who moves: the session ends when it arrives, with what the page has kept."""

    user: int
    session: int
    state: str
    until: float  # on the monotonic clock


class Moves:
    """Of each session the latest move. It is taken once, within two minutes, by whoever has its secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moves: dict[bytes, Move] = {}  # by the digest of the secret

    def add(self, secret: bytes, user: int, session: int, state: str) -> None:
        """Expect the arrival of a session. Raises `Busy` where too much is on its way."""
        now = self._clock.monotonic()
        self._moves = {
            key: move for key, move in self._moves.items() if move.until > now and move.session != session
        }
        if sum(len(move.state) for move in self._moves.values()) + len(state) > MOST_BYTES:
            raise Busy
        self._moves[secret] = Move(user, session, state, now + SECONDS)

    def find(self, secret: bytes) -> Move | None:
        """The move with this secret, which it does not end."""
        move = self._moves.get(secret)
        return move if move is not None and move.until > self._clock.monotonic() else None

    def take(self, secret: bytes) -> Move | None:
        """The same, and end it."""
        move = self.find(secret)
        self._moves.pop(secret, None)
        return move
