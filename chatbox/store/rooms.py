"""Rooms and memberships: what they are, who is in them, how far each has read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatbox.errors import Conflict
from chatbox.rules.access import Access
from chatbox.store.base import Batch, Row, Steps, one
from chatbox.store.users import next_mine

_SHARED = (
    "r.id, r.kind, r.name, r.topic, r.head, r.rev, r.posts, r.members, r.posted_at, r.archived_at,"
    " r.general, r.people"
)
_OWN = (
    "s.role, s.read_seq, s.read_posts, s.hidden_posts,"
    " (SELECT count(*) FROM mentions x WHERE x.user = s.user AND x.room = s.room AND x.seq > s.read_seq)"
)

_ACCESS, _ACCESS_IN_SESSION = (
    "SELECT r.kind, r.general, r.archived_at IS NOT NULL, s.role, u.role = 'admin',"
    f" u.state = 'active'{stands} FROM users u LEFT JOIN rooms r ON r.id = ?"
    " LEFT JOIN memberships s ON s.user = u.id AND s.room = r.id AND s.left_at IS NULL WHERE u.id = ?"
    for stands in ("", " AND EXISTS (SELECT 1 FROM sessions t WHERE t.id = ? AND t.user = u.id)")
)
# The same, and nobody else can shut the user out until the transaction ends.
ACCESS_KEPT = {sql: f"{sql} /* kept */" for sql in (_ACCESS, _ACCESS_IN_SESSION)}


def access(room: int, user: int, session: int = 0, *, kept: bool = False) -> Steps[Access]:
    """Where a user stands towards a room; with a session, whether that sign-in still stands too. `kept`: the
    account stays active until the transaction, which writes, has ended."""
    sql, asked = (_ACCESS_IN_SESSION, (session,)) if session else (_ACCESS, ())
    rows = yield one(ACCESS_KEPT[sql] if kept else sql, *asked, room, user)
    if not rows:
        return Access(None, False, False, None, False, False)
    kind, general, archived, role, admin, active = rows[0]
    return Access(kind, bool(general), bool(archived), role, bool(admin), bool(active))


def _describe(row: Row) -> dict[str, Any]:
    id, kind, name, topic, head, rev, posts, count, at, archived, general, people = row
    room = {
        "id": id,
        "kind": kind,
        "name": name,
        "head": head,
        "rev": rev,
        "posts": posts,
        "at": at,
        "count": count,
    }
    room["topic"] = topic
    room["archived"] = archived
    if general:
        room["general"] = True
    if people:
        room["users"] = [int(user) for user in people.split(",")]
    return room


def _personal(row: Row, posts: int) -> dict[str, Any]:
    role, read, read_posts, hidden, mentions = row
    own = {
        "member": True,
        "role": role,
        "read": read,
        "unread": max(0, posts - read_posts),
        "mentions": mentions,
    }
    own["hidden"] = hidden == posts
    return own


def description(room: int) -> Steps[dict[str, Any]]:
    """The part of a room's description that is the same for everybody."""
    rows = yield one(f"SELECT {_SHARED} FROM rooms r WHERE r.id = ?", room)
    return _describe(rows[0])


def _mine_of(row: Row) -> dict[str, Any]:
    shared = _describe(row[:12])
    return shared | _personal(row[12:], shared["posts"])


def of_user(user: int) -> Steps[list[dict[str, Any]]]:
    """Every room the user is in now, described with what is the user's own."""
    rows = yield one(
        f"SELECT {_SHARED}, {_OWN} FROM memberships s JOIN rooms r ON r.id = s.room"
        " WHERE s.user = ? AND s.left_at IS NULL",
        user,
    )
    return [_mine_of(row) for row in rows]


def of_user_one(room: int, user: int) -> Steps[dict[str, Any]]:
    """One room as its member sees it; as a stranger does where the user is none."""
    rows = yield one(
        f"SELECT {_SHARED}, {_OWN} FROM memberships s JOIN rooms r ON r.id = s.room"
        " WHERE s.user = ? AND s.room = ? AND s.left_at IS NULL",
        user,
        room,
    )
    if rows:
        return _mine_of(rows[0])
    return (yield from description(room)) | {"member": False}


def ids_of_user(user: int) -> Steps[list[int]]:
    """The ids of the rooms the user is in now."""
    rows = yield one("SELECT room FROM memberships WHERE user = ? AND left_at IS NULL", user)
    return [row[0] for row in rows]


def joinable(user: int) -> Steps[list[dict[str, Any]]]:
    """The public rooms that the user could join."""
    rows = yield one(
        f"SELECT {_SHARED} FROM rooms r WHERE r.kind = 'public' AND r.archived_at IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM memberships s WHERE s.user = ? AND s.room = r.id AND s.left_at IS NULL)",
        user,
    )
    return [_describe(row) | {"member": False} for row in rows]


def public() -> Steps[list[dict[str, Any]]]:
    """Every public room, archived ones last."""
    rows = yield one(
        f"SELECT {_SHARED} FROM rooms r WHERE r.kind = 'public'"
        " ORDER BY r.archived_at IS NOT NULL, r.general DESC, r.name_key, r.name"
    )
    return [_describe(row) for row in rows]


