"""Where this server is reached, for its admins."""

from __future__ import annotations

from typing import Any

from chatbox.chat.context import Caller, Context
from chatbox.protocol import administration


def server_addresses(ctx: Context, caller: Caller, cmd: administration.ServerAddresses) -> dict[str, Any]:
    """Every address of this server, the likeliest first, and what it is."""
    return {"addresses": ctx.server.own_addresses()}
