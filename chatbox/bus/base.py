"""What carries committed changes to everybody who listens, on this node and on others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct


class Publication(Struct, frozen=True, gc=False):
    """One event for a topic (`room:7`, `user:3`, `all`), and what it does to the hubs.

    `event` is the JSON that goes to clients, empty where there is none. A hub applies `joined` and `left`
    (user ids, of a room's topic) before it delivers the event, so whoever left gets nothing more; after it
    goes `description`, the room's as an event, where that changed. `ended` are sessions of a user's topic
    whose connections close; -1 means all.

    What is numbered tells everything that changed in (`after`, `head`] of its topic: by a room's numbers, by
    `mine` of a user, by the number of the list of people; without an event it tells only that something did.
    Where both are the same it tells of no change, and is for those only who know all up to there. Without a
    number, both are 0.
    """

    topic: str
    event: bytes = b""
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    head: int = 0
    ended: tuple[int, ...] = ()
    after: int = 0
    description: bytes = b""


Receiver = Callable[[Publication], None]


class Bus(Protocol):
    """At most once, in the order of each publisher. Whoever misses one sees it by the numbers, and asks."""

    async def start(self, receiver: Receiver) -> None:
        """Begin: every publication of a subscribed topic is handed to the receiver."""
        ...

    def publish(self, publications: list[Publication]) -> None:
        """Send, in this order. Never raises and never waits: publishing cannot fail a post."""
        ...

    async def subscribe(self, topics: list[str]) -> None:
        """Listen to topics; done when the other side has confirmed."""
        ...

    def unsubscribe(self, topics: list[str]) -> None:
        """Listen no more."""
        ...

    async def close(self) -> None:
        """Send what is waiting, where that takes no longer than two seconds, and end."""
        ...
