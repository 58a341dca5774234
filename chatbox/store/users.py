"""Accounts, the list of people, and what the server knows of itself."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import json, to_builtins

from chatbox.errors import Conflict, Forbidden, NotFound, SignedOut
from chatbox.model import Person
from chatbox.rules.tokens import digest
from chatbox.store.base import Batch, Steps, one

_COLUMNS = "id, name, full_name, status, kind, role, state, password, notice, created_at, seen_at"
SHUT_OUT = "UPDATE users SET state = 'disabled' WHERE id = ?"
NEXT_PEOPLE_REV = "UPDATE meta SET value = value + 1 WHERE key = 'people_rev' RETURNING value"
NO_PERSON = "There is no such person."


class Account(NamedTuple):
    """A user as stored. `password` in PHC form or None, `notice` JSON or None, times in milliseconds."""

    id: int
    name: str
    full_name: str
    status: str
    kind: str
    role: str
    state: str
    password: str | None
    notice: str | None
    created_at: int
    seen_at: int | None

    @property
    def active(self) -> bool:
        return self.state == "active"

    @property
    def shown_name(self) -> str:
        """The name for a sentence about this person."""
        return self.full_name or self.name

    def person(self) -> dict[str, Any]:
        """What everybody sees."""
        admin = self.active and self.role == "admin"
        return to_builtins(  # type: ignore[no-any-return]
            Person(
                self.id, self.name, self.full_name, admin, self.kind == "bot", self.status, not self.active
            )
        )

    def me(self) -> dict[str, Any]:
        """What this person sees of the account."""
        notice = {} if self.notice is None else {"notice": json.decode(self.notice)}
        return self.person() | {"role": self.role} | notice


# -- the server


def meta() -> Steps[dict[str, Any]]:
    """What the server knows of itself: server, epoch, name, join, people_rev, setup ("open" or "done"), clock
    (the latest time that was believed; see `live.ages`); where there are any, settings that admins chose
    (JSON), logo_hash, erase (JSON: whose messages are to be deleted), address (that the others were last
    told), backup_made (when the latest one of all nodes was begun), and what tells one history of PostgreSQL
    from another: timeline and system."""
    return dict((yield one("SELECT key, value FROM meta WHERE key <> 'logo'")))


def set_meta(key: str, value: str | int | bytes) -> Steps[None]:
    yield one(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value,
    )


def logo() -> Steps[bytes]:
    """The picture that stands for the server; empty where it has none."""
    rows = yield one("SELECT value FROM meta WHERE key = 'logo'")
    return bytes(rows[0][0]) if rows else b""


def next_people_rev() -> Steps[int]:
    """The next number of the list of people. The caller writes it to `users.rev` and publishes it."""
    rows = yield one(NEXT_PEOPLE_REV)
    return int(rows[0][0])


def mine(user: int) -> Steps[int]:
    """The number of the latest change to what is this person's own."""
    rows = yield one("SELECT mine FROM users WHERE id = ?", user)
    return int(rows[0][0])


def next_mine(user: int) -> Steps[int]:
    """The next number of what is this person's own. The caller puts it into the event for `user:<id>`."""
    rows = yield one("UPDATE users SET mine = mine + 1 WHERE id = ? RETURNING mine", user)
    return int(rows[0][0])


# -- accounts


def account(user: int) -> Steps[Account]:
    """Raises `NotFound`."""
    rows = yield one(f"SELECT {_COLUMNS} FROM users WHERE id = ?", user)
    if not rows:
        raise NotFound(NO_PERSON)
    return Account(*rows[0])


def existing(user: int) -> Steps[Account]:
    """An account that is not deleted. Raises `NotFound`."""
    found = yield from account(user)
    if found.state == "deleted":
        raise NotFound(NO_PERSON)
    return found


def by_key(key: str) -> Steps[Account | None]:
    """The account whose name has this key (`rules.names.name_key`)."""
    rows = yield one(f"SELECT {_COLUMNS} FROM users WHERE name_key = ?", key)
    return Account(*rows[0]) if rows else None


def everyone() -> Steps[list[Account]]:
    """Every account that was ever made, by id."""
    rows = yield one(f"SELECT {_COLUMNS} FROM users ORDER BY id")
    return [Account(*row) for row in rows]


