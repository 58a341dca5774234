"""A committed batch as publications: what ends, people's own events, then each room's changes."""

from __future__ import annotations

from chatbox.bus.base import Publication
from chatbox.protocol import events
from chatbox.store.base import Committed, RoomChanges

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
    own = [Publication(topic, events.encode(event)) for topic, event in batch.events]
    found += [publication for publication in own if publication.topic in first]
    for room, changes in sorted(batch.rooms.items()):
        found.append(_room(room, changes))
        description = committed.descriptions.get(room)
        if description is not None:
            found.append(Publication(f"room:{room}", events.encode({"ev": "room", "room": description})))
    return found + [publication for publication in own if publication.topic not in first]


def _room(room: int, changes: RoomChanges) -> Publication:
    members = changes.members.values()
    return Publication(
        topic=f"room:{room}",
        event=events.messages(room, changes.after, changes.head, changes.messages.values(), members),
        joined=tuple(member["user"] for member in members if not member.get("left")),
        left=tuple(member["user"] for member in members if member.get("left")),
        head=changes.head,
    )
