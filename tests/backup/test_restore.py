"""From a backup back to a server: what comes back, what does not, and where the old state is."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatbox.backup.applying import apply_staged
from chatbox.backup.staging import stage_file
from chatbox.chat import backups, restoring
from chatbox.chat.signin import authenticate
from chatbox.errors import DataFolderError
from chatbox.instance import close_instance
from chatbox.operations import OPERATIONS
from chatbox.store.folder_blobs import FolderBlobs
from tests.backup.support import back_up, upload, upload_file
from tests.chat.support import DAY, HOME, PASSWORD, SetClock, World, error_of, in_world
from tests.chat.talk import do, post
from tests.harness.needs import need

NEW_PASSWORD = "walnut-harbour-kettle-4"


async def restore(world: World, archive: Path) -> str:
    """Stage a backup beside the running instance, and start anew. Gives what was told."""
    told = await OPERATIONS["restore"](world.ctx, {"file": str(archive)})
    await world.restart()
    return str(told["summary"])


async def texts(world: World) -> list[str]:
    return [text for (text,) in await world.rows("SELECT text FROM messages ORDER BY seq")]


async def states(world: World) -> dict[str, tuple[str, str]]:
    rows = await world.rows("SELECT name, state, role FROM users")
    return {name: (state, role) for name, state, role in rows}


@in_world
async def test_the_restored_state_takes_the_place_of_the_old_one_which_is_kept(world: World) -> None:
    ada = await world.set_up()
    await post(world, ada, text="kept")
    picture = await upload(world, ada, b"picture")
    archive = await back_up(world, world.folder / "b.zip")
    await post(world, ada, text="lost")
    later = await upload(world, ada, b"later")
    epoch, server = world.ctx.server.epoch, world.ctx.server.id

    told = await restore(world, archive)
    assert await texts(world) == ["kept", ""]
    assert world.ctx.server.id == server
    assert world.ctx.server.epoch != epoch
    assert upload_file(world, picture).read_bytes() == b"picture"
    assert not upload_file(world, later).exists()
    (aside,) = world.folder.glob("before-restore-*")
    assert str(aside) in told
    assert "restart it" in told
    with closing(sqlite3.connect(aside / "chatbox.sqlite3")) as old:
        assert old.execute("SELECT count(*) FROM messages").fetchone() == (4,)
    assert (aside / "uploads" / later[:2] / later).read_bytes() == b"later"
    assert not (world.folder / "restore").exists()
    assert (await OPERATIONS["check"](world.ctx, {}))["problems"] == []
    await world.restart()
    assert await texts(world) == ["kept", ""]


@in_world
async def test_every_client_is_told_to_load_again(world: World) -> None:
    ada = await world.set_up()
    await post(world, ada)
    before = await do(world, ada, "hello")
    await restore(world, await back_up(world, world.folder / "b.zip"))
    after = await do(
        world, ada, "hello", epoch=before["epoch"], heads={"1": before["rooms"][0]["head"]}, people=0
    )
    assert after["epoch"] != before["epoch"]
    assert after["changes"] == {"1": "reset"}


@in_world
async def test_only_what_is_valid_in_both_goes_on_working(world: World) -> None:
    ada = await world.set_up()
    ben, cleo, dan = [await world.register(name) for name in ("ben", "cleo", "dan")]
    await do(world, ada, "user.role", user=dan.user, role="admin")
    kept_token = (await OPERATIONS["user_token"](world.ctx, {"name": "ben", "label": "kept"}))["token"]
    revoked_token = (await OPERATIONS["user_token"](world.ctx, {"name": "ben", "label": "revoked"}))["token"]
    invite = await do(world, ada, "invite.create", uses=5, days=1)
    revoked = await do(world, ada, "invite.create", uses=5, days=1)
    archive = await back_up(world, world.folder / "b.zip")

    ((revoked_session,),) = await world.rows("SELECT id FROM sessions WHERE label = 'revoked'")
    await do(world, ben, "session.revoke", session=revoked_session)
    await do(world, ada, "user.disable", user=cleo.user)
    await do(world, ada, "user.role", user=dan.user, role="member")
    await do(world, ada, "invite.revoke", invite=revoked["invite"]["id"])
    await OPERATIONS["user_password"](world.ctx, {"name": "dan", "password": NEW_PASSWORD})
    late_token = (await OPERATIONS["user_token"](world.ctx, {"name": "ben", "label": "late"}))["token"]
    await world.register("eve")

    await restore(world, archive)
    assert await states(world) == {
        "ada": ("active", "admin"),
        "ben": ("active", "member"),
        "cleo": ("disabled", "member"),
        "dan": ("active", "member"),
    }
    assert await authenticate(world.ctx, kept_token) is not None
    for token in (revoked_token, late_token):
        assert await authenticate(world.ctx, token) is None
    works = [row[0] for row in await world.rows("SELECT id FROM links WHERE revoked_at IS NULL")]
    assert works == [invite["invite"]["id"]]
    assert (await error_of(world.sign_in("dan"))).code == "forbidden"
    await world.sign_in("dan", NEW_PASSWORD)


@in_world
async def test_there_is_an_admin_even_where_none_is_one_in_both(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    archive = await back_up(world, world.folder / "b.zip")
    await do(world, ada, "user.role", user=ben.user, role="admin")
    await do(world, ben, "user.role", user=ada.user, role="member")
    await restore(world, archive)
    assert (await states(world))["ada"] == ("active", "admin")


async def elsewhere(folder: Path, archive: Path, *, set_up: str = "") -> World:
    """Restore into another folder: an empty one, or one where somebody has set up a server."""
    folder.mkdir()
    other = World(folder, SetClock())
    if set_up:
        await other.start()
        await other.set_up(set_up)
        await close_instance(other.ctx)
    stage_file(archive, folder, folder / "uploads", 1_000_000_000_000)
    await other.start()
    return other


@pytest.mark.parametrize("set_up", ["", "zoe"])
def test_on_another_computer_everybody_signs_in_anew(tmp_path: Path, set_up: str) -> None:
    (tmp_path / "here").mkdir()

    @in_world
    async def scenario(world: World) -> None:
        ada = await world.set_up()
        await upload(world, ada, b"picture")
        await do(world, ada, "invite.create", uses=5, days=1)
        token = (await OPERATIONS["user_token"](world.ctx, {"name": "ada", "label": "bot"}))["token"]
        archive = await back_up(world, tmp_path / "b.zip")
        other = await elsewhere(tmp_path / "there", archive, set_up=set_up)
        try:
            assert other.ctx.server.id == world.ctx.server.id
            assert await states(other) == {"ada": ("active", "admin")}
            assert await authenticate(other.ctx, token) is None
            assert await other.rows("SELECT count(*) FROM links") == [(0,)]
            await other.sign_in("ada", PASSWORD)
            assert other.ctx.setup is None
            assert (await OPERATIONS["check"](other.ctx, {}))["problems"] == []
        finally:
            await close_instance(other.ctx)

    scenario(tmp_path / "here")


@in_world
async def test_a_damaged_database_is_replaced_and_nobody_stays_signed_in(world: World) -> None:
    ada = await world.set_up()
    token = (await OPERATIONS["user_token"](world.ctx, {"name": "ada", "label": "bot"}))["token"]
    await post(world, ada, text="kept")
    archive = await back_up(world, world.folder / "b.zip")
    await close_instance(world.ctx)
    database = world.folder / "chatbox.sqlite3"
    size = database.stat().st_size
    for damage in (b"", b"no database at all", b"\xff" * size):
        database.write_bytes(damage)
        stage_file(archive, world.folder, world.folder / "uploads", 1_000_000_000_000)
        await world.start()
        assert await texts(world) == ["kept"]
        assert await authenticate(world.ctx, token) is None
        await close_instance(world.ctx)
    await world.start()


def test_a_start_with_a_damaged_database_names_the_newest_backup(tmp_path: Path) -> None:
    @in_world
    async def scenario(world: World) -> None:
        await world.set_up()
        await close_instance(world.ctx)
        whole = (world.folder / "chatbox.sqlite3").read_bytes()
        made: Path | None = None
        for _ in range(2):
            (world.folder / "chatbox.sqlite3").write_bytes(b"no database at all" * 100)
            with pytest.raises(DataFolderError, match=f"chatbox restore {made or 'FILE.zip'}$"):
                await world.start()
            (world.folder / "chatbox.sqlite3").write_bytes(whole)
            made = await make_two(world)
        await world.start()

    async def make_two(world: World) -> Path:
        await world.start()
        await backups.run(world.ctx)
        world.clock.forward(ms=DAY)
        made = (await backups.run(world.ctx)).folder
        await close_instance(world.ctx)
        return made

    scenario(tmp_path)


@in_world
async def test_uploads_on_another_disk_are_staged_and_kept_there(world: World) -> None:
    ada = await world.set_up()
    picture = await upload(world, ada, b"picture")
    archive = await back_up(world, world.folder / "b.zip")
    await close_instance(world.ctx)
    disk = Path("/dev/shm") / f"chatbox-test-{world.folder.name}"
    need(
        disk.parent.is_dir() and disk.parent.stat().st_dev != world.folder.stat().st_dev,
        "a second file system",
    )
    try:
        stage_file(archive, world.folder, disk, 1_000_000_000_000)
        assert (disk / "restore" / picture[:2] / picture).exists()
        with pytest.raises(DataFolderError, match=r"\[storage\] uploads has become"):
            apply_staged(world.folder, world.folder / "uploads")
        plan = apply_staged(world.folder, disk)
        assert plan is not None
        assert FolderBlobs(disk).path(picture).read_bytes() == b"picture"
        assert not (disk / "restore").exists()
        stage_file(archive, world.folder, disk, 2_000_000_000_000)
        plan = apply_staged(world.folder, disk)
        assert plan is not None
        assert (disk / plan.aside / picture[:2] / picture).read_bytes() == b"picture"
    finally:
        shutil.rmtree(disk, ignore_errors=True)
    await world.start()


@in_world
async def test_a_second_restore_takes_the_place_of_one_that_waits(world: World) -> None:
    ada = await world.set_up()
    first = await back_up(world, world.folder / "first.zip")
    await post(world, ada, text="later")
    second = await back_up(world, world.folder / "second.zip")
    await OPERATIONS["restore"](world.ctx, {"file": str(first)})
    refusal = await error_of(OPERATIONS["restore"](world.ctx, {"file": str(world.folder / "no.zip")}))
    assert "cannot be read" in refusal.message
    await restore(world, second)
    assert await texts(world) == ["later"]


@in_world
async def test_what_was_never_staged_to_its_end_is_forgotten(world: World) -> None:
    ada = await world.set_up()
    archive = await back_up(world, world.folder / "b.zip")
    await post(world, ada, text="later")
    await OPERATIONS["restore"](world.ctx, {"file": str(archive)})
    (world.folder / "restore" / "plan.json").unlink()
    (world.folder / "restore.part").mkdir()
    await world.restart()
    assert await texts(world) == ["later"]
    assert not (world.folder / "restore").exists()
    assert not (world.folder / "restore.part").exists()


@in_world
async def test_a_damaged_plan_is_told(world: World) -> None:
    await world.set_up()
    archive = await back_up(world, world.folder / "b.zip")
    await OPERATIONS["restore"](world.ctx, {"file": str(archive)})
    (world.folder / "restore" / "plan.json").write_text("{")
    with pytest.raises(DataFolderError, match="restore again"):
        apply_staged(world.folder, world.folder / "uploads")


@in_world
async def test_one_that_began_to_arrive_before_the_setup_is_not_taken_after_it(world: World) -> None:
    """Else whoever has had the code could let it trickle in until there is something to replace."""
    arriving = await restoring.begin(world.ctx, HOME, "b.zip", world.codes[-1])
    await world.set_up()
    archive = await back_up(world, world.folder / "b.zip")
    await arriving.write(archive.read_bytes())
    assert (await error_of(arriving.finish())).code == "signed_out"
    assert not (world.folder / "restore").exists()
    assert not world.ctx.backups.arriving


@in_world
async def test_one_of_an_admin_who_is_none_any_more_is_not_taken(world: World) -> None:
    ada, ben = await world.set_up(), await world.register("ben")
    await do(world, ada, "user.role", user=ben.user, role="admin")
    archive = await back_up(world, world.folder / "b.zip")
    arriving = await restoring.begin(world.ctx, ben, "b.zip", "")
    await arriving.write(archive.read_bytes())
    await do(world, ada, "user.role", user=ben.user, role="member")
    assert (await error_of(arriving.finish())).code == "forbidden"
    assert not (world.folder / "restore").exists()
