"""Messages: storing many posts at once, editing, deleting, and the reads by `seq` and by `rev`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from msgspec import UNSET, Raw, json

from chatbox.errors import ChatboxError, Invalid, NonceReused, NotFound
from chatbox.model import Draft, Message, Posted
from chatbox.rules.access import Access, may_post
from chatbox.rules.markup import VERSION
from chatbox.store import files, full_text, rooms
from chatbox.store.base import Batch, Row, Steps, many, one
from chatbox.store.integrity import message_crc

_COLUMNS = (
    "m.room, m.seq, m.rev, m.user, m.nonce, m.text, m.at, m.parts, m.mentions,"
    " m.edited_at, m.deleted_at, m.reply_to, m.files"
)
_INSERT = (
    "INSERT INTO messages (id, room, seq, rev, post, user, nonce, fingerprint, text, parts, parts_version,"
    " mentions, files, file_names, reply_to, at, crc)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

LAST_ID = "SELECT coalesce(max(id), 0) FROM messages"
SEARCH = (
    f"SELECT m.id, {_COLUMNS} FROM messages_text t CROSS JOIN messages m ON m.id = t.rowid"
    " WHERE messages_text MATCH ? AND t.rowid < ? AND m.deleted_at IS NULL AND (? IS NULL OR m.room = ?)"
    " AND m.room IN (SELECT s.room FROM memberships s WHERE s.user = ? AND s.left_at IS NULL)"
    " ORDER BY t.rowid DESC LIMIT ?"
)


def _raw(text: str | None) -> Raw:
    return Raw(text.encode()) if text else UNSET  # type: ignore[return-value]


def from_row(row: Row) -> Message:
    """A message from the columns of every read in this file."""
    room, seq, rev, user, nonce, text, at, parts, mentions, edited, deleted, reply_to, attached = row
    return Message(
        room, seq, rev, user, nonce, text, at,
        _raw(parts), _raw(mentions), edited, deleted, reply_to, _raw(attached),
    )  # fmt: skip


def fingerprint(draft: Draft) -> bytes:
    """Eight bytes over room and text, to tell a resend from a nonce that is used for something else."""
    return blake2b(f"{draft.room}\0{draft.text}".encode(), digest_size=8).digest()


class _Posts:
    """The posts of one batch on their way: what was looked up once, and what came of each draft."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        self.replies: list[Posted | ChatboxError | None] = [None] * len(drafts)
        self.access: dict[tuple[int, int, int], Access] = {}
        self.first: dict[tuple[int, str], int] = {}
        self.attached: dict[int, str] = {}
        self.accepted: list[int] = []


def post_many(batch: Batch, drafts: Sequence[Draft]) -> Steps[list[Posted | ChatboxError]]:
    """Store drafts in their order. Gives for each where it stands, or why it was refused.

    Resends are found first, within the batch too; rights are checked inside the transaction, because
    they may have changed since the draft was accepted; each room's counter is advanced once.
    """
    posts = _Posts(drafts)
    repeats: list[tuple[int, int]] = []
    for index, draft in enumerate(drafts):
        key = (draft.user, draft.nonce)
        if key in posts.first:
            repeats.append((index, posts.first[key]))
            continue
        posts.first[key] = index
        posts.replies[index] = yield from _known(draft)
        if posts.replies[index] is None:
            try:
                yield from _check(posts, index)
                posts.accepted.append(index)
            except ChatboxError as error:
                posts.replies[index] = error
    yield from _store(batch, posts)
    for index, original in repeats:
        posts.replies[index] = _repeated(posts, index, original)
    return [reply for reply in posts.replies if reply is not None]


def _known(draft: Draft) -> Steps[Posted | ChatboxError | None]:
    rows = yield one(
        "SELECT room, seq, at, fingerprint FROM messages WHERE user = ? AND nonce = ?",
        draft.user,
        draft.nonce,
    )
    if not rows:
        return None
    room, seq, at, known = rows[0]
    if known != fingerprint(draft):
        return _reused()
    return Posted(room, seq, seq, at, True)


def _reused() -> NonceReused:
    return NonceReused("This message's id belongs to another message. Send it anew.", field="nonce")


def _repeated(posts: _Posts, index: int, original: int) -> Posted | ChatboxError | None:
    reply = posts.replies[original]
    if isinstance(reply, Posted):
        if fingerprint(posts.drafts[index]) != fingerprint(posts.drafts[original]):
            return _reused()
        return Posted(reply.room, reply.seq, reply.rev, reply.at, True)
    return reply


def _check(posts: _Posts, index: int) -> Steps[None]:
    draft = posts.drafts[index]
    key = (draft.room, draft.user, draft.session)
    access = posts.access.get(key)
    if access is None:
        access = posts.access[key] = yield from rooms.access(*key, kept=True)
    may_post(access)
    if draft.reply_to is not None and not (
        yield one("SELECT 1 FROM messages WHERE room = ? AND seq = ?", draft.room, draft.reply_to)
    ):
        raise Invalid("The message that this replies to is not there.", field="reply_to")
    if draft.files:
        claimed = {name for other in posts.accepted for name in posts.drafts[other].files}
        if claimed & set(draft.files) or len(set(draft.files)) < len(draft.files):
            raise Invalid("A file can be sent only once.", field="files")
        described = yield from files.claim(draft.files, draft.user)
        posts.attached[index] = json.encode(described).decode()


