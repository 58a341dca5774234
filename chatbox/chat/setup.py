"""The first start: whoever reads the console names the server and becomes its admin; renaming it later."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from chatbox.chat import accounts, described
from chatbox.chat.context import Caller, Context
from chatbox.chat.setup_code import FILE_NAME
from chatbox.chat.signin import SignedIn, new_token, open_session
from chatbox.errors import Conflict
from chatbox.protocol import commands
from chatbox.rules import names
from chatbox.rules.text import escape_controls
from chatbox.settings import Settings
from chatbox.store import users
from chatbox.store.base import Batch, Steps
from chatbox.store.sessions import Session
from chatbox.store.users import Account

log = logging.getLogger(__name__)

_DONE = "This server is already set up. Sign in."


def nobody_waits(folder: Path) -> None:
    """Remove the code of an earlier start, where setup was done meanwhile from the command line."""
    (folder / FILE_NAME).unlink(missing_ok=True)


async def setup_complete(ctx: Context, caller: Caller, cmd: commands.SetupComplete) -> SignedIn:
    """Name the server, make its first admin and sign them in. However many try at once, one succeeds.

    Raises `Conflict` once it was done, `Forbidden` (field "secret"), `RateLimited` and `Invalid`."""
    if ctx.setup is None or not ctx.server.setup_open:
        raise Conflict(_DONE)
    ctx.setup.check(cmd.secret, caller.address)
    title = names.server_name(cmd.server_name, field="server_name") if cmd.server_name.strip() else ""
    person = await accounts.applicant(ctx, cmd.name, cmd.full_name, cmd.password, title)
    token = new_token()
    server = described.server(ctx.server)

    def change(batch: Batch) -> Steps[tuple[Account, Session]]:
        meta = yield from users.meta()
        if meta["setup"] != "open":
            raise Conflict(_DONE)
        admin = yield from accounts.found(batch, person, "admin")
        shown = shown_name(ctx.settings, title or meta["name"])
        yield from _write(batch, title or meta["name"], cmd.join, server | {"name": shown})
        return admin, (yield from open_session(batch, caller, admin.id, token, shared=cmd.shared))

    admin, session = await ctx.committer.submit(change)
    ctx.confirmed.add(admin.id, session.id)
    accounts.setup_done(ctx)
    log.info("the server is set up; its admin is %s", escape_controls(person.name))
    return SignedIn(token, {"user": admin.me()}, cmd.shared)


async def server_update(ctx: Context, caller: Caller, cmd: commands.ServerUpdate) -> dict[str, Any]:
    """Rename the server, or change who may join. Raises `Conflict` where the settings fix the name."""
    user = caller.require_user()
    if cmd.name is not None and ctx.settings.server.name:
        raise Conflict("The name stands in chatbox.ini. Change it there.", field="name")
    name = None if cmd.name is None else names.server_name(cmd.name)
    server = described.server(ctx.server)

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting_admin(user, caller.session)
        meta = yield from users.meta()
        new_name = meta["name"] if name is None else name
        new_join = cmd.join or meta["join"]
        shown = shown_name(ctx.settings, new_name)
        yield from _write(batch, new_name, new_join, server | {"name": shown})
        return {"name": shown, "join": new_join}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    log.info("user %d set who may join: %s", user, reply["join"])
    return reply


def shown_name(settings: Settings, stored: str) -> str:
    """The name of the server: the one in the settings, else the one that an admin chose, if any did."""
    return settings.server.name or stored or "Chatbox"


def _write(batch: Batch, name: str, join: str, server: dict[str, Any]) -> Steps[None]:
    yield from users.set_meta("name", name)
    yield from users.set_meta("join", join)
    batch.publish("all", {"ev": "server", "server": server, "join": join})
