"""Whether a node sees the uploads that the others see: a folder has a mark, and the database knows which."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from chatbox.errors import DataFolderError
from chatbox.store import users
from chatbox.store.base import Batch, Steps, Store

MARK = "chatbox-uploads.txt"
_META = "uploads"


async def check_uploads(store: Store, folder: Path) -> None:
    """Mark the folder where nobody has marked one yet. Raises DataFolderError where another one was."""
    try:
        mark, made = await asyncio.to_thread(_mark, folder)
    except OSError as error:
        raise DataFolderError(f"The folder of uploads {folder} cannot be used: {error.strerror}.") from error

    def change(batch: Batch) -> Steps[str]:
        known = (yield from users.meta()).get(_META)
        if known is None:
            yield from users.set_meta(_META, mark)
        return mark if known is None else str(known)

    if not mark:
        raise DataFolderError(f"{folder / MARK} is empty: another node makes it just now. Start again.")
    (known,) = (await store.commit([change])).replies
    if known == mark:
        return
    if made:
        await asyncio.to_thread((folder / MARK).unlink)
    raise DataFolderError(
        f"The uploads of this chat are not in {folder}. Set [storage] uploads to the folder that all nodes "
        "share, and see that it is mounted."
    )


def _mark(folder: Path) -> tuple[str, bool]:
    """What the folder is marked with, and whether that was done here."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / MARK
    fresh = f"{secrets.token_hex(16)}\n"
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(fresh)
    except FileExistsError:
        return path.read_text("ascii").strip(), False
    return fresh.strip(), True
