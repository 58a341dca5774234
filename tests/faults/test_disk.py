"""Full, failing and read-only disks: nothing is acknowledged that is not stored, and reading goes on."""

from __future__ import annotations

import errno
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.disk_users import Reader, Sender, upload, upload_of_unknown_size
from tests.faults.disks import MIB, FailingCalls, SmallDisk, breaking_disk, small_disk
from tests.harness.checker import check_known, check_numbers, check_sent, stored, transcript
from tests.harness.figures import record
from tests.harness.http import Http
from tests.harness.node import NodeClient
from tests.harness.process import PASSWORD, Person, Server, serving
from tests.harness.running import amount, on_a_loop

LARGEST = 16 * MIB
FAULTS = {
    "fsync": {"sync": errno.EIO},
    "write": {"write": errno.EIO},
    "read-only": {"write": errno.EROFS, "open": errno.EROFS},
}


@asynccontextmanager
async def _talking(folder: Path, server: Server) -> AsyncIterator[tuple[Sender, Reader, list[Person]]]:
    """A server with somebody who posts without end and somebody who reads; in the end all must be right."""
    server.expected = (
        "chatbox.log cannot be written: ",
        "chatbox.store: the database cannot be written: ",
        "chatbox.store: the database can be written again",
        "chatbox.store: the log could not be taken into the database: ",
        "chatbox.blobs: an upload could not be written: ",
    )
    async with serving(folder, people=3, server=server) as (_, people):
        await server.told("HTTPS answers on the same port")  # its certificates are on the disk by then
        sender, reader = Sender(server, people[0]), Reader(server, people[1])
        await reader.prepare()
        await sender.start()
        await sender.stored(20)
        yield sender, reader, people
        await sender.stored(20)
        await sender.stop()
        await reader.read()
        await sender.client.settle()
        rooms = stored(server)
        check_sent(rooms, [sender.sent], in_order=False)
        known = {1: transcript(sender.client.mirror.rooms[1].messages.values())}
        check_known(rooms, known, sender.client.person.name)
        check_numbers(server)
        await server.check()
        await sender.client.close()


async def _upload_code(server: Server, person: Person, size: int = 1000) -> str:
    answer = await upload(server, person, bytes(size))
    return "" if answer.status == 200 else str(answer.json["error"]["code"])


@on_a_loop(600)
async def test_a_full_disk_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path, {"limits.file_bytes": str(LARGEST)})
    with small_disk(server, 160 * MIB) as disk:
        async with _talking(tmp_path, server) as (sender, reader, people):
            web = NodeClient(server, people[2])
            await web.start()
            await _uploads_leave_room(server, people[1], sender, disk)
            waits = [
                await _fill_and_empty(server, people[1], sender, reader, disk, web)
                for _ in range(amount("DISK_ROUNDS", 1))
            ]
            record("longest wait for a stored message after room was made", max(waits), "s")
            record("longest wait for a refusal", max(seconds for _, seconds in sender.refused), "s")
            assert "(SQLITE_FULL)" in server.log
            assert server.log.count("ERROR") < len(sender.refused) / 2, "each refusal was logged"
            await web.stop()
            await _stop_and_start_when_full(server, sender, disk)


async def _uploads_leave_room(server: Server, person: Person, sender: Sender, disk: SmallDisk) -> None:
    """They are refused while there is still room for messages, however large they said they are."""
    assert await _upload_code(server, person, LARGEST + 1) == "too_large"
    disk.fill(leave=72 * MIB)
    assert await _upload_code(server, person, LARGEST) == "storage_full"
    assert await upload_of_unknown_size(server, person, LARGEST) == "storage_full"
    assert await _upload_code(server, person, MIB) == ""
    disk.empty()
    assert await _upload_code(server, person, LARGEST) == ""
    await sender.stored(20)
    assert not sender.refused


async def _fill_and_empty(
    server: Server, person: Person, sender: Sender, reader: Reader, disk: SmallDisk, web: NodeClient
) -> float:
    """Returns the seconds from when there was room to when something was stored again."""
    disk.fill()
    assert await sender.refusals(20) == {"storage_full"}
    await reader.read()
    assert await _upload_code(server, person) == "storage_full"
    http = Http(server.port)
    answer = await http.command("session.create", name=person.name, password=PASSWORD)
    await http.close()
    assert answer.status in (200, 507), answer.body  # what is small may still find a place in the log
    if amount("WEB_WAITS", 0):  # for it tries again after 30 seconds
        await web.ask("post", room=1, text="written while the disk was full")
    begin = time.monotonic()
    disk.empty()
    await sender.stored(1)
    waited = time.monotonic() - begin
    assert await _upload_code(server, person) == ""
    await web.ask("sync")
    return waited


async def _stop_and_start_when_full(server: Server, sender: Sender, disk: SmallDisk) -> None:
    """It stops as ever; a start says what is wrong, and after room was made works."""
    disk.fill()
    await sender.refusals(5)
    await sender.stop()
    assert await server.stop() == 0
    with pytest.raises(AssertionError, match="the server ended with 4"):
        await server.start()
    assert "is full. Make room on it, then start again." in server.log
    disk.empty()
    await server.start()
    await sender.start()


@pytest.mark.parametrize("fault", FAULTS)
@on_a_loop(300)
async def test_a_failing_disk_loses_nothing(tmp_path: Path, fault: str) -> None:
    server = Server(tmp_path)
    calls = FailingCalls(server, tmp_path)
    async with _talking(tmp_path, server) as (sender, reader, people):
        for _ in range(amount("DISK_ROUNDS", 1)):
            calls.set(**FAULTS[fault])
            assert await sender.refusals(20) == {"unavailable"}
            await reader.read()
            assert await _upload_code(server, people[2]) == "unavailable"
            calls.set()
            await sender.stored(20)
            assert await _upload_code(server, people[2]) == ""
        assert calls.failed
        assert server.log.count("ERROR") < len(sender.refused) / 2, "each refusal was logged"
        calls.set(**FAULTS[fault])
        await sender.refusals(5)
        await server.kill()
        calls.set()
        await sender.stop()
        await server.start()
        await sender.start()


@on_a_loop(300)
async def test_a_disk_that_turns_read_only_loses_nothing(tmp_path: Path) -> None:
    """Its files can only be written again once it is mounted anew, which takes a restart of the server."""
    server = Server(tmp_path)
    with breaking_disk(server, tmp_path) as disk:
        async with _talking(tmp_path, server) as (sender, reader, people):
            for _ in range(amount("DISK_ROUNDS", 1)):
                disk.fail()
                assert await sender.refusals(20) == {"unavailable"}
                await reader.read()
                assert await _upload_code(server, people[2]) == "unavailable"
                await sender.stop()
                assert await server.stop() == 0
                disk.mend()
                await server.start()
                await sender.start()
