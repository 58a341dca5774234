"""Sign-ins on their way: to another address of this server, such as from HTTP to HTTPS, or to another device.

Browsers give each address a storage and cookies of its own. What the page has kept comes along. Another
device is let in only once the screen that the sign-in comes from agrees to it.
"""

from __future__ import annotations

from msgspec import Struct, structs

from chatbox.clock import Clock
from chatbox.errors import Busy

SECONDS = 120.0
MOST_BYTES = 32 * 2**20  # of what is kept for all of them together


class Arrival(Struct, frozen=True):
    """The device that wants to be let in: `claim` is the digest of what it proves itself with from now on."""

    claim: bytes
    label: str  # of its browser
    address: str


class Move(Struct):
    """Who moves. The session ends when it arrives, with what the page has kept; or where it `stays`, another
    device comes to have one, too."""

    user: int
    session: int
    state: str
    until: float  # on the monotonic clock
    stays: bool = False
    arrival: Arrival | None = None
    allowed: bool = False
    arrived: bool = False


class Moves:
    """Of each session the latest move. It is taken once, within two minutes, by whoever has its secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moves: dict[bytes, Move] = {}  # by the digest of the secret

    async def add(self, secret: bytes, user: int, session: int, state: str, *, stays: bool = False) -> None:
        """Expect the arrival of a session. Raises `Busy` where too much is on its way."""
        now = self._clock.monotonic()
        self._moves = {
            key: move for key, move in self._moves.items() if move.until > now and move.session != session
        }
        if sum(len(move.state) for move in self._moves.values()) + len(state) > MOST_BYTES:
            raise Busy
        self._moves[secret] = Move(user, session, state, now + SECONDS, stays)

    async def find(self, secret: bytes) -> Move | None:
        """The move with this secret, which it does not end."""
        move = self._moves.get(secret)
        return move if move is not None and not move.arrived and self._holds(move) else None

    async def of(self, session: int) -> Move | None:
        """The move from this session, arrived or not."""
        return self._of(session)

    async def claim(self, secret: bytes, arrival: Arrival) -> Arrival | None:
        """Which device it is for: the one that came first. None where there is no such move any more."""
        move = await self.find(secret)
        if move is None:
            return None
        move.arrival = move.arrival or arrival
        return move.arrival

    async def allow(self, session: int) -> None:
        """The screen that the session comes from agrees."""
        move = self._of(session)
        if move is not None:
            move.allowed = True

    async def take(self, secret: bytes) -> Move | None:
        """The same as `find`, and end it."""
        move = await self.find(secret)
        if move is None:
            return None
        taken = structs.replace(move)
        move.arrived, move.state = True, ""
        return taken

    async def drop(self, session: int) -> None:
        """Expect nothing from this session any more."""
        self._moves = {key: move for key, move in self._moves.items() if move.session != session}

    def _of(self, session: int) -> Move | None:
        return next(
            (move for move in self._moves.values() if move.session == session and self._holds(move)), None
        )

    def _holds(self, move: Move) -> bool:
        return move.until > self._clock.monotonic()
