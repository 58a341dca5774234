"""What of a restored database may go on working: only what is valid in the state that it replaces, too.

A backup from before somebody was shut out must not let them in again, nor bring a revoked token back. The
steps run in the restored database, with the one that it replaces attached as `replaced`.
"""

from __future__ import annotations

from chatbox.store.base import Steps, one

_SAME_PERSON = "r.id = users.id AND r.created_at = users.created_at"
_ACTIVE_THERE = f"SELECT 1 FROM replaced.users r WHERE {_SAME_PERSON} AND r.state = 'active'"


def valid_in_both() -> Steps[int]:
    """Keep the sessions, tokens, links and accounts that are valid in both. Of two passwords, and of two
    roles, the replaced state's counts. Returns how many accounts are disabled by that."""
    yield one(
        "DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM replaced.sessions r"
        " WHERE r.token_hash = sessions.token_hash AND r.user = sessions.user AND r.kind = sessions.kind)"
    )
    yield one(
        "DELETE FROM links WHERE NOT EXISTS (SELECT 1 FROM replaced.links r"
        " WHERE r.secret_hash = links.secret_hash AND r.kind = links.kind AND r.revoked_at IS NULL)"
    )
    yield one(
        "UPDATE links SET used = max(links.used, r.used), expires_at = min(links.expires_at, r.expires_at)"
        " FROM replaced.links r WHERE r.secret_hash = links.secret_hash"
    )
    disabled = yield one(
        f"UPDATE users SET state = 'disabled' WHERE state = 'active' AND NOT EXISTS ({_ACTIVE_THERE})"
        " RETURNING id"
    )
    yield one(f"UPDATE users SET password = r.password FROM replaced.users r WHERE {_SAME_PERSON}")
    yield from _roles()
    for table in ("sessions", "links"):
        yield one(f"DELETE FROM {table} WHERE user IN (SELECT id FROM users WHERE state <> 'active')")
    return len(disabled)


def _roles() -> Steps[None]:
    """An admin is one who is it in both; unless there would be none."""
    both = f"{_ACTIVE_THERE} AND r.role = 'admin'"
    if (yield one(f"SELECT 1 FROM users WHERE state = 'active' AND role = 'admin' AND EXISTS ({both})")):
        yield one(f"UPDATE users SET role = 'member' WHERE role = 'admin' AND NOT EXISTS ({both})")


def accounts_only() -> Steps[int]:
    """Where nothing is known of what became of them: no session, token or link goes on working."""
    yield one("DELETE FROM sessions")
    yield one("DELETE FROM links")
    return 0


def new_epoch(epoch: str) -> Steps[None]:
    """Let every client drop what it knows of rooms and people, and load them again."""
    yield one("UPDATE meta SET value = ? WHERE key = 'epoch'", epoch)
