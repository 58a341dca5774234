"""The one table of commands: what each does, who may ask for it, and what it costs.

The WebSocket and `POST /api/<command>` both go through it, so whatever the web client can do, a program
can do with a bearer token.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from chatbox.chat import (
    administration,
    backups,
    licensing,
    links,
    messages,
    moving,
    people,
    qr,
    reach,
    removing,
    rooms,
    sessions,
    setup,
    signin,
    sync,
)
from chatbox.chat.context import Caller, Context
from chatbox.errors import ChatboxError, Forbidden, Invalid
from chatbox.protocol.fields import Command

log = logging.getLogger("chatbox.dispatch")

CONFIRM = "confirm"  # the field of a refusal after which `session.confirm` helps
ANYONE, USER, ADMIN = "anyone", "user", "admin"


class Row(NamedTuple):
    """One command. `cost` is in messages of the rate limit; `http` commands set cookies or hash passwords.

    One that is `never_refused` is slowed down only: writing fast must not make a heartbeat fail. One that
    wants to be `sure` is taken from a browser only within ten minutes of its password (OWASP ASVS, 3.7.1);
    from a program with a bearer token always."""

    use_case: Callable[[Context, Caller, Any], Any]
    who: str = USER
    cost: float = 0.1
    http: bool = False
    never_refused: bool = False
    sure: bool = False


FRAME_COST = 0.02  # of a frame of the WebSocket that ends no message
PING_COST = 0.04  # of one that is answered


ROWS: dict[str, Row] = {
    "hello": Row(sync.hello, cost=0.5),
    "ping": Row(sync.ping, cost=0.02, never_refused=True),
    "away": Row(sync.away),
    "message.post": Row(messages.post, cost=1),
    "message.edit": Row(messages.edit, cost=1),
    "message.delete": Row(messages.delete, cost=1),
    "room.history": Row(messages.history),
    "room.changes": Row(messages.changes),
    "room.list": Row(rooms.room_list),
    "room.members": Row(rooms.members),
    "room.create": Row(rooms.create, cost=1),
    "room.update": Row(rooms.update, cost=1),
    "room.join": Row(rooms.join, cost=1),
    "room.leave": Row(rooms.leave, cost=1),
    "room.invite": Row(rooms.invite, cost=1),
    "room.remove": Row(rooms.remove, cost=1),
    "room.role": Row(rooms.set_role, cost=1),
    "room.read": Row(rooms.read),
    "room.typing": Row(rooms.typing),
    "room.hide": Row(rooms.hide, cost=0.5),
    "direct.open": Row(rooms.direct_open, cost=1),
    "search": Row(messages.search, cost=0.5),
    "server.info": Row(signin.server_info, ANYONE),
    "setup.complete": Row(setup.setup_complete, ANYONE, http=True),
    "session.create": Row(signin.session_create, ANYONE, http=True),
    "session.end": Row(signin.session_end, http=True),
    "session.move": Row(moving.session_move, cost=0.5, http=True),
    "session.take": Row(moving.session_take, ANYONE, http=True),
    "session.moving": Row(moving.session_moving),
    "session.allow": Row(moving.session_allow, cost=0.5),
    "session.confirm": Row(sessions.session_confirm, cost=1, http=True),
    "session.list": Row(sessions.session_list),
    "session.revoke": Row(sessions.session_revoke, cost=0.5),
    "user.register": Row(people.user_register, ANYONE, http=True),
    "link.check": Row(links.link_check, ANYONE),
    "password.reset": Row(links.password_reset, ANYONE, http=True),
    "token.create": Row(sessions.token_create, cost=1, http=True),
    "user.update": Row(people.user_update, cost=1),
    "user.password": Row(people.user_password, cost=1, http=True),
    "account.delete": Row(removing.account_delete, cost=1, http=True),
    "notice.dismiss": Row(people.notice_dismiss),
    "people.list": Row(people.people_list, ADMIN),
    "user.disable": Row(people.user_disable, ADMIN, 0.5, sure=True),
    "user.enable": Row(people.user_enable, ADMIN, 0.5, sure=True),
    "user.role": Row(people.user_role, ADMIN, 0.5, sure=True),
    "user.delete": Row(removing.user_delete, ADMIN, 0.5, sure=True),
    "user.reset_link": Row(links.user_reset_link, ADMIN, 0.5, sure=True),
    "invite.create": Row(links.invite_create, ADMIN, 0.5, sure=True),
    "invite.list": Row(links.invite_list, ADMIN),
    "server.addresses": Row(reach.server_addresses, ADMIN),
    "invite.revoke": Row(links.invite_revoke, ADMIN, 0.5, sure=True),
    "server.update": Row(setup.server_update, ADMIN, 0.5, sure=True),
    "admin.overview": Row(administration.overview, ADMIN, 0.5),
    "admin.rooms": Row(administration.room_overview, ADMIN),
    "admin.archive": Row(administration.room_archive, ADMIN, 0.5, sure=True),
    "admin.logo": Row(administration.logo, ADMIN, 1, http=True, sure=True),
    "admin.reach": Row(administration.reach, ADMIN),
    "admin.firewall": Row(administration.firewall, ADMIN, 1, http=True, sure=True),
    "service.status": Row(administration.service_status, ADMIN, 0.5),
    "service.set": Row(administration.service_set, ADMIN, 1, http=True, sure=True),
    "qr.make": Row(qr.qr_make, cost=2),
    "settings.list": Row(administration.settings_list, ADMIN),
    "settings.update": Row(administration.settings_update, ADMIN, 0.5, sure=True),
    "backup.list": Row(backups.backup_list, ADMIN),
    "backup.create": Row(backups.backup_create, ADMIN, 1),
    "backup.ready": Row(backups.backup_ready, ADMIN, sure=True),
    "licenses.list": Row(licensing.licenses_list, cost=0.5),
    "licenses.text": Row(licensing.licenses_text, cost=0.5),
}


def cost_of_nonsense(size: int) -> float:
    """What is no command costs by its length, because all of it was read."""
    return 0.1 + size / 40_000


def name_of(command: Command) -> str:
    """The name of a command on the wire."""
    return str(command.__struct_config__.tag)


def wait_for_turn(ctx: Context, caller: Caller, command: Command) -> float:
    """Check who asks and pay. Returns the seconds to wait before `begin`.

    Raises `SignedOut`, `Forbidden`, or `RateLimited` where the caller is too fast."""
    row = ROWS[name_of(command)]
    if row.http and caller.connection is not None:
        raise Invalid("This is answered over HTTP only.", field="do")
    if row.who == ANYONE:
        return ctx.rate.slow(caller.user, row.cost) if caller.user else 0.0
    user = caller.require_user()
    if row.who == ADMIN and not ctx.directory.persons.get(user, {}).get("admin"):
        raise Forbidden("Only an admin can do that.")
    if row.sure:
        require_confirmed(ctx, caller)
    return ctx.rate.slow(user, row.cost) if row.never_refused else ctx.rate.take(user, row.cost)


def require_confirmed(ctx: Context, caller: Caller) -> None:
    """Raises `Forbidden` (field "confirm") where the password was not given lately; programs have none."""
    if not caller.bearer and not ctx.confirmed.holds(caller.user, caller.session):
        raise Forbidden("Give your password once more to go on.", field=CONFIRM)


def begin(ctx: Context, caller: Caller, command: Command) -> Any | Awaitable[Any]:
    """Carry a command out: a reply, or an awaitable of one. Writes are queued when this returns."""
    return ROWS[name_of(command)].use_case(ctx, caller, command)


async def run(ctx: Context, caller: Caller, command: Command) -> Any:
    """Carry a command out and give its reply. Raises `ChatboxError`, for everything that goes wrong."""
    try:
        if wait := wait_for_turn(ctx, caller, command):
            await asyncio.sleep(wait)
        result = begin(ctx, caller, command)
        return await result if isinstance(result, Awaitable) else result
    except ChatboxError:
        raise
    except Exception as error:
        raise unexpected(name_of(command), error) from error


def unexpected(what: str, error: BaseException) -> ChatboxError:
    """Log an error that nobody thought of, and give one that can be shown."""
    mark = secrets.token_hex(4)
    log.error("%s failed (%s)", what, mark, exc_info=error)
    return ChatboxError(f"Something went wrong on the server. The log tells more under {mark}.")
