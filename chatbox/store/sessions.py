"""Sign-ins: of browsers, and bearer tokens. A token itself is never stored, only its hash."""

from __future__ import annotations

from typing import Any, NamedTuple

from chatbox.store.base import Batch, Steps, many, one

_COLUMNS = "id, user, kind, label, address, shared, created_at, used_at"


class Session(NamedTuple):
    """One sign-in as stored. `kind` is "browser" or "token"; `shared`: on a computer that others use too."""

    id: int
    user: int
    kind: str
    label: str
    address: str
    shared: int
    created_at: int
    used_at: int

    def shown(self, current: int) -> dict[str, Any]:
        """What its owner sees of it; `current` is the session that asks."""
        entry = {
            "id": self.id,
            "kind": self.kind,
            "label": self.label,
            "address": self.address,
            "created": self.created_at,
            "used": self.used_at,
        }
        return entry | ({"current": True} if self.id == current else {})


class SignIn(NamedTuple):
    """What a token stands for."""

    session: Session
    admin: bool
    bot: bool


def by_hash(token_hash: bytes) -> Steps[SignIn | None]:
    """The session of this token, where its account is active. Whether it is too old is up to the caller."""
    columns = ", ".join(f"sessions.{column}" for column in _COLUMNS.split(", "))
    rows = yield one(
        f"SELECT {columns}, users.role, users.kind FROM sessions JOIN users ON users.id = sessions.user"
        " WHERE token_hash = ? AND users.state = 'active'",
        token_hash,
    )
    if not rows:
        return None
    *session, role, kind = rows[0]
    return SignIn(Session(*session), role == "admin", kind == "bot")


def of_user(user: int) -> Steps[list[Session]]:
    """The latest used first."""
    rows = yield one(f"SELECT {_COLUMNS} FROM sessions WHERE user = ? ORDER BY used_at DESC, id DESC", user)
    return [Session(*row) for row in rows]


def browser_hash(session: int) -> Steps[bytes | None]:
    """What is stored of the token of a browser's sign-in; nobody but the server knows it."""
    rows = yield one("SELECT token_hash FROM sessions WHERE id = ? AND kind = 'browser'", session)
    return bytes(rows[0][0]) if rows else None


def owner(session: int) -> Steps[int]:
    """Whose it is; 0 where there is none."""
    rows = yield one("SELECT user FROM sessions WHERE id = ?", session)
    return int(rows[0][0]) if rows else 0


def counts() -> Steps[dict[int, int]]:
    """How many sessions each user has."""
    return dict((yield one("SELECT user, COUNT(*) FROM sessions GROUP BY user")))


def add(
    batch: Batch, user: int, token_hash: bytes, *, kind: str, label: str, address: str, shared: bool
) -> Steps[Session]:
    rows = yield one(
        "INSERT INTO sessions (user, kind, token_hash, label, address, shared, created_at, used_at)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        user,
        kind,
        token_hash,
        label,
        address,
        int(shared),
        batch.now,
        batch.now,
    )
    yield one("UPDATE users SET seen_at = ? WHERE id = ?", batch.now, user)
    return Session(*rows[0])


def touch(batch: Batch, sessions: list[int]) -> Steps[None]:
    """Note that these are in use now. A clock that was set back takes nothing of their time."""
    uses = [(batch.now, session) for session in sessions]
    later = [(*use, batch.now) for use in uses]
    yield many("UPDATE sessions SET used_at = ? WHERE id = ? AND used_at < ?", later)
    yield many("UPDATE users SET seen_at = ? WHERE id = (SELECT user FROM sessions WHERE id = ?)", uses)


def correct(*, later_than: int, now: int) -> Steps[None]:
    """What seems to be used in the future, because the clock was wrong then, counts as used now."""
    yield one("UPDATE sessions SET used_at = ? WHERE used_at > ?", now, later_than)


def end(batch: Batch, session: int, *, user: int) -> Steps[bool]:
    """End one session of this user and its connections. Returns whether there was one."""
    rows = yield one("DELETE FROM sessions WHERE id = ? AND user = ? RETURNING id", session, user)
    if rows:
        batch.end_sessions(user, session)
    return bool(rows)


def end_browser(batch: Batch, session: int) -> Steps[None]:
    """End the sign-in that a browser had before it signs in anew; a bearer token stays."""
    rows = yield one("DELETE FROM sessions WHERE id = ? AND kind = 'browser' RETURNING user", session)
    for (user,) in rows:
        batch.end_sessions(user, session)


def end_all(batch: Batch, user: int, *, but: int | None = None) -> Steps[None]:
    """End all sessions of this user, tokens too, and their connections; one may stay."""
    rows = yield one("DELETE FROM sessions WHERE user = ? AND id <> ? RETURNING id", user, but or 0)
    if but is None:
        batch.end_sessions(user)
        return
    for (session,) in rows:
        batch.end_sessions(user, session)


def end_unused(batch: Batch, *, before: int, shared_before: int) -> Steps[None]:
    """End what no browser used since these times; bearer tokens stay until they are revoked."""
    rows = yield one(
        "DELETE FROM sessions WHERE kind = 'browser' AND (used_at <= ? OR (shared = 1 AND used_at <= ?))"
        " RETURNING user, id",
        before,
        shared_before,
    )
    for user, session in rows:
        batch.end_sessions(user, session)
