"""One-time links: invitations, and links for a new password. Of a secret only the hash is stored."""

from __future__ import annotations

from typing import Any, NamedTuple

from chatbox.errors import NotFound
from chatbox.store.base import Batch, Steps, one

_COLUMNS = "id, kind, user, made_by, created_at, expires_at, uses, used"
# Whoever made a link knows its secret: it works no longer than that person is an admin.
_WORKS = (
    "revoked_at IS NULL AND expires_at > ? AND (uses IS NULL OR used < uses) AND (made_by IS NULL OR EXISTS"
    " (SELECT 1 FROM users u WHERE u.id = links.made_by AND u.role = 'admin' AND u.state = 'active'))"
)
NO_LINK = "This link does not work any more. Ask an admin for a new one."


class Link(NamedTuple):
    """A link as stored. `kind` is "invite" or "password"; `user`: whose password, or whose former name may be
    taken; `uses` None: any number."""

    id: int
    kind: str
    user: int | None
    made_by: int | None  # None: at the server's console
    created_at: int
    expires_at: int
    uses: int | None
    used: int

    def shown(self) -> dict[str, Any]:
        """What admins see of an invitation."""
        entry = {"id": self.id, "expires": self.expires_at, "used": self.used, "by": self.made_by}
        if self.user is not None:
            entry["former"] = self.user
        return entry | ({} if self.uses is None else {"uses": self.uses})


def working(secret_hash: bytes, now: int, *, kind: str | None = None) -> Steps[Link]:
    """The link with this secret. Raises `NotFound` where it is unknown, used up, too old or revoked, or
    its maker is no admin any more."""
    rows = yield one(f"SELECT {_COLUMNS} FROM links WHERE secret_hash = ? AND {_WORKS}", secret_hash, now)
    if not rows or kind not in (None, rows[0][1]):
        raise NotFound(NO_LINK)
    return Link(*rows[0])


def spend(batch: Batch, secret_hash: bytes, *, kind: str) -> Steps[Link]:
    """Use a link once. Raises `NotFound` as `working` does."""
    link = yield from working(secret_hash, batch.now, kind=kind)
    yield one("UPDATE links SET used = used + 1 WHERE id = ?", link.id)
    return link


def add_invite(
    batch: Batch,
    secret_hash: bytes,
    *,
    made_by: int,
    expires_at: int,
    uses: int | None,
    frees: int | None = None,
) -> Steps[Link]:
    """Make an invitation; whoever accepts it may have the name of the former member `frees`."""
    rows = yield one(
        "INSERT INTO links (kind, secret_hash, user, made_by, created_at, expires_at, uses)"
        f" VALUES ('invite', ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
        secret_hash,
        frees,
        made_by,
        batch.now,
        expires_at,
        uses,
    )
    return Link(*rows[0])


def add_password(
    batch: Batch, secret_hash: bytes, *, user: int, made_by: int | None, expires_at: int
) -> Steps[Link]:
    """Make a link for a new password; an earlier one of the same user stops working."""
    yield from revoke_passwords(batch, user)
    rows = yield one(
        "INSERT INTO links (kind, secret_hash, user, made_by, created_at, expires_at, uses)"
        f" VALUES ('password', ?, ?, ?, ?, ?, 1) RETURNING {_COLUMNS}",
        secret_hash,
        user,
        made_by,
        batch.now,
        expires_at,
    )
    return Link(*rows[0])


def revoke_passwords(batch: Batch, user: int) -> Steps[None]:
    yield one(
        "UPDATE links SET revoked_at = ? WHERE user = ? AND kind = 'password' AND revoked_at IS NULL",
        batch.now,
        user,
    )


def revoke_invite(batch: Batch, invite: int) -> Steps[None]:
    """Raises `NotFound` where there is no such invitation. Doing it again changes nothing."""
    rows = yield one(
        "UPDATE links SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ? AND kind = 'invite' RETURNING id",
        batch.now,
        invite,
    )
    if not rows:
        raise NotFound("There is no such invitation.")


def invites(now: int) -> Steps[list[Link]]:
    """The invitations that still work, the newest first."""
    rows = yield one(f"SELECT {_COLUMNS} FROM links WHERE kind = 'invite' AND {_WORKS} ORDER BY id DESC", now)
    return [Link(*row) for row in rows]


def forget_old(batch: Batch, *, before: int) -> Steps[None]:
    """Remove links that stopped working before this time."""
    yield one("DELETE FROM links WHERE expires_at < ? OR revoked_at < ?", before, before)
