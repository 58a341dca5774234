"""A backup as the server makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backup.support import back_up, upload
from tests.chat.support import World, in_world


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")

    @in_world
    async def scenario(world: World) -> None:
        ada = await world.set_up()
        await upload(world, ada, b"picture")
        await back_up(world, folder / "good.zip")

    (folder / "data").mkdir()
    scenario(folder / "data")
    return folder / "good.zip"
