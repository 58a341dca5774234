"""How far everything has come, for nodes that follow it: the numbers, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import json

from chatbox.model import Message
from chatbox.store import messages, rooms, users
from chatbox.store.base import Steps, one

_THESE = "(SELECT value FROM json_each(?))"


class RoomChanges(NamedTuple):
    """What a room is by now. `messages` are by `rev`, at most one more than was asked for; `members` as in a
    `messages` event."""

    head: int
    messages: list[Message]
    members: list[dict[str, Any]]
    description: dict[str, Any]


class Own(NamedTuple):
    """What is one person's own by now; `rooms` are the ids of those the person is in."""

    mine: int
    me: dict[str, Any]
    rooms: list[int]


class Heads(NamedTuple):
    """What a node compares itself with. `meta` is what the server knows of itself (`users.meta`)."""

    rooms: dict[int, int]
    mine: dict[int, int]
    active: set[int]  # of the users
    sessions: set[tuple[int, int]]  # that stand, each with its user
    meta: dict[str, Any]


def of_rooms(ids: Iterable[int]) -> Steps[dict[int, int]]:
    """The head of each of these rooms."""
    rows = yield one(f"SELECT id, head FROM rooms WHERE id IN {_THESE}", _listed(ids))
    return dict(rows)


def of_users(ids: Iterable[int]) -> Steps[dict[int, int]]:
    """The number of the latest change to what is each of these people's own."""
    rows = yield one(f"SELECT id, mine FROM users WHERE id IN {_THESE}", _listed(ids))
    return dict(rows)


def everything(
    room_ids: Iterable[int], user_ids: Iterable[int], sessions: Iterable[tuple[int, int]]
) -> Steps[Heads]:
    """The numbers of these rooms and people, and which of these sessions (each with its user) still stand."""
    wanted = set(sessions)
    heads = yield from of_rooms(room_ids)
    people = yield one(
        f"SELECT id, mine, state = 'active' FROM users WHERE id IN {_THESE}", _listed(user_ids)
    )
    found = yield one(
        f"SELECT id, user FROM sessions WHERE id IN {_THESE}", _listed(session for session, _ in wanted)
    )
    return Heads(
        heads,
        {user: mine for user, mine, _ in people},
        {user for user, _, active in people if active},
        wanted & {(session, user) for session, user in found},
        (yield from users.meta()),
    )


def room_since(room: int, after: int, most: int) -> Steps[RoomChanges]:
    """Everything in a room that changed above `after`, in its current state."""
    description = yield from rooms.description(room)
    changed = yield from messages.changes(room, after, most + 1)
    rows = yield one(
        "SELECT user, rev, role, left_at FROM memberships WHERE room = ? AND rev > ? ORDER BY rev",
        room,
        after,
    )
    members = [
        {"user": user, "rev": rev, **({"left": True} if left else {"role": role})}
        for user, rev, role, left in rows
    ]
    return RoomChanges(description["head"], changed, members, description)


def own(user: int) -> Steps[Own]:
    """Raises `NotFound`."""
    account = yield from users.account(user)
    return Own((yield from users.mine(user)), account.me(), (yield from rooms.ids_of_user(user)))


def people_since(after: int) -> Steps[tuple[int, list[dict[str, Any]]]]:
    """The number of the list of people, and those who changed above `after`."""
    rows = yield one("SELECT value FROM meta WHERE key = 'people_rev'")
    return int(rows[0][0]), (yield from users.people(after))


def numbers(topics: Collection[str]) -> Steps[dict[str, int]]:
    """The number of each topic: of a room, a user, or of everybody's, which is that of the list of people."""
    found = yield from of_rooms(of_kind(topics, "room"))
    mine = yield from of_users(of_kind(topics, "user"))
    rows = yield one("SELECT value FROM meta WHERE key = 'people_rev'")
    return by_topic(found, mine, int(rows[0][0]))


def renew_epoch(old: str, new: str, seen: Mapping[str, int]) -> Steps[bool]:
    """Give the history a new epoch where it still is the old one, and one of these topics really is behind
    the number that it was seen with. Returns whether it was done."""
    found = yield from numbers(seen)
    if all(found.get(topic, 0) >= number for topic, number in seen.items()):
        return False
    return bool(
        (yield one("UPDATE meta SET value = ? WHERE key = 'epoch' AND value = ? RETURNING key", new, old))
    )


def follow_marks(marks: Mapping[str, str], epoch: str) -> Steps[bool]:
    """Give the history this epoch where one of its marks (in `meta`) is another one than was noted; of those
    who see it at once one does. What nobody has noted yet is noted. Returns whether it was done."""
    known = yield from users.meta()
    changed = False
    for name, mark in marks.items():
        if name not in known:
            yield one("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", name, mark)
        elif known[name] != mark:
            swap = "UPDATE meta SET value = ? WHERE key = ? AND value = ? RETURNING key"
            changed = bool((yield one(swap, mark, name, known[name]))) or changed
    if changed:
        yield one("UPDATE meta SET value = ? WHERE key = 'epoch'", epoch)
    return changed


def forget_marks() -> Steps[None]:
    """The history goes on in another database."""
    yield one("DELETE FROM meta WHERE key IN ('timeline', 'system')")


def of_kind(topics: Iterable[str], kind: str) -> list[int]:
    """The ids of those topics that are of one kind, `room` or `user`."""
    return [int(topic[len(kind) + 1 :]) for topic in topics if topic.startswith(f"{kind}:")]


def by_topic(rooms: Mapping[int, int], mine: Mapping[int, int], people_rev: int) -> dict[str, int]:
    """Numbers by topic."""
    found = {f"room:{room}": head for room, head in rooms.items()}
    return found | {f"user:{user}": number for user, number in mine.items()} | {"all": people_rev}


def _listed(ids: Iterable[int]) -> str:
    return json.encode(sorted(ids)).decode()