def _store(batch: Batch, posts: _Posts) -> Steps[None]:
    if not posts.accepted:
        return
    counters = yield from _advance(batch, posts)
    ((last,),) = yield one(LAST_ID)
    rows, stored, own = [], [], {}
    for place, index in enumerate(posts.accepted):
        draft = posts.drafts[index]
        counters[draft.room][0] += 1
        counters[draft.room][1] += 1
        seq, post = counters[draft.room]
        named = (yield from _members(draft.room, draft.mentions)) if draft.mentions else []
        message = _new(draft, seq, batch.now, named, posts.attached.get(index))
        stored.append((last + 1 + place, message))
        rows.append(_values(last + 1 + place, message, post, draft))
        own[draft.room, draft.user] = (seq, post, draft.user, draft.room)
        batch.message(message)
        posts.replies[index] = Posted(draft.room, seq, seq, batch.now)
        if named:
            yield from _remember_mentions(draft.room, seq, named)
        if draft.files:
            yield from files.attach(draft.files, draft.room, seq)
    yield many(_INSERT, rows)
    yield from full_text.add(stored)
    yield many(
        "UPDATE memberships SET read_seq = ?, read_posts = ? WHERE user = ? AND room = ?", own.values()
    )


def _advance(batch: Batch, posts: _Posts) -> Steps[dict[int, list[int]]]:
    """Advance each room's counters once, rooms ascending; gives the last seq and post before this batch."""
    amounts: dict[int, int] = {}
    for index in posts.accepted:
        room = posts.drafts[index].room
        amounts[room] = amounts.get(room, 0) + 1
    counters = {}
    for room, amount in sorted(amounts.items()):
        ((head, count),) = yield one(
            "UPDATE rooms SET head = head + ?, posts = posts + ?, posted_at = ? WHERE id = ?"
            " RETURNING head, posts",
            amount,
            amount,
            batch.now,
            room,
        )
        batch.moved(room, head - amount, head)
        counters[room] = [head - amount, count - amount]
    return counters


def _new(draft: Draft, seq: int, now: int, named: list[int], attached: str | None) -> Message:
    return Message(
        room=draft.room,
        seq=seq,
        rev=seq,
        user=draft.user,
        nonce=draft.nonce,
        text=draft.text,
        at=now,
        parts=Raw(draft.parts) if draft.parts else UNSET,
        mentions=Raw(json.encode(named)) if named else UNSET,
        reply_to=draft.reply_to,
        files=_raw(attached),
    )


def _text_of(value: object) -> str | None:
    return bytes(value).decode() if isinstance(value, Raw) else None


def _values(id: int, message: Message, post: int, draft: Draft) -> tuple[object, ...]:
    parts, mentions, attached = _text_of(message.parts), _text_of(message.mentions), _text_of(message.files)
    crc = message_crc(
        message.room, message.seq, message.rev, message.user, message.nonce, message.text, message.at,
        None, None, message.reply_to, parts, mentions, attached,
    )  # fmt: skip
    return (
        id, message.room, message.seq, message.rev, post, message.user, message.nonce, fingerprint(draft),
        message.text, parts, VERSION if draft.parts else 0, mentions, attached, full_text.file_names(message),
        message.reply_to, message.at, crc,
    )  # fmt: skip


def _members(room: int, users: Sequence[int]) -> Steps[list[int]]:
    """Those of these users who are in the room now: only they are mentioned."""
    found = []
    for user in users:
        if (
            yield one("SELECT 1 FROM memberships WHERE user = ? AND room = ? AND left_at IS NULL", user, room)
        ):
            found.append(user)
    return found


def _remember_mentions(room: int, seq: int, users: Iterable[int]) -> Steps[None]:
    yield many(
        "INSERT INTO mentions (user, room, seq) VALUES (?, ?, ?)", [(user, room, seq) for user in users]
    )


def _change_mentions(batch: Batch, message: Message, named: Sequence[int]) -> Steps[None]:
    """Somebody else is mentioned now; whoever has not read so far is told the new counts."""
    room, seq = message.room, message.seq
    before = json.decode(message.mentions, type=list[int]) if isinstance(message.mentions, Raw) else []
    gone = [(user, room, seq) for user in before if user not in named]
    yield many("DELETE FROM mentions WHERE user = ? AND room = ? AND seq = ?", gone)
    yield from _remember_mentions(room, seq, (user for user in named if user not in before))
    for user in sorted({*before} ^ {*named}):
        if (
            yield one(
                "SELECT 1 FROM memberships WHERE user = ? AND room = ? AND left_at IS NULL AND read_seq < ?",
                user,
                room,
                seq,
            )
        ):
            yield from rooms.tell_position(batch, room, user)


