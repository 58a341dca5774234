"""QR codes, drawn beside the event loop: a long one is a tenth of a second of plain Python."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

from chatbox.live.turns import Turns


class Drawing:
    """Draws one code at a time, whoever asks: more threads of Python would only take from the event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._turns: Turns[int] = Turns()  # by user: else one person's codes would hold up everybody's
        self._picture = ("", b"")  # the last address of which one was made, and the picture

    async def rows(self, user: int, text: str) -> list[str]:
        """The modules of the code that a user asks for, a dark one as 1. Raises `Busy`."""
        async with self._turns.take(user):
            return await asyncio.get_running_loop().run_in_executor(self._pool, _rows, text)

    async def svg(self, address: str) -> bytes:
        """The code of an address as a picture. It is kept: anybody may ask for that of the server's own."""
        kept, picture = self._picture
        if kept != address:
            picture = await asyncio.get_running_loop().run_in_executor(self._pool, self._pictured, address)
        return picture

    def close(self) -> None:
        """Drop what waits; what is being drawn ends by itself within a moment."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _pictured(self, address: str) -> bytes:
        """Only on the thread, where it is one after the other: who asked meanwhile finds it drawn."""
        kept, picture = self._picture
        if kept != address:
            picture = _svg(address)
            self._picture = (address, picture)
        return picture


def _rows(text: str) -> list[str]:
    import segno

    code = segno.make(text, error="m", micro=False)
    return ["".join("1" if module else "0" for module in row) for row in code.matrix]


def _svg(address: str) -> bytes:
    import segno

    drawn = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(drawn, kind="svg", scale=4, border=3, light="#fff", xmldecl=False)
    return drawn.getvalue()
