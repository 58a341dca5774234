"""A committed batch as publications: what ends, people's own events, then each room's changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatbox.bus.base import Publication
from chatbox.model import Message
from chatbox.protocol import events
from chatbox.store.base import Committed

ALL_SESSIONS = -1


def publications(committed: Committed) -> list[Publication]:
    """What this batch has to tell, in the order in which it must be told.

    Sessions end first, so that nothing of the batch reaches them. A joining member's own events go before the
    rooms' changes, so that the member knows the room when they come; everybody else's come after, because a
    `room` event tells a head that must not be known before the messages up to it.
    """
    batch = committed.batch
    found = [
        Publication(f"user:{user}", ended=(ALL_SESSIONS if session is None else session,))
        for user, session in batch.ended
    ]
    first = {"all", *(f"user:{user}" for user in batch.joined)}
    own = [_own(topic, event) for topic, event in batch.events]
    found += [publication for publication in own if publication.topic in first]
    for room, changes in sorted(batch.rooms.items()):
        if changes.torn:  # what others did in between is in the database only
            found.append(Publication(f"room:{room}", head=changes.head, after=changes.after))
            continue
        messages, members = changes.messages.values(), list(changes.members.values())
        description = committed.descriptions.get(room)
        found.append(of_room(room, changes.after, changes.head, messages, members, description))
    return found + [publication for publication in own if publication.topic not in first]


def of_room(
    room: int,
    after: int,
    head: int,
    messages: Iterable[Message],
    members: list[dict[str, Any]],
    description: dict[str, Any] | None,
) -> Publication:
    """Everything that changed in (`after`, `head`] of a room; `members` as they are in a `messages` event."""
    return Publication(
        topic=f"room:{room}",
        event=events.messages(room, after, head, messages, members),
        joined=tuple(member["user"] for member in members if not member.get("left")),
        left=tuple(member["user"] for member in members if member.get("left")),
        head=head,
        after=after,
        description=b"" if description is None else events.encode({"ev": "room", "room": description}),
    )


def _own(topic: str, event: dict[str, Any]) -> Publication:
    """An event of a user's topic, or of everybody's; it has a number where it tells one of those changes."""
    head = event.get("mine") or event.get("people_rev") or 0
    return Publication(topic, events.encode(event), head=head, after=event.get("after", max(0, head - 1)))
