"""Copying contents of uploads from one place to another one, as a part of moving a database."""

from __future__ import annotations

import logging
from typing import NamedTuple

from chatbox.progress import Step
from chatbox.store.blobs import Blobs

log = logging.getLogger("chatbox.moving")

_BLOCK = 2**20  # bytes


class Brought(NamedTuple):
    """How many contents are in the new place, and how many are lost or damaged in the old one."""

    there: int
    missing: int


def bring(source: Blobs, target: Blobs, contents: list[tuple[str, int]]) -> Brought:
    """Copy these, each with its size; what is there already is not copied again. What was read has its own
    hash, or is left out. Blocks. Raises StorageFull and Unavailable; the next call goes on there."""
    target.prepare()
    step = Step("Copying uploads", sum(size for _, size in contents))
    there = set(target.all())
    missing = 0
    for hash, size in contents:
        if hash not in there and not _copy(source, target, hash, size):
            log.error("the upload %s is lost or damaged", hash)
            missing += 1
        step.advance(size)
    return Brought(len(contents) - missing, missing)


def _copy(source: Blobs, target: Blobs, hash: str, size: int) -> bool:
    try:
        content = source.open(hash)
    except OSError:
        return False
    incoming = target.receive(size)
    try:
        with content:
            while block := content.read(_BLOCK):
                incoming.write(block)
        incoming.sync()
        if incoming.hash != hash:
            return False
        target.place(incoming, hash)
    finally:
        incoming.discard()
    return True
