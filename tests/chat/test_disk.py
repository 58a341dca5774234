"""What admins are told of a disk that fills."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chatbox.chat import disk
from tests.chat.support import World, in_world
from tests.chat.talk import Published, do

GB = 10**9


def test_a_disk_that_fills_is_told_to_admins_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    free = 0
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(total=10 * GB, free=free))

    @in_world
    async def scenario(world: World) -> None:
        nonlocal free
        ada = await world.set_up()
        ben = await world.register("ben")
        world.ctx.blobs.prepare()
        published = Published(world)
        told = []
        for free in (2 * GB, GB - 1, GB - 1000, 499_999_999, 2 * GB, 2 * GB):  # noqa: B007
            await disk.look(world.ctx)
            told.append(published.take())
        low = {"kind": "disk_low", "folder": str(world.folder), "percent": 9, "uploads_stopped": False}
        stopped = low | {"percent": 4, "uploads_stopped": True}
        topic = f"user:{ada.user}"
        assert told == [
            [],
            [(topic, {"ev": "notices", "notices": [low]})],
            [],
            [(topic, {"ev": "notices", "notices": [stopped]})],
            [(topic, {"ev": "notices", "notices": []})],
            [],
        ]
        free = GB - 1
        await disk.look(world.ctx)
        assert (await do(world, ada, "hello"))["notices"] == [low]
        assert "notices" not in await do(world, ben, "hello")

    scenario(tmp_path)