def get(room: int, seq: int) -> Steps[Message | None]:
    """One message in its current state."""
    rows = yield one(f"SELECT {_COLUMNS} FROM messages m WHERE m.room = ? AND m.seq = ?", room, seq)
    return from_row(rows[0]) if rows else None


def of_author(user: int, after: str, limit: int) -> Steps[list[tuple[str, int, int]]]:
    """Messages of one person that are not deleted, as nonce, room and seq; by nonce, which is indexed, from
    the one after this."""
    rows = yield one(
        "SELECT nonce, room, seq FROM messages WHERE user = ? AND nonce > ? AND deleted_at IS NULL"
        " ORDER BY nonce LIMIT ?",
        user, after, limit,
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in rows]


def _stored(room: int, seq: int) -> Steps[tuple[int, Message]]:
    rows = yield one(f"SELECT {_COLUMNS}, m.id FROM messages m WHERE m.room = ? AND m.seq = ?", room, seq)
    if not rows:
        raise NotFound("That message is not there.")
    return rows[0][-1], from_row(rows[0][:-1])


def edit(
    batch: Batch, room: int, seq: int, text: str, parts: bytes | None, mentions: Sequence[int]
) -> Steps[Message]:
    """Set a message's text. The same text changes nothing. Rights are the caller's affair.

    Raises `NotFound` for a message that is not there or was deleted."""
    id, old = yield from _stored(room, seq)
    if old.deleted:
        raise NotFound("That message was deleted.")
    if old.text == text:
        return old
    named = yield from _members(room, mentions)
    rev = yield from batch.advance(room)
    yield from _change_mentions(batch, old, named)
    raw_parts = parts.decode() if parts else None
    raw_named = json.encode(named).decode() if named else None
    yield from full_text.change(id, old, text, full_text.file_names(old))
    crc = message_crc(
        room, seq, rev, old.user, old.nonce, text, old.at, batch.now, None, old.reply_to,
        raw_parts, raw_named, _text_of(old.files),
    )  # fmt: skip
    rows = yield one(
        "UPDATE messages SET rev = ?, text = ?, parts = ?, parts_version = ?, mentions = ?,"
        f" edited_at = ?, crc = ? WHERE id = ? RETURNING {_COLUMNS.replace('m.', '')}",
        rev, text, raw_parts, VERSION if parts else 0, raw_named, batch.now, crc, id,
    )  # fmt: skip
    batch.message(message := from_row(rows[0]))
    return message


def delete(batch: Batch, room: int, seq: int) -> Steps[Message]:
    """Empty a message for good; its place stays. A deleted one stays as it is."""
    id, old = yield from _stored(room, seq)
    if old.deleted:
        return old
    rev = yield from batch.advance(room)
    yield from _change_mentions(batch, old, ())
    yield from files.detach(room, seq)
    yield from full_text.change(id, old, "", "")
    crc = message_crc(
        room, seq, rev, old.user, old.nonce, "", old.at, old.edited, batch.now, old.reply_to, None, None, None
    )
    rows = yield one(
        "UPDATE messages SET rev = ?, text = '', parts = NULL, parts_version = 0, mentions = NULL,"
        " files = NULL, file_names = '', deleted_at = ?, crc = ?"
        f" WHERE id = ? RETURNING {_COLUMNS.replace('m.', '')}",
        rev, batch.now, crc, id,
    )  # fmt: skip
    batch.message(message := from_row(rows[0]))
    return message


def before(room: int, seq: int, limit: int) -> Steps[list[Message]]:
    """The latest messages below `seq`, ascending."""
    rows = yield one(
        f"SELECT {_COLUMNS} FROM messages m WHERE m.room = ? AND m.seq < ? ORDER BY m.seq DESC LIMIT ?",
        room, seq, limit,
    )  # fmt: skip
    return [from_row(row) for row in reversed(rows)]


def after(room: int, seq: int, limit: int) -> Steps[list[Message]]:
    """The first messages above `seq`, ascending."""
    rows = yield one(
        f"SELECT {_COLUMNS} FROM messages m WHERE m.room = ? AND m.seq > ? ORDER BY m.seq LIMIT ?",
        room, seq, limit,
    )  # fmt: skip
    return [from_row(row) for row in rows]


def changes(room: int, rev: int, limit: int) -> Steps[list[Message]]:
    """Every message whose latest change is above `rev`, by `rev`."""
    rows = yield one(
        f"SELECT {_COLUMNS} FROM messages m WHERE m.room = ? AND m.rev > ? ORDER BY m.rev LIMIT ?",
        room, rev, limit,
    )  # fmt: skip
    return [from_row(row) for row in rows]


def search(
    query: str, user: int, room: int | None, before_id: int, limit: int
) -> Steps[list[tuple[int, Message]]]:
    """Messages that match an FTS5 query in rooms the user is in now, newest first, with their ids."""
    rows = yield one(SEARCH, query, before_id, room, room, user, limit)
    return [(row[0], from_row(row[1:])) for row in rows]