def people(after: int = 0) -> Steps[list[dict[str, Any]]]:
    """Everybody as everybody sees them; or those who changed after this number."""
    rows = yield one(f"SELECT {_COLUMNS} FROM users WHERE rev > ? ORDER BY rev", after)
    return [Account(*row).person() for row in rows]


def acting(user: int, session: int = 0) -> Steps[Account]:
    """Who asks, as the account is by now; with a session, that sign-in must still stand too.

    Raises `SignedOut` where the account was disabled, or the session ended, since it was asked."""
    found = yield from account(user)
    stands = not session or (yield one("SELECT 1 FROM sessions WHERE id = ? AND user = ?", session, user))
    if not found.active or not stands:
        raise SignedOut
    return found


def acting_admin(user: int, session: int) -> Steps[Account]:
    """The admin who asks. Raises `SignedOut`, or `Forbidden` where the role was lost meanwhile."""
    found = yield from acting(user, session)
    if found.role != "admin":
        raise Forbidden("Only an admin can do that.")
    return found


def name_free(key: str, *, but: int = 0, frees: int | None = None) -> Steps[None]:
    """Raises `Conflict` where somebody else has the name, or a former member had it other than `frees`."""
    if (yield one("SELECT 1 FROM users WHERE name_key = ? AND id <> ?", key, but)):
        raise Conflict("Somebody else has this name. Choose another one.", field="name")
    if (yield from holder(key)) not in (None, frees):
        raise Conflict(
            "Somebody who was here had this name. Choose another one, or ask an admin for it.", field="name"
        )


def holder(key: str) -> Steps[int | None]:
    """The former member who had the name with this key."""
    held = yield from _held(key)
    rows = yield one("SELECT id FROM users WHERE name_key = ?", held)
    return rows[0][0] if rows else None


def hold_name(user: int) -> Steps[None]:
    """Keep the name of somebody who is removed from being taken, without keeping the name itself."""
    ((key,),) = yield one("SELECT name_key FROM users WHERE id = ?", user)
    held = yield from _held(key)
    yield one(
        "UPDATE users SET name_key = NULL WHERE name_key = ?", held
    )  # somebody's before, who had it back
    yield one("UPDATE users SET name_key = ? WHERE id = ?", held, user)


def _held(key: str) -> Steps[str]:
    """What stands for a name that is held. No name has a space in it."""
    ((server,),) = yield one("SELECT value FROM meta WHERE key = 'server'")
    return f"former {digest(f'{server} {key}').hex()}"


def not_last_admin(found: Account) -> Steps[None]:
    """Raises `Conflict` where nobody could look after the server without this account."""
    if not found.active or found.role != "admin":
        return
    others = yield one(
        "SELECT 1 FROM users WHERE role = 'admin' AND state = 'active' AND id <> ? LIMIT 1", found.id
    )
    if not others:
        raise Conflict("This is the last admin. Make somebody else an admin first.")


def add(batch: Batch, *, name: str, key: str, full_name: str, role: str, password: str) -> Steps[Account]:
    """Make an account and tell everybody. Being in the room of everybody is up to the caller."""
    rows = yield one(
        "INSERT INTO users (name, name_key, full_name, role, password, rev, created_at)"
        " VALUES (?, ?, ?, ?, ?, 0, ?) RETURNING id",
        name,
        key,
        full_name,
        role,
        password,
        batch.now,
    )
    return (yield from announce(batch, rows[0][0]))


def shut_out(user: int) -> Steps[None]:
    """Disable an account. What it is posting just now comes before, and nothing after."""
    yield one(SHUT_OUT, user)


def update(user: int, **values: str | int | None) -> Steps[None]:
    """Write columns of an account. The names of the columns are the program's own."""
    columns = ", ".join(f"{column} = ?" for column in values)
    yield one(f"UPDATE users SET {columns} WHERE id = ?", *values.values(), user)


def announce(batch: Batch, user: int) -> Steps[Account]:
    """Tell everybody what this person is like now. Returns the account."""
    rev = yield from next_people_rev()
    yield from update(user, rev=rev)
    found = yield from account(user)
    event = {"ev": "people", "after": rev - 1, "people_rev": rev, "people": [found.person()]}
    batch.publish("all", event)
    return found


def tell(batch: Batch, user: int) -> Steps[None]:
    """Tell this person's own connections that the role or the notice changed."""
    number = yield from next_mine(user)
    found = yield from account(user)
    batch.publish(f"user:{user}", {"ev": "me", "me": found.me(), "mine": number})
