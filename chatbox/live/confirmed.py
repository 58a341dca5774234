"""Sessions whose person has just proved by the password to be there, as admin changes ask for."""

from __future__ import annotations

from msgspec import msgpack

from chatbox.bus.base import Bus, Publication
from chatbox.clock import Clock
from chatbox.live.publisher import ALL_SESSIONS

SECONDS = 600.0


class Confirmed:
    """Each session counts as confirmed for ten minutes, unless it ends before: its number may come again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[int, tuple[int, float]] = {}  # session -> user, and when on the monotonic clock

    def add(self, user: int, session: int) -> None:
        """The password of this user was given in this session just now."""
        now = self._clock.monotonic()
        self._until = {key: entry for key, entry in self._until.items() if entry[1] > now}
        self._until[session] = (user, now + SECONDS)

    def holds(self, user: int, session: int) -> bool:
        """Whether that is less than ten minutes ago."""
        found = self._until.get(session)
        return found is not None and found[0] == user and found[1] > self._clock.monotonic()

    def receive(self, publication: Publication) -> None:
        """Follow what ends."""
        for session in publication.ended:
            if session != ALL_SESSIONS:
                self._until.pop(session, None)
                continue
            user = int(publication.topic.partition(":")[2])
            self._until = {key: entry for key, entry in self._until.items() if entry[0] != user}


class SharedConfirmed(Confirmed):
    """Tells the other nodes, so that the next command may come to any of them. Where that is lost, the
    password is asked for once more."""

    TOPIC = "confirmed"

    def __init__(self, clock: Clock, bus: Bus) -> None:
        """`bus` is the one between the nodes."""
        super().__init__(clock)
        self._bus = bus

    def add(self, user: int, session: int) -> None:
        super().add(user, session)
        self._bus.publish([Publication(self.TOPIC, msgpack.encode((user, session)))])

    def hear(self, publication: Publication) -> None:
        """What another node tells."""
        super().add(*msgpack.decode(publication.event, type=tuple[int, int]))
