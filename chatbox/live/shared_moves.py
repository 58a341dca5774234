"""Sign-ins on their way that any node of a cluster finds, in Redis for two minutes.

What is lost there, somebody starts anew. What was not sealed by a node counts for nothing.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, msgpack

from chatbox.bus.link import Away, Command, Link
from chatbox.bus.seal import Seal
from chatbox.clock import Clock
from chatbox.errors import Busy
from chatbox.live.moves import MOST_BYTES, SECONDS, Arrival, Move, Moves

_MILLISECONDS = int(SECONDS * 1000)
_BESIDE = 1024  # bytes that a move takes besides what the page has kept

# Keep a move where there is room beside the others. Of those that are over only the name is left, if so much.
_ADD = """
local kept = 0
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local size = redis.call('STRLEN', name)
  if size == 0 then redis.call('SREM', KEYS[1], name) else kept = kept + size + ARGV[4] end
end
if kept + #ARGV[1] + ARGV[4] > tonumber(ARGV[3]) then return 0 end
redis.call('SADD', KEYS[1], KEYS[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
"""


class _Kept(Struct, array_like=True, frozen=True):
    """What does not change of a move; `state` is gone once it was taken."""

    user: int
    session: int
    state: str
    stays: bool


class SharedMoves(Moves):
    """A move is a few keys, each written once: what it is, which device came first, whether the screen
    agrees, and whether it was taken. Where Redis is away everything raises `Busy`."""

    def __init__(self, clock: Clock, link: Link, seal: Seal) -> None:
        super().__init__(clock)
        self._line = link.line()
        self._seal = seal

    async def close(self) -> None:
        """Ask Redis no more."""
        await self._line.close()

    async def add(self, secret: bytes, user: int, session: int, state: str, *, stays: bool = False) -> None:
        await self.drop(session)
        name, kept = f"move:{secret.hex()}", msgpack.encode(_Kept(user, session, state, stays))
        keys = (self._key("moves"), self._key(name))
        limits = (_MILLISECONDS, MOST_BYTES, _BESIDE)
        (added,) = await self._run(("EVAL", _ADD, len(keys), *keys, self._seal.seal(name, kept), *limits))
        if not added:
            raise Busy
        await self._run(self._put(f"move-of:{session}", secret.hex().encode()))

    async def find(self, secret: bytes) -> Move | None:
        move = await self._load(secret.hex())
        return None if move is None or move.arrived else move

    async def of(self, session: int) -> Move | None:
        secret = await self._secret_of(session)
        return None if secret is None else await self._load(secret)

    async def claim(self, secret: bytes, arrival: Arrival) -> Arrival | None:
        await self._run(self._put(f"move-arrival:{secret.hex()}", msgpack.encode(arrival), "NX"))
        move = await self.find(secret)
        return None if move is None else move.arrival

    async def allow(self, session: int) -> None:
        secret = await self._secret_of(session)
        if secret is not None:
            await self._run(self._put(f"move-allowed:{secret}", b""))

    async def take(self, secret: bytes) -> Move | None:
        move = await self.find(secret)
        if move is None:
            return None
        (first,) = await self._run(self._put(f"move-arrived:{secret.hex()}", b"", "NX"))
        if not first:
            return None
        emptied = msgpack.encode(_Kept(move.user, move.session, "", move.stays))
        await self._run(self._put(f"move:{secret.hex()}", emptied, "XX"))
        return move

    async def drop(self, session: int) -> None:
        secret = await self._secret_of(session)
        if secret is not None:
            await self._run(("DEL", self._key(f"move-of:{session}"), *map(self._key, _names(secret))))

    async def _secret_of(self, session: int) -> str | None:
        (found,) = await self._run(("GET", self._key(f"move-of:{session}")))
        opened = self._opened(f"move-of:{session}", found)
        return None if opened is None else opened.decode()

    async def _load(self, secret: str) -> Move | None:
        names = _names(secret)
        found, left = await self._run(("MGET", *map(self._key, names)), ("PTTL", self._key(names[0])))
        kept, arrival, allowed, arrived = map(self._opened, names, found)
        if kept is None or left <= 0:
            return None
        whole = msgpack.decode(kept, type=_Kept)
        return Move(
            user=whole.user,
            session=whole.session,
            state=whole.state,
            until=self._clock.monotonic() + left / 1000,
            stays=whole.stays,
            arrival=None if arrival is None else msgpack.decode(arrival, type=Arrival),
            allowed=allowed is not None,
            arrived=arrived is not None,
        )

    def _key(self, name: str) -> str:
        return self._seal.prefix + name

    def _put(self, name: str, payload: bytes, *when: str) -> Command:
        return ("SET", self._key(name), self._seal.seal(name, payload), "PX", _MILLISECONDS, *when)

    def _opened(self, name: str, sealed: bytes | None) -> bytes | None:
        return None if sealed is None else self._seal.open(name, sealed)

    async def _run(self, *commands: Command) -> list[Any]:
        try:
            return await self._line.run(commands)
        except Away as away:
            raise Busy("That does not work just now. Try again in a moment.", retry_in=2.0) from away


def _names(secret: str) -> list[str]:
    """Of the keys of one move, by the digest of its secret."""
    return [f"move{part}:{secret}" for part in ("", "-arrival", "-allowed", "-arrived")]
