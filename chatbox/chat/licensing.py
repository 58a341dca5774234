"""The terms of everything that Chatbox is made of, for whoever wants to read them."""

from __future__ import annotations

import asyncio
from typing import Any

from chatbox.chat.context import Caller, Context
from chatbox.errors import NotFound
from chatbox.licenses import licenses
from chatbox.protocol import administration as commands


async def licenses_list(ctx: Context, caller: Caller, cmd: commands.LicensesList) -> dict[str, Any]:
    """The parts of the program, Chatbox itself first."""
    caller.require_user()
    found = await asyncio.to_thread(licenses)
    return {
        "parts": [{"name": part.name, "version": part.version, "license": part.license} for part in found]
    }


async def licenses_text(ctx: Context, caller: Caller, cmd: commands.LicensesText) -> dict[str, Any]:
    """The terms of one part. Raises `NotFound`."""
    caller.require_user()
    for part in await asyncio.to_thread(licenses):
        if part.name == cmd.name:
            return {"text": part.text}
    raise NotFound("There is no such part.", field="name")
