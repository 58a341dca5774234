"""One batch of changes as the steps of one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from chatbox.errors import ChatboxError
from chatbox.model import Draft
from chatbox.store import messages, rooms
from chatbox.store.base import Batch, Change, Steps, one


def apply_all(batch: Batch, changes: Sequence[Draft | Change]) -> Steps[list[Any]]:
    """Run the changes in their order; neighbouring drafts are stored together.

    Returns a reply or a `ChatboxError` for each. A change that is refused leaves nothing behind.
    """
    replies: list[Any] = []
    for posts, run in groupby(changes, key=lambda change: isinstance(change, Draft)):
        if posts:
            replies += yield from messages.post_many(batch, list(run))  # type: ignore[arg-type]
        else:
            for change in run:
                replies.append((yield from _apply_one(batch, change)))  # type: ignore[arg-type]
    return replies


def _apply_one(batch: Batch, change: Change) -> Steps[Any]:
    part = Batch(batch.now)
    yield one("SAVEPOINT change")
    try:
        reply = yield from change(part)
    except ChatboxError as error:
        yield one("ROLLBACK TO change")
        yield one("RELEASE change")
        return error
    yield one("RELEASE change")
    batch.absorb(part)
    return reply


def descriptions(batch: Batch) -> Steps[dict[int, dict[str, Any]]]:
    """The shared part of every room whose settings or members this batch changed, as it is after it."""
    found: dict[int, dict[str, Any]] = {}
    for room, changes in batch.rooms.items():
        if changes.settings or changes.members:
            found[room] = yield from rooms.description(room)
    return found