def numbers() -> Steps[dict[str, int]]:
    """How many private and direct rooms there are."""
    rows = yield one("SELECT kind, count(*) FROM rooms WHERE kind <> 'public' GROUP BY kind")
    return {"private": 0, "direct": 0} | dict(rows)


def heads_of_user(user: int) -> Steps[dict[str, int]]:
    """The head of each room the user is in now."""
    rows = yield one(
        "SELECT r.id, r.head FROM memberships s JOIN rooms r ON r.id = s.room"
        " WHERE s.user = ? AND s.left_at IS NULL",
        user,
    )
    return {str(room): head for room, head in rows}


def members(room: int) -> Steps[list[dict[str, Any]]]:
    """Who is in a room now."""
    rows = yield one(
        "SELECT user, role FROM memberships INDEXED BY memberships_room WHERE room = ? AND left_at IS NULL",
        room,
    )
    return [{"user": user, "role": role} for user, role in rows]


def general() -> Steps[int]:
    """The id of the room that everybody is in."""
    ((room,),) = yield one("SELECT id FROM rooms WHERE general = 1")
    return int(room)


def create(
    batch: Batch,
    kind: str,
    name: str,
    key: str | None,
    topic: str,
    user: int,
    nonce: str | None,
    people: str | None,
) -> Steps[int]:
    """Make a room without members. Raises `Conflict` where the name is taken; returns its id."""
    if key is not None and (yield one("SELECT 1 FROM rooms WHERE name_key = ?", key)):
        raise Conflict("There is a room of that name already.", field="name")
    ((room,),) = yield one(
        "INSERT INTO rooms (kind, name, name_key, topic, made_by, nonce, people, created_at, posted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        kind, name, key, topic, user, nonce, people, batch.now, batch.now,
    )  # fmt: skip
    rev = yield from batch.advance(room)
    yield one("UPDATE rooms SET rev = ? WHERE id = ?", rev, room)
    batch.settings(room)
    return int(room)


def by_nonce(user: int, nonce: str) -> Steps[int | None]:
    """The room that this user made with this nonce."""
    rows = yield one("SELECT id FROM rooms WHERE made_by = ? AND nonce = ?", user, nonce)
    return rows[0][0] if rows else None


def by_people(people: str) -> Steps[int | None]:
    """The direct room of exactly these people."""
    rows = yield one("SELECT id FROM rooms WHERE people = ?", people)
    return rows[0][0] if rows else None


def update(
    batch: Batch, room: int, name: str, key: str | None, topic: str, archived: int | None
) -> Steps[None]:
    """Set a room's settings. Raises `Conflict` where the name is taken."""
    if key is not None and (yield one("SELECT 1 FROM rooms WHERE name_key = ? AND id <> ?", key, room)):
        raise Conflict("There is a room of that name already.", field="name")
    rev = yield from batch.advance(room)
    yield one(
        "UPDATE rooms SET name = ?, name_key = ?, topic = ?, archived_at = ?, rev = ? WHERE id = ?",
        name, key, topic, archived, rev, room,
    )  # fmt: skip
    batch.settings(room)


def settings(room: int) -> Steps[tuple[str, str | None, str, int | None]]:
    """Name, name key, topic and archival time of a room."""
    ((name, key, topic, archived),) = yield one(
        "SELECT name, name_key, topic, archived_at FROM rooms WHERE id = ?", room
    )
    return name, key, topic, archived


def role_of(room: int, user: int) -> Steps[str | None]:
    """The role of a member; None for who is none."""
    rows = yield one(
        "SELECT role FROM memberships WHERE user = ? AND room = ? AND left_at IS NULL", user, room
    )
    return rows[0][0] if rows else None


def owners(room: int) -> Steps[list[int]]:
    """The owners of a room."""
    return [member["user"] for member in (yield from members(room)) if member["role"] == "owner"]


def add_member(batch: Batch, room: int, user: int, role: str = "member") -> Steps[None]:
    """Put a user into a room, with everything so far read; one who is in it stays as is.

    Publishes the personal `room` event. Rights are the caller's affair."""
    if (yield from role_of(room, user)) is not None:
        return
    rev = yield from batch.advance(room)
    ((posts,),) = yield one("UPDATE rooms SET members = members + 1 WHERE id = ? RETURNING posts", room)
    yield one(
        "INSERT INTO memberships (room, user, role, rev, read_seq, read_posts, joined_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user, room) DO UPDATE SET role = excluded.role, rev = excluded.rev,"
        " read_seq = excluded.read_seq, read_posts = excluded.read_posts, hidden_posts = NULL,"
        " joined_at = excluded.joined_at, left_at = NULL",
        room, user, role, rev, rev, posts, batch.now,
    )  # fmt: skip
    batch.member(room, user, rev, role)
    batch.joined.add(user)
    yield from announce(batch, room, user)


