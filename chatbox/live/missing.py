"""What a node has missed of a topic, read from the database and put as one publication."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from chatbox.bus.base import Publication
from chatbox.live.hub import Hub
from chatbox.live.publisher import of_room
from chatbox.protocol import events
from chatbox.store import heads, rooms
from chatbox.store.base import Store

MOST = 500  # messages that are sent to everybody; beyond that each client asks for what it needs
MOST_BYTES = 256 * 1024

Follow = Callable[[list[str]], Awaitable[None]]
Position = Callable[[str], int | None]


def gap(room: int, head: int) -> bytes:
    """An event that tells of no change: whoever is below this head asks."""
    return events.messages(room, head, head, ())


class Missing:
    """Reads for one node. Each gives None where nothing is missing, and raises `Unavailable`."""

    def __init__(self, store: Store, hub: Hub, follow: Follow, position: Position) -> None:
        """`follow` is done when these topics are followed, each from its `position`."""
        self._store = store
        self._hub = hub
        self._follow = follow
        self._position = position

    async def of(self, topic: str, position: int) -> Publication | None:
        """All that is missing above a position."""
        kind, _, number = topic.partition(":")
        if kind == "room":
            return await self._of_room(int(number), position)
        if kind == "user":
            return await self._of_user(int(number), position)
        return await self._of_all(position)

    async def is_member(self, room: int, user: int) -> bool:
        """Whether a user is in a room; nothing that this node has applied is newer than the answer."""
        while True:
            generation = self._hub.generation(user)
            role = await self._store.read(rooms.role_of(room, user))
            if self._hub.generation(user) == generation:
                return role is not None

    async def _of_room(self, room: int, position: int) -> Publication | None:
        found = await self._store.read(heads.room_since(room, position, MOST))
        if found.head <= position:
            return None
        whole = of_room(room, position, found.head, found.messages, found.members, found.description)
        if len(found.messages) <= MOST and len(whole.event) <= MOST_BYTES:
            return whole
        return Publication(
            whole.topic,
            gap(room, found.head),
            whole.joined,
            whole.left,
            found.head,
            after=position,
            description=whole.description,
        )

    async def _of_user(self, user: int, position: int) -> Publication:
        """The user's connections hear from now on exactly the rooms that are theirs; of a room that is new to
        them, where it stands, as a client may know an older state. The event tells only that something is
        missing, so that clients ask for a new snapshot."""
        while True:
            generation = self._hub.generation(user)
            before = await self._store.read(heads.own(user))
            await self._follow(_topics(before.rooms))
            now = await self._store.read(heads.own(user))
            positions = dict(zip(now.rooms, map(self._position, _topics(now.rooms)), strict=True))
            followed = {room: head for room, head in positions.items() if head is not None}
            same = set(before.rooms) == set(now.rooms) == followed.keys()
            if same and self._hub.generation(user) == generation:
                break
        for room in self._hub.restrict(user, followed):
            self._hub.admit(user, room, followed[room], gap(room, followed[room]))
        event = events.encode({"ev": "me", "me": now.me, "after": now.mine, "mine": now.mine})
        return Publication(f"user:{user}", event, head=now.mine, after=position)

    async def _of_all(self, position: int) -> Publication | None:
        number, people = await self._store.read(heads.people_since(position))
        if number <= position:
            return None
        event = {"ev": "people", "after": position, "people_rev": number, "people": people}
        return Publication("all", events.encode(event), head=number, after=position)


def _topics(ids: Iterable[int]) -> list[str]:
    return [f"room:{room}" for room in ids]
