"""What making an account means, however it comes about: setup, registration or the command line; and how
an account is shown to admins and to its owner."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import json

from chatbox.chat.context import Context
from chatbox.rules import names, passwords
from chatbox.store import rooms, users
from chatbox.store.base import Batch, Steps
from chatbox.store.users import Account


class Applicant(NamedTuple):
    """A person to be, checked; `password` in PHC form."""

    name: str
    full_name: str
    password: str

    @property
    def key(self) -> str:
        return names.name_key(self.name)


async def applicant(ctx: Context, name: str, full_name: str, password: str, *known: str) -> Applicant:
    """Check what somebody wants to be called, and hash the password.

    `known` are further words that the password must not consist of. Raises `Invalid` and `Busy`."""
    checked = names.user_name(name)
    full = names.full_name(full_name)
    passwords.check(password, checked, full, ctx.server.name, *known)
    return Applicant(checked, full, await ctx.hashing.hash(password))


def found(
    batch: Batch, person: Applicant, role: str = "member", *, frees: int | None = None
) -> Steps[Account]:
    """Make the account and bring it into the room of everybody. Raises `Conflict` where the name is taken.

    The name may be that of the former member `frees`, who loses it then. The first admin, wherever it comes
    from, closes the setup for good."""
    yield from users.name_free(person.key, frees=frees)
    if frees is not None and (yield from users.holder(person.key)) == frees:
        yield from users.update(frees, name_key=None)
    account = yield from users.add(
        batch,
        name=person.name,
        key=person.key,
        full_name=person.full_name,
        role=role,
        password=person.password,
    )
    yield from rooms.add_member(batch, (yield from rooms.general()), account.id)
    if role == "admin":
        yield from users.set_meta("setup", "done")
    return account


def setup_done(ctx: Context) -> None:
    """There is an admin: nobody is asked to set the server up any more."""
    ctx.server.setup_open = False
    if ctx.setup is not None:
        ctx.setup.close()


def entry(account: Account, count: int) -> dict[str, Any]:
    """What admins see of somebody who has so many sessions."""
    shown = account.person() | {
        "role": account.role,
        "state": account.state,
        "created": account.created_at,
        "sessions": count,
    }
    return shown | ({} if account.seen_at is None else {"seen": account.seen_at})


def notice(kind: str, at: int, by: int | None) -> str:
    """What a person is told about their own account, as stored; without `by` it was done at the console."""
    return json.encode({"kind": kind, "at": at} | ({} if by is None else {"by": by})).decode()