def announce(batch: Batch, room: int, user: int) -> Steps[dict[str, Any]]:
    """Publish a room to one of its members, with what is the member's own; returns the description."""
    mine = yield from next_mine(user)
    described = yield from of_user_one(room, user)
    batch.publish(f"user:{user}", {"ev": "room", "room": described, "mine": mine})
    return described


def remove_member(batch: Batch, room: int, user: int) -> Steps[None]:
    """Take a user out of a room; the row stays. Its last owner hands it on. Rights: the caller's affair."""
    role = yield from role_of(room, user)
    if role is None:
        return
    rev = yield from batch.advance(room)
    yield one("UPDATE rooms SET members = members - 1 WHERE id = ?", room)
    yield one(
        "UPDATE memberships SET rev = ?, left_at = ? WHERE user = ? AND room = ?", rev, batch.now, user, room
    )
    yield one("DELETE FROM mentions WHERE user = ? AND room = ?", user, room)
    batch.member(room, user, rev, None)
    mine = yield from next_mine(user)
    batch.publish(f"user:{user}", {"ev": "room.gone", "room": room, "mine": mine})
    if role == "owner":
        yield from _hand_over(batch, room)


def _hand_over(batch: Batch, room: int) -> Steps[None]:
    """Where nobody owns a room any more, make the one its owner who is longest in it and not shut out."""
    if (yield from owners(room)) or room == (yield from general()):
        return
    rows = yield one(
        "SELECT m.user FROM memberships m INDEXED BY memberships_room JOIN users u ON u.id = m.user"
        " WHERE m.room = ? AND m.left_at IS NULL ORDER BY u.state <> 'active', m.joined_at, m.user LIMIT 1",
        room,
    )
    if rows:
        yield from set_role(batch, room, rows[0][0], "owner")


def close_lonely(batch: Batch, user: int) -> Steps[None]:
    """Archive the direct rooms of somebody who was removed where fewer than two people are left to talk."""
    rows = yield one(
        "SELECT s.room FROM memberships s JOIN rooms r ON r.id = s.room"
        " WHERE s.user = ? AND s.left_at IS NULL AND r.kind = 'direct' AND r.archived_at IS NULL AND 2 >"
        " (SELECT count(*) FROM memberships o JOIN users u ON u.id = o.user"
        " WHERE o.room = s.room AND o.left_at IS NULL AND u.state <> 'deleted')",
        user,
    )
    for (room,) in rows:
        yield from update(batch, room, "", None, "", batch.now)


def set_role(batch: Batch, room: int, user: int, role: str) -> Steps[None]:
    """Give a member another role."""
    rev = yield from batch.advance(room)
    yield one("UPDATE memberships SET role = ?, rev = ? WHERE user = ? AND room = ?", role, rev, user, room)
    batch.member(room, user, rev, role)
    yield from announce(batch, room, user)


def set_read(batch: Batch, room: int, user: int, seq: int, backwards: bool) -> Steps[dict[str, Any]]:
    """Set a read position, forwards only unless told otherwise; beyond the last message means all.

    Gives what `position` gives and publishes it to the user where it changed."""
    ((head, old),) = yield one(
        "SELECT r.head, s.read_seq FROM rooms r JOIN memberships s ON s.room = r.id"
        " WHERE r.id = ? AND s.user = ?",
        room,
        user,
    )
    seq = min(seq, head)
    if seq > old or (backwards and seq < old):
        rows = yield one(
            "SELECT post FROM messages WHERE room = ? AND seq <= ? ORDER BY seq DESC LIMIT 1", room, seq
        )
        posts = rows[0][0] if rows else 0
        yield one(
            "UPDATE memberships SET read_seq = ?, read_posts = ?"
            " WHERE user = ? AND room = ? AND read_seq = ?",
            seq, posts, user, room, old,
        )  # fmt: skip
        yield from tell_position(batch, room, user)
    return (yield from position(room, user))


def position(room: int, user: int) -> Steps[dict[str, Any]]:
    """`{"room", "read", "unread", "mentions", "head"}` of a member; the counts are those at `head`."""
    described = yield from of_user_one(room, user)
    return {"room": room, **{key: described[key] for key in ("read", "unread", "mentions", "head")}}


def tell_position(batch: Batch, room: int, user: int) -> Steps[None]:
    """Publish a member's counts to all devices of that member."""
    mine = yield from next_mine(user)
    batch.publish(f"user:{user}", {"ev": "read", **(yield from position(room, user)), "mine": mine})


def hide(batch: Batch, room: int, user: int, hidden: bool) -> Steps[dict[str, Any]]:
    """Hide a room from its member's list until the next post, or show it again; returns the description."""
    yield one(
        "UPDATE memberships SET hidden_posts = CASE WHEN ? THEN (SELECT posts FROM rooms WHERE id = ?) END"
        " WHERE user = ? AND room = ?",
        hidden, room, user, room,
    )  # fmt: skip
    return (yield from announce(batch, room, user))


def all_exist(users: Sequence[int]) -> Steps[bool]:
    """Whether all of these are active users."""
    for user in users:
        if not (yield one("SELECT 1 FROM users WHERE id = ? AND state = 'active'", user)):
            return False
    return True
