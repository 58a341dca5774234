"""The order in which a node of a cluster delivers what all nodes publish.

Each topic has its position here: what is numbered at or below it was delivered, the next is delivered, and
what is further ahead waits a moment for its predecessors, which another node may be about to publish. Then
what is missing is read from the database, once, and delivered as one. Own commits go the same way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, json

from chatbox.bus.base import Bus, Publication, Receiver
from chatbox.errors import ChatboxError, Unavailable
from chatbox.live.hub import Hub
from chatbox.live.missing import Missing, gap
from chatbox.store import heads
from chatbox.store.base import Store
from chatbox.tasks import cancel_all

log = logging.getLogger("chatbox.follower")

PATIENCE = 0.05  # seconds for which a predecessor is waited for
_AGAIN = 1.0  # seconds until what could not be read is read again
_READS = 8  # at once
_MOST_EARLY = 1000  # publications of one topic
_ROOM_EVENT = b'{"ev":"room",'


class _Room(Struct):
    id: int
    head: int
    member: bool = False


class _RoomEvent(Struct):
    """As much of a `room` event as says who may hear what."""

    room: _Room


class _Place:
    """How far one topic was followed."""

    __slots__ = ("begun", "busy", "early", "idle", "known", "pins", "position", "timer")

    def __init__(self, position: int | None = None) -> None:
        self.position = position  # None: it is being read where to begin
        self.begun: asyncio.Future[bool] | None = None  # with whether it could be read
        self.early: list[Publication] = []  # what has to wait
        self.known = 0  # the number that the database was seen with
        self.busy = False  # what is missing is being read
        self.timer: asyncio.TimerHandle | None = None  # then it is to be read
        self.pins = 0  # of those who need it though nobody listens yet
        self.idle = False  # nobody listened at the last look


class Follower:
    """`bus.base.Bus` between the bus of a cluster and a node's hub. Only what somebody here listens to is
    followed; of other numbered topics nothing is delivered, not to anybody who watches the hub either."""

    def __init__(self, bus: Bus, hub: Hub, store: Store, people_rev: int, patience: float = PATIENCE) -> None:
        """`people_rev` is the number of the list of people that this node has read."""
        self._bus = bus
        self._hub = hub
        self._store = store
        self._patience = patience
        self._receiver: Receiver = hub.receive
        self._missing = Missing(store, hub, self.subscribe, self._position)
        self._desks: dict[str, Receiver] = {}
        self._places: dict[str, _Place] = {"all": _Place(people_rev)}
        self._turns = asyncio.Semaphore(_READS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._doubtful: set[str] = set()  # of users whose rooms could not be read when they changed
        self.repaired = 0  # times that something was missing

    # -- the bus -------------------------------------------------------------------------------------------

    def open_desk(self, topic: str, receiver: Receiver) -> None:
        """Hand over what comes for a topic of the nodes themselves. To be called before the start."""
        self._desks[topic] = receiver

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        await self._bus.start(self._take)
        await self._bus.subscribe(["all", *self._desks])

    def publish(self, publications: list[Publication]) -> None:
        self._bus.publish(publications)
        for publication in publications:
            self._take_own(publication)

    async def subscribe(self, topics: list[str]) -> None:
        """Done when each of these has its position: what is read from now on is not older, and everything
        above it is delivered. Raises `Unavailable` where the database could not be read."""
        fresh = [topic for topic in topics if topic not in self._places]
        for topic in fresh:
            self._places[topic] = place = _Place()
            place.begun = asyncio.get_running_loop().create_future()
        if fresh:
            self._do(self._begin(fresh))  # others may come to wait for it, whatever becomes of this caller
        with self._pinned(topics) as places:
            await self._bus.subscribe(topics)
            for topic, place in places.items():
                begun = place.begun is None or await asyncio.shield(place.begun)
                if not begun or self._places.get(topic) is not place:
                    raise Unavailable("Your rooms could not be read just now. Try again.")

    def unsubscribe(self, topics: list[str]) -> None:
        for topic in topics:
            place = self._places.pop(topic, None)
            if place is not None and place.timer is not None:
                place.timer.cancel()
        self._bus.unsubscribe(topics)

    async def close(self) -> None:
        for place in self._places.values():
            if place.timer is not None:
                place.timer.cancel()
        await cancel_all(self._tasks)
        await self._bus.close()

    # -- beginning -----------------------------------------------------------------------------------------

    async def _begin(self, topics: list[str]) -> None:
        places = {topic: self._places[topic] for topic in topics}
        numbers: dict[str, int] | None = None
        try:
            await self._bus.subscribe(topics)
            numbers = await self._store.read(heads.numbers(topics))
        except ChatboxError as error:
            log.debug("where to begin could not be read: %s", error)
        finally:
            for topic, place in places.items():
                begun, place.begun = place.begun, None
                if begun is not None:
                    begun.set_result(numbers is not None)
                if self._places.get(topic) is not place:
                    continue
                if numbers is None:
                    self.unsubscribe([topic])
                    continue
                place.position = numbers.get(topic, 0)
                self._offer_early(topic, place)

    @contextmanager
    def _pinned(self, topics: list[str]) -> Iterator[dict[str, _Place]]:
        places = {topic: self._places[topic] for topic in topics}
        for place in places.values():
            place.pins += 1
        try:
            yield places
        finally:
            for place in places.values():
                place.pins -= 1

    # -- the order -----------------------------------------------------------------------------------------

    def _take(self, publication: Publication) -> None:
        desk = self._desks.get(publication.topic)
        place = self._places.get(publication.topic)
        if desk is not None:
            desk(publication)
        elif not publication.head:
            self._deliver(publication)
        elif place is not None:
            self._offer(publication, place)

    def _take_own(self, publication: Publication) -> None:
        """Somebody here may come into a room that nobody here listened to."""
        topic = publication.topic
        if (
            publication.joined
            and topic not in self._places
            and any(map(self._hub.of_user, publication.joined))
        ):
            self._places[topic] = place = _Place(publication.after)
            self._offer(publication, place)
            place.busy = True  # what the others did since is read once their publications arrive
            self._do(self._enter(topic, place))
            return
        self._take(publication)

    def _offer(self, publication: Publication, place: _Place) -> None:
        if place.position is None or place.busy:
            self._keep(publication, place)
        elif publication.head == publication.after:
            if publication.head <= place.position:
                self._deliver(publication)
        elif publication.head > place.position:
            if publication.after > place.position:
                self._keep(publication, place)
                self._wait(publication.topic, place, self._patience)
            elif publication.event:
                place.position = publication.head
                self._deliver(publication)
                if place.early:
                    self._offer_early(publication.topic, place)
            else:  # too large to travel
                self._repair(publication.topic, place)

    def _keep(self, publication: Publication, place: _Place) -> None:
        if len(place.early) < _MOST_EARLY:
            place.early.append(publication)
        place.known = max(place.known, publication.head)

    def _offer_early(self, topic: str, place: _Place) -> None:
        early, place.early = sorted(place.early, key=lambda each: (each.after, each.head)), []
        for publication in early:
            self._offer(publication, place)
        if place.position is not None and place.known > place.position and not place.busy:
            self._wait(topic, place, self._patience)
        elif place.timer is not None:
            place.timer.cancel()
            place.timer = None

    def _wait(self, topic: str, place: _Place, seconds: float) -> None:
        if place.timer is None:
            place.timer = asyncio.get_running_loop().call_later(seconds, self._late, topic, place)

    def _reach(self, topic: str, place: _Place, number: int) -> None:
        """The topic has come as far as this: what is between may be on its way."""
        place.known = max(place.known, number)
        self._wait(topic, place, self._patience)

    def _late(self, topic: str, place: _Place) -> None:
        place.timer = None
        if place.position is not None and place.known > place.position:
            self._repair(topic, place)

    def _deliver(self, publication: Publication) -> None:
        try:
            self._receiver(publication)
        except Exception:
            log.exception("a publication for %s could not be delivered", publication.topic)
        if publication.event.startswith(_ROOM_EVENT) and publication.topic.startswith("user:"):
            # The room's own publication, which lets its members in, may follow in this very turn.
            asyncio.get_running_loop().call_soon(self._see_member, publication)

    # -- what is missing -----------------------------------------------------------------------------------

    def _repair(self, topic: str, place: _Place) -> None:
        if not place.busy and place.position is not None:
            place.busy = True
            self._do(self._catch_up(topic, place))

    async def _enter(self, topic: str, place: _Place) -> None:
        await self._bus.subscribe([topic])
        await self._catch_up(topic, place)

    async def _catch_up(self, topic: str, place: _Place) -> None:
        """Deliver what is missing of a place that is `busy`, and then go on in order."""
        covered, place.early = place.early, []  # was committed before it was published
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
        position = place.position or 0
        try:
            async with self._turns:
                missing = await self._missing.of(topic, position)
        except ChatboxError as error:
            log.debug("what is missing of %s could not be read: %s", topic, error)
            place.early += covered
            self._wait(topic, place, _AGAIN)
            return
        finally:
            place.busy = False
        if self._places.get(topic) is not place:
            return
        if missing is not None and missing.head > position:
            self.repaired += 1
            place.position = missing.head
            self._deliver(missing)
        place.known = max((each.head for each in place.early), default=0)
        self._offer_early(topic, place)

    def _see_member(self, publication: Publication) -> None:
        """Somebody came into a room on another node."""
        user = int(publication.topic.partition(":")[2])
        room = json.decode(publication.event, type=_RoomEvent).room
        if not room.member or all(room.id in connection.rooms for connection in self._hub.of_user(user)):
            return
        place = self._places.get(f"room:{room.id}")
        if place is None or place.position is None or place.position >= room.head:
            self._do(self._admit(user, room.id))
        else:
            self._reach(f"room:{room.id}", place, room.head)

    async def _admit(self, user: int, room: int) -> None:
        topic = f"room:{room}"
        try:
            await self.subscribe([topic])
            with self._pinned([topic]) as places:
                if await self._missing.is_member(room, user) and self._places.get(topic) is places[topic]:
                    head = places[topic].position or 0
                    self._hub.admit(user, room, head, gap(room, head))
        except ChatboxError as error:
            log.debug("whether user %d came into room %d could not be read: %s", user, room, error)
            self._doubtful.add(f"user:{user}")

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("following failed", exc_info=error)

    # -- comparing with the database -----------------------------------------------------------------------

    def positions(self) -> dict[str, int]:
        """The position of each topic that is followed."""
        return {topic: place.position for topic, place in self._places.items() if place.position is not None}

    def _position(self, topic: str) -> int | None:
        place = self._places.get(topic)
        return None if place is None else place.position

    def compare(self, before: Mapping[str, int], found: Mapping[str, int]) -> dict[str, int]:
        """Follow up what the database is ahead in. `found` are its numbers, read after the positions `before`
        were taken. Gives the positions that it is behind of, which no history of it explains."""
        for topic in self._doubtful & self._places.keys():
            self._repair(topic, self._places[topic])
        self._doubtful.clear()
        for topic, number in found.items():
            place = self._places.get(topic)
            if place is not None and place.position is not None and number > place.position:
                self._reach(topic, place, number)
        return {topic: position for topic, position in before.items() if found.get(topic, 0) < position}

    def forget_unheard(self) -> None:
        """Stop following what nobody here listened to at the last look and now."""
        gone = []
        for topic, place in self._places.items():
            if topic == "all" or place.pins or place.busy or place.timer or self._is_heard(topic):
                place.idle = False
            elif place.idle:
                gone.append(topic)
            else:
                place.idle = True
        self.unsubscribe(gone)

    def reset(self, people_rev: int) -> None:
        """The history is another one: nothing that was followed counts."""
        self.unsubscribe([topic for topic in self._places if topic != "all"])
        self._places["all"] = _Place(people_rev)

    def _is_heard(self, topic: str) -> bool:
        kind, _, number = topic.partition(":")
        return bool(self._hub.crowd(int(number)) if kind == "room" else self._hub.of_user(int(number)))
