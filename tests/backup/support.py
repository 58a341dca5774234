"""A world with something in it, and backups of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from chatbox.chat import backups, files
from chatbox.chat.context import Caller
from tests.chat.support import World
from tests.chat.talk import GENERAL, do, new_nonce


async def upload(world: World, caller: Caller, content: bytes, name: str = "a.txt") -> str:
    """Upload a file and post it in the room of everybody; gives its hash."""
    world.ctx.blobs.prepare()
    incoming = await files.begin(world.ctx, caller, name, len(content))
    await incoming.write(content)
    id = (await incoming.finish())["id"]
    await do(world, caller, "message.post", room=GENERAL, nonce=new_nonce(), text="", files=[id])
    ((hash,),) = await world.rows("SELECT hash FROM files WHERE id = ?", id)
    return str(hash)


async def take_back(world: World, caller: Caller, hash: str) -> None:
    """Delete the message with this upload."""
    ((room, seq),) = await world.rows("SELECT room, seq FROM files WHERE hash = ?", hash)
    await do(world, caller, "message.delete", room=room, seq=seq)


async def back_up(world: World, target: Path) -> Path:
    await backups.write(world.ctx, target)
    return target


def manifest_of(archive: Path) -> dict[str, Any]:
    with zipfile.ZipFile(archive) as opened:
        found: dict[str, Any] = json.loads(opened.read("manifest.json"))
    return found


def upload_file(world: World, hash: str) -> Path:
    return world.ctx.blobs.folder / hash[:2] / hash
