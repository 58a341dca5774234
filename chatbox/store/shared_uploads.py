"""Whether a node sees the uploads that the others see: the place has a mark, which the database knows."""

from __future__ import annotations

import secrets

from chatbox.errors import DataFolderError
from chatbox.store import users
from chatbox.store.base import Batch, Steps, Store, one
from chatbox.store.blobs import Blobs

_META = "uploads"


async def check_uploads(store: Store, blobs: Blobs) -> None:
    """Mark the place where nobody has marked one yet. Raises DataFolderError where another one was, or where
    it cannot be used."""
    mark, made = await blobs.run(blobs.mark, secrets.token_hex(16))

    def change(batch: Batch) -> Steps[str]:
        known = (yield from users.meta()).get(_META)
        if known is None:
            yield from users.set_meta(_META, mark)
        return mark if known is None else str(known)

    (known,) = (await store.commit([change])).replies
    if known == mark:
        return
    if made:
        await blobs.run(blobs.unmark)
    raise DataFolderError(f"The uploads of this chat are not in {blobs.name}. {blobs.remedy}")


def forget_place() -> Steps[None]:
    """The uploads are in another place from now on: the first node marks it."""
    yield one("DELETE FROM meta WHERE key = ?", _META)
