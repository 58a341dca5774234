"""Tickets for sign-ins: with one a page goes on at another address when this one is gone.

Cookies belong to one address, and a server that is no longer there cannot be asked for a way to move. So
each page is given a ticket beforehand. It is nothing that is stored, but a proof that depends on the sign-in:
it outlives the server's restart, works once because taking it ends the sign-in, and ends with that anyway. It
depends on a secret of the data folder as well, which no backup has: who has read the database can make none.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from chatbox.chat.context import Context
from chatbox.chat.signin import is_over
from chatbox.store import sessions, users
from chatbox.store.base import Steps
from chatbox.store.sessions import Session

LASTS = (
    3 * 24 * 3_600_000
)  # ms: over a weekend, in which a laptop sleeps and a router hands out new addresses
_FORM = re.compile(r"ticket-([1-9][0-9]{0,15})-([1-9][0-9]{0,15})-([0-9a-f]{64})")


def issue(ctx: Context, session: int) -> Steps[str | None]:
    """A ticket for a browser's sign-in; None for any other, such as a bearer token."""
    key = yield from sessions.browser_hash(session)
    until = ctx.clock.now() + LASTS
    return None if key is None else f"ticket-{session}-{until}-{_proof(ctx, key, session, until)}"


def redeem(ctx: Context, ticket: str) -> Steps[tuple[Session, int] | None]:
    """The sign-in that a ticket is for, and until when; None where either is over, or it is none."""
    found = _FORM.fullmatch(ticket)
    if not found or int(found[2]) <= ctx.clock.now():
        return None
    session, until = int(found[1]), int(found[2])
    key = yield from sessions.browser_hash(session)
    if key is None or not hmac.compare_digest(found[3], _proof(ctx, key, session, until)):
        return None
    user = yield from sessions.owner(session)
    for each in (yield from sessions.of_user(user)):
        if each.id == session and not is_over(ctx, each) and (yield from users.account(user)).active:
            return each, until
    return None


def _proof(ctx: Context, key: bytes, session: int, until: int) -> str:
    return hmac.new(ctx.secret + key, f"ticket {session} {until}".encode(), hashlib.sha256).hexdigest()
