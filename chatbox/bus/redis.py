"""The bus of several nodes: Pub/Sub of Redis, by topic (https://redis.io/docs/latest/develop/pubsub/).

What it carries may be lost at any moment, and is small: whoever receives something sees by the numbers what
is missing, and reads it from the database. So publishing never waits; while Redis is away nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable

from msgspec import MsgspecError, Struct, msgpack

from chatbox.bus.base import Publication, Receiver
from chatbox.bus.link import Away, Command, Link, Wire
from chatbox.bus.seal import Seal
from chatbox.tasks import cancel_all

log = logging.getLogger("chatbox.bus")

LARGEST = 8 * 1024  # bytes of a numbered event that travels
FRESH = 60_000  # milliseconds that the clocks of two nodes may differ
MOST_WAITING = 10_000  # publications
_AT_ONCE = 512  # topics, or publications, in one go
_BEAT = 0.4  # seconds between two looks whether Redis answers
_SILENT_BEATS = 3  # looks without a word, after which it is away; one alone may be this node's own stall
_PAUSES = (0.1, 2.0)  # seconds between two tries to connect, from and up to
_GOODBYE = 2.0  # seconds


class _Letter(Struct, array_like=True, frozen=True, gc=False):
    """A publication on its way. `number` counts what its node has sent, and `at` says when, in milliseconds
    since 1970: so nobody can send it again, neither to those who had it nor to those who came later."""

    node: str
    number: int
    at: int
    event: bytes
    description: bytes
    joined: tuple[int, ...]
    left: tuple[int, ...]
    after: int
    head: int
    ended: tuple[int, ...]


class RedisBus:
    """`bus.base.Bus` over Redis. What this node has published does not come back to it; of what is numbered
    and large only the numbers arrive, with an empty event. `link.up` is kept true while Redis answers."""

    def __init__(self, link: Link, seal: Seal, node: str, came: Callable[[], None] = lambda: None) -> None:
        """`came` is called whenever Redis is there, for the first time or again, and has confirmed every
        topic: what others published before may be missing."""
        self._link = link
        self._seal = seal
        self._node = node
        self._came = came
        self._receiver: Receiver = lambda _: None
        self._topics: dict[str, asyncio.Future[None]] = {}  # done: confirmed, or not to be waited for
        self._orders: deque[tuple[str, str]] = deque()  # SUBSCRIBE or UNSUBSCRIBE, and the topic
        self._ordered = asyncio.Event()
        self._unconfirmed: set[str] = set()  # of those that were subscribed when Redis came
        self._outbox: deque[Publication] = deque()
        self._posted = asyncio.Event()
        self._sent = asyncio.Event()  # set while nothing is to be sent
        self._sent.set()
        self._number = 0
        self._latest: dict[str, int] = {}  # of each other node, the number of its latest letter
        self._silent = 0
        self._told: set[str] = set()  # kinds of trouble that stand in the log
        self._tasks: list[asyncio.Task[None]] = []
        self.dropped = 0  # publications that found no room, or no Redis

    async def start(self, receiver: Receiver) -> None:
        """Begin. Where Redis does not answer at once, it is looked for in the background."""
        self._receiver = receiver
        tried = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._listen(tried), name="bus listening"),
            asyncio.create_task(self._send(), name="bus sending"),
        ]
        await tried.wait()

    def publish(self, publications: list[Publication]) -> None:
        room = MOST_WAITING - len(self._outbox) if self._link.up else 0
        self.dropped += max(0, len(publications) - room)
        if room > 0:
            self._outbox.extend(publications[:room])
            self._sent.clear()
            self._posted.set()

    async def subscribe(self, topics: list[str]) -> None:
        """Done when Redis has confirmed, or is found to be away."""
        waiting = []
        for topic in topics:
            confirmed = self._topics.get(topic)
            if confirmed is None:
                confirmed = self._topics[topic] = asyncio.get_running_loop().create_future()
                self._order("SUBSCRIBE", topic)
            if not confirmed.done():
                waiting.append(confirmed)
        if waiting:
            await asyncio.wait(waiting)

    def unsubscribe(self, topics: list[str]) -> None:
        for topic in topics:
            confirmed = self._topics.pop(topic, None)
            if confirmed is not None:
                _settle(confirmed)
                self._order("UNSUBSCRIBE", topic)

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await self._sent.wait()
        await cancel_all(self._tasks)

    # -- listening -----------------------------------------------------------------------------------------

    async def _listen(self, tried: asyncio.Event) -> None:
        shortest, longest = _PAUSES
        pause = shortest
        while True:
            wire: Wire | None = None
            try:
                wire = self._link.wire()
                await wire.open()
                self._begin()
                tried.set()
                pause = shortest
                await self._converse(wire)
            except Away as away:
                self._tell_once("away", f"Redis is away ({away}). Nodes find by the database what others did")
            except Exception:
                log.exception("listening to Redis failed and starts again")
            finally:
                self._end()
                tried.set()
                if wire is not None:
                    with contextlib.suppress(Away):
                        await wire.close()
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause)
            pause = min(longest, pause * 2)

    def _begin(self) -> None:
        self._silent = 0
        self._link.came()
        self._unconfirmed = set(self._topics)
        for topic in self._topics:
            self._topics[topic] = asyncio.get_running_loop().create_future()
            self._order("SUBSCRIBE", topic)

    def _end(self) -> None:
        self._link.up = False
        self._orders.clear()
        self.dropped += len(self._outbox)
        self._outbox.clear()
        self._sent.set()
        for confirmed in self._topics.values():
            _settle(confirmed)

    async def _converse(self, wire: Wire) -> None:
        """Until it fails. Raises `Away`."""
        parts = (self._read(wire), self._subscribe(wire), self._beat(wire))
        tasks = [asyncio.create_task(part, name="bus conversation") for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel_all(tasks)

    async def _beat(self, wire: Wire) -> None:
        """Notice when Redis says nothing any more, though the connection stands."""
        while True:
            await asyncio.sleep(_BEAT)
            if self._silent >= _SILENT_BEATS:
                raise Away("it does not answer any more")
            self._silent += 1
            await wire.send(("PING",))

    def _order(self, verb: str, topic: str) -> None:
        if self._link.up:
            self._orders.append((verb, topic))
            self._ordered.set()
        elif verb == "SUBSCRIBE":
            _settle(self._topics[topic])  # it follows when Redis comes

    async def _subscribe(self, wire: Wire) -> None:
        if not self._unconfirmed:
            self._complete()
        while True:
            await self._ordered.wait()
            self._ordered.clear()
            while self._orders:
                verb = self._orders[0][0]
                channels: list[str] = []
                while self._orders and self._orders[0][0] == verb and len(channels) < _AT_ONCE:
                    channels.append(self._seal.prefix + self._orders.popleft()[1])
                await wire.send((verb, *channels))

    async def _read(self, wire: Wire) -> None:
        start = len(self._seal.prefix)
        while True:
            answer = await wire.read(patient=True)
            self._silent = 0
            if not isinstance(answer, list):  # PONG, before anything is subscribed
                continue
            kind, channel, *rest = answer
            if kind == b"message":
                self._receive(channel.decode()[start:], rest[0])
            elif kind == b"subscribe":
                self._confirm(channel.decode()[start:])

    def _confirm(self, topic: str) -> None:
        confirmed = self._topics.get(topic)
        if confirmed is not None:
            _settle(confirmed)
        if topic in self._unconfirmed:
            self._unconfirmed.discard(topic)
            if not self._unconfirmed:
                self._complete()

    def _complete(self) -> None:
        if "away" in self._told:
            log.info("Redis is there again")
            self._told.discard("away")
        self._came()

    def _receive(self, topic: str, data: bytes) -> None:
        payload = self._seal.open(topic, data)
        if payload is None:
            self._tell_once("foreign", "A message on Redis that no node of this cluster sent was dropped")
            return
        try:
            letter = msgpack.decode(payload, type=_Letter)
        except MsgspecError as error:
            self._tell_once("version", f"A message of a node of another version was dropped ({error})")
            return
        if letter.node == self._node or letter.number <= self._latest.get(letter.node, 0):
            return
        if abs(time.time() * 1000 - letter.at) > FRESH:
            self._tell_once("old", "A late message of another node was dropped: do all clocks agree?")
            return
        self._latest[letter.node] = letter.number
        try:
            self._receiver(_publication(topic, letter))
        except Exception:
            log.exception("what another node published could not be delivered")

    def _tell_once(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning(text)

    # -- sending -------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        line = self._link.line()
        try:
            while True:
                await self._posted.wait()
                self._posted.clear()
                while self._outbox:
                    some = [self._outbox.popleft() for _ in range(min(_AT_ONCE, len(self._outbox)))]
                    try:
                        await line.run([self._command(publication) for publication in some])
                    except Away as away:
                        self.dropped += len(some)
                        log.debug("%d publications were dropped: %s", len(some), away)
                    except Exception:  # whoever misses them finds them in the database
                        self.dropped += len(some)
                        log.exception("%d publications could not be sent", len(some))
                self._sent.set()
        finally:
            await line.close()

    def _command(self, publication: Publication) -> Command:
        self._number += 1
        letter = msgpack.encode(_letter(self._node, self._number, round(time.time() * 1000), publication))
        topic = publication.topic
        return ("PUBLISH", self._seal.prefix + topic, self._seal.seal(topic, letter))


def _letter(node: str, number: int, at: int, whole: Publication) -> _Letter:
    """What is numbered can be read from the database, and travels only where it is small."""
    numbers = (whole.after, whole.head)
    if whole.head > whole.after and len(whole.event) + len(whole.description) > LARGEST:
        return _Letter(node, number, at, b"", b"", (), (), *numbers, ())
    return _Letter(
        node, number, at, whole.event, whole.description, whole.joined, whole.left, *numbers, whole.ended
    )


def _publication(topic: str, letter: _Letter) -> Publication:
    return Publication(
        topic=topic,
        event=letter.event,
        joined=letter.joined,
        left=letter.left,
        head=letter.head,
        ended=letter.ended,
        after=letter.after,
        description=letter.description,
    )


def _settle(confirmed: asyncio.Future[None]) -> None:
    if not confirmed.done():
        confirmed.set_result(None)
