"""Pages of messages: as many as fit. They are read in portions, and no further than the page is full: a room
can be full of long texts, and what is read of those for nothing holds up everybody."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from msgspec import json

from chatbox.model import Message
from chatbox.store import messages
from chatbox.store.base import Steps

PAGE_BYTES = 256 * 1024
PORTION = 51  # rows of one statement: a page of the usual 50, and one that tells whether there are more


class Page(NamedTuple):
    """One message at least, where there is any. `more`: there are further ones beyond these."""

    messages: list[Message]
    more: bool
    size: int  # about the bytes on the wire; without `more`, of all of them


def older(room: int, before: int, limit: int, most: int = PAGE_BYTES) -> Steps[Page]:
    """The latest messages below this `seq`, ascending."""
    page = yield from _fill(
        lambda bound, count: _backwards(room, bound, count), attrgetter("seq"), before, limit, most
    )
    return page._replace(messages=page.messages[::-1])


def newer(room: int, after: int, limit: int, most: int = PAGE_BYTES) -> Steps[Page]:
    """The first messages above this `seq`, ascending."""
    return (
        yield from _fill(
            lambda bound, count: messages.after(room, bound, count), attrgetter("seq"), after, limit, most
        )
    )


def changed(room: int, after: int, limit: int, most: int = PAGE_BYTES) -> Steps[Page]:
    """The first messages whose latest change is above this `rev`, by `rev`."""
    return (
        yield from _fill(
            lambda bound, count: messages.changes(room, bound, count), attrgetter("rev"), after, limit, most
        )
    )


def _backwards(room: int, before: int, count: int) -> Steps[list[Message]]:
    return (yield from messages.before(room, before, count))[::-1]


def _fill(
    read: Callable[[int, int], Steps[list[Message]]],
    place: Callable[[Message], int],
    bound: int,
    limit: int,
    most: int,
) -> Steps[Page]:
    """`read` gives so many messages beyond a bound, which is the `place` of the last message before."""
    kept: list[Message] = []
    size = 0
    while True:
        count = min(PORTION, limit + 1 - len(kept))
        found = yield from read(bound, count)
        for message in found:
            if len(kept) == limit:
                return Page(kept, True, size)
            size += _size_of(message)
            if kept and size > most:
                return Page(kept, True, size)
            kept.append(message)
        if len(found) < count:
            return Page(kept, False, size)
        bound = place(found[-1])


def _size_of(message: Message) -> int:
    return len(json.encode(message)) + 1
