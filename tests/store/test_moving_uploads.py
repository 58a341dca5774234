"""A move takes the uploads into a bucket, and back, each as it was; cut short, it goes on there."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from chatbox import operations
from chatbox.errors import Unavailable
from chatbox.instance import close_instance
from chatbox.settings import Settings
from chatbox.settings import Storage as Place
from tests.backup.support import upload, upload_file
from tests.chat.support import SetClock, World, error_of
from tests.harness import postgres
from tests.harness.running import on_a_loop
from tests.harness.s3 import BUCKET, Storage, storage_in

ADDRESS = f"s3://{BUCKET}/uploads"


class Moved(World):
    """A server with uploads; it runs while `serving` is entered."""

    def __init__(self, folder: Path, storage: Storage) -> None:
        super().__init__(folder / "data", SetClock())
        self.folder.mkdir()
        self.settings = Settings(s3=storage.settings)

    async def read(self, hash: str) -> bytes:
        with await self.ctx.blobs.run(self.ctx.blobs.open, hash) as file:
            return file.read()

    async def move(self, **way: str) -> str:
        return str((await operations.move(self.settings, self.folder, way))["summary"])


def test_uploads_move_with_the_database_and_back(tmp_path: Path) -> None:
    url = postgres.server().wiped()

    @on_a_loop()
    async def there_and_back(storage: Storage) -> None:
        world = Moved(tmp_path, storage)
        await world.start()
        ada = await world.set_up()
        old, lost = await upload(world, ada, b"old"), await upload(world, ada, b"lost")
        await close_instance(world.ctx)
        upload_file(world, lost).write_bytes(b"LOST")
        storage.stop()
        assert isinstance(await error_of(world.move(to=url, uploads=ADDRESS)), Unavailable)
        storage.start()
        told = await world.move(to=url, uploads=ADDRESS)
        assert f" Uploads in the bucket {BUCKET}/uploads at 127.0.0.1:" in told
        assert ": 1; lost or damaged: 1." in told
        assert f"as [storage] database, and {ADDRESS} as [storage] uploads" in told

        world.settings = structs.replace(world.settings, storage=Place(database=url, uploads=ADDRESS))
        await world.start()
        assert await world.read(old) == b"old"
        new = await upload(world, ada, b"new")
        await close_instance(world.ctx)
        for path in (world.folder / "chatbox.sqlite3", *(upload_file(world, hash) for hash in (old, lost))):
            path.unlink()
        told = await world.move(source=url)
        assert f" Uploads in {world.folder / 'uploads'}: 2; lost or damaged: 1." in told
        assert "Take [storage] database and [storage] uploads out of chatbox.ini" in told

        world.settings = Settings()
        await world.start()
        assert [await world.read(hash) for hash in (old, new)] == [b"old", b"new"]
        await close_instance(world.ctx)

    with storage_in(tmp_path) as storage:
        there_and_back(storage)
