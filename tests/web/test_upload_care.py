"""Uploads and downloads with slow, broken and racing peers, full disks, and what the sweep leaves."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from chatbox.chat import files
from chatbox.errors import StorageFull
from chatbox.store import blobs
from chatbox.store import files as rows
from chatbox.store.base import Batch, Steps, one
from chatbox.web import uploads
from tests.web.file_support import address, fetch, on_disk, post, private_room, upload
from tests.web.support import Person, Site, settings, until


def half_an_upload(site: Site, who: Person) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    head = f"POST /files?name=a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {who.token}\r\n"
    raw.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b"x" * 500)
    return raw


def test_an_upload_that_breaks_off_leaves_nothing(site: Site) -> None:
    eve = site.add_person("eve")
    before = on_disk(site)
    raw = half_an_upload(site, eve)
    until(lambda: len(on_disk(site)) == len(before) + 1)
    raw.close()
    until(lambda: on_disk(site) == before)
    assert site.ctx.blobs.running[eve.id] == 0


def test_a_client_that_leaves_while_its_upload_begins_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    una = site.add_person("una")
    before, go = on_disk(site), threading.Event()
    receive = site.ctx.blobs.receive

    def slowly(expected: int) -> blobs.Incoming:
        go.wait(10)
        return receive(expected)

    monkeypatch.setattr(site.ctx.blobs, "receive", slowly)
    raw = half_an_upload(site, una)
    until(lambda: site.ctx.blobs.running[una.id] == 1)
    raw.close()
    site.ask("GET", "/healthz")  # by now the server knows that the client is gone
    go.set()
    until(lambda: site.ctx.blobs.running[una.id] == 0 and on_disk(site) == before)


def test_three_uploads_of_one_person_run_at_once(site: Site) -> None:
    eva = site.add_person("eva")
    running = [half_an_upload(site, eva) for _ in range(3)]
    until(lambda: site.ctx.blobs.running[eva.id] == 3)
    answer = site.ask("POST", "/files?name=a", b"x", eva.bearer)
    assert (answer.status, answer.json["error"]["code"]) == (429, "rate_limited")
    for raw in running:
        raw.close()
    until(lambda: site.ctx.blobs.running[eva.id] == 0)
    upload(site, eva)


def test_a_full_disk_is_told(site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = on_disk(site)

    def full(self: blobs.Incoming, chunk: bytes) -> None:
        raise StorageFull

    monkeypatch.setattr(blobs.Incoming, "write", full)
    answer = site.ask("POST", "/files?name=a", b"x" * 290_000, ada.bearer)
    assert (answer.status, answer.json["error"]["code"]) == (507, "storage_full")
    until(lambda: on_disk(site) == before)
    monkeypatch.setattr(blobs, "takes_uploads", lambda total, free, size=0: False)
    assert site.ask("POST", "/files?name=a", b"x", ada.bearer).status == 507


def age(site: Site, file: Any) -> None:
    def change(batch: Batch) -> Steps[None]:
        yield one("UPDATE files SET created_at = created_at - ? WHERE id = ?", 86_400_001, file["id"])

    async def submit() -> None:
        await site.ctx.committer.submit(change)

    site.run(submit())


def test_the_sweep_removes_what_nobody_needs(site: Site, ada: Person, ben: Person) -> None:
    general = site.command(ada, "room.list")["rooms"][0]["id"]
    content = {name: secrets.token_bytes(500) for name in ("posted", "old", "new", "both", "deleted")}
    sent = {name: upload(site, ada, content=data) for name, data in content.items()}
    twin = upload(site, ben, content=content["both"])
    post(site, ada, general, sent["posted"])
    seq = post(site, ada, general, sent["deleted"])
    site.command(ada, "message.delete", room=general, seq=seq)
    for name in ("posted", "old", "both"):
        age(site, sent[name])
    site.run(files.sweep(site.ctx))
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    assert {name for name, hash in hashes.items() if hash in on_disk(site)} == {"posted", "new", "both"}
    assert fetch(site, ada, sent["old"]).status == 404
    assert fetch(site, ada, sent["both"]).status == 404
    assert fetch(site, ben, twin).body == content["both"]


def test_a_sweep_beside_uploads_of_the_same_bytes_loses_none(site: Site, ada: Person) -> None:
    content = secrets.token_bytes(2000)
    for _ in range(20):
        old = upload(site, ada, content=content)
        age(site, old)
        sweeping = threading.Thread(target=lambda: site.run(files.sweep(site.ctx)))
        sweeping.start()
        file = upload(site, ada, content=content)
        sweeping.join()
        assert fetch(site, ada, file).body == content
        age(site, file)
        site.run(files.sweep(site.ctx))


def test_fifty_files_wait_for_their_message(site: Site) -> None:
    iva = site.add_person("iva")
    for _ in range(rows.UNPOSTED_MOST):
        upload(site, iva)
    before = on_disk(site)
    for content in (b"content", b"of", b"more"):
        answer = site.ask("POST", "/files?name=a", content, iva.bearer)
        assert (answer.status, answer.json["error"]["code"]) == (429, "rate_limited")
    until(lambda: on_disk(site) == before)


def test_who_signs_out_during_an_upload_stores_nothing(site: Site) -> None:
    ute = site.add_person("ute")
    raw = half_an_upload(site, ute)
    until(lambda: site.ctx.blobs.running[ute.id] == 1)
    site.command(ute, "session.end")
    raw.sendall(b"x" * 500)
    assert raw.recv(65536).startswith(b"HTTP/1.1 401 ")
    raw.close()


def test_a_slow_body_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    eli = site.add_person("eli")
    monkeypatch.setattr(uploads, "PATIENCE", 0.1)
    before = on_disk(site)
    with half_an_upload(site, eli) as raw:
        assert raw.recv(100) == b""
    until(lambda: on_disk(site) == before)


def being_read(file: Path) -> bool:
    return any(
        os.path.realpath(f"/proc/self/fd/{number}") == str(file) for number in os.listdir("/proc/self/fd")
    )


def test_who_is_taken_out_gets_not_the_rest_of_a_file(tmp_path: Path) -> None:
    site = Site(tmp_path, settings())
    ada, ben = site.add_person("ada"), site.add_person("ben")
    room = private_room(site, ada)
    file = upload(site, ada, content=bytes(20 * 2**20))
    post(site, ada, room, file)
    site.command(ada, "room.invite", room=room, user=ben.id)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", site.port))
        head = f"GET {address(file)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ben.token}\r\n\r\n"
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        site.command(ada, "room.remove", room=room, user=ben.id)
        received = 0
        while part := raw.recv(2**20):
            received += len(part)
        assert received < 20 * 2**20
    site.close()


def test_a_client_that_leaves_after_the_last_byte_breaks_nothing(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    oda = site.add_person("oda")
    for _ in range(30):
        raw = half_an_upload(site, oda)
        until(lambda: site.ctx.blobs.running[oda.id] == 1)
        raw.sendall(b"x" * 500)
        raw.close()
        until(lambda: site.ctx.blobs.running[oda.id] == 0)
    upload(site, oda)
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which files are open")
def test_a_reader_who_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", 0.2)
    site = Site(tmp_path, settings())
    ada = site.add_person("ada")
    size = 20 * 2**20
    file = upload(site, ada, content=bytes(size))
    hash = hashlib.sha256(bytes(size)).hexdigest()
    content = (tmp_path / "uploads" / hash[:2] / hash).resolve()
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", site.port))
        head = f"GET {address(file)} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ada.token}\r\n\r\n"
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        until(lambda: not being_read(content))
        received = 0
        while part := raw.recv(2**20):
            received += len(part)
        assert received < size
    site.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_uploads_are_for_the_servers_account_only(site: Site, ada: Person) -> None:
    upload(site, ada, content=b"for members only")
    folder = site.folder / "uploads"
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}
