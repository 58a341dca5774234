"""QR codes of addresses, as rows of ones and zeros that a page draws by itself: no secret gets into a URL."""

from __future__ import annotations

from typing import Any

from chatbox.chat.context import Caller, Context
from chatbox.errors import Invalid
from chatbox.protocol import administration as commands


async def qr_make(ctx: Context, caller: Caller, cmd: commands.QrMake) -> dict[str, Any]:
    """The code of a text that is an address of this server. Raises `Invalid` for any other, and `Busy`.

    The border of four modules that readers need is not part of it (ISO/IEC 18004, 6.3.8)."""
    user = caller.require_user()
    if not any(_begins(cmd.text, address) for address in ctx.server.addresses()):
        raise Invalid("That is no address of this server.", field="text")
    return {"rows": await ctx.drawing.rows(user, cmd.text)}


def _begins(text: str, address: str) -> bool:
    return text == address or text.startswith((f"{address}/", f"{address}#"))
