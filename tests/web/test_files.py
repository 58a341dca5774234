"""Uploads and downloads: who, how much, what kind, and what is left on the disk."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path
from urllib.parse import quote

import pytest

from chatbox.chat.files import sweep
from chatbox.chat.removing import erase
from chatbox.settings import Limits
from chatbox.store.folder_blobs import FolderBlobs
from tests.web.file_support import fetch, on_disk, post, private_room, upload
from tests.web.support import Answer, Person, Site, until

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03" + b"\0" * 64
GIF_WITH_SCRIPT = b"GIF89a=1;alert(1)//" + b"\0" * 64
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"

# Name, content, the type that is told, and whether a browser may show it.
KINDS = [
    ("a.png", PNG, "image/png", True),
    ("a.html", PNG, "image/png", True),
    ("a.svg", SVG, "application/octet-stream", False),
    ("a.png", SVG, "application/octet-stream", False),
    ("a.html", HTML, "application/octet-stream", False),
    ("a.xhtml", HTML, "application/octet-stream", False),
    ("a.js", b"alert(1)", "application/octet-stream", False),
    ("a.pdf", b"%PDF-1.7 <script>", "application/pdf", False),
    ("a.TXT", HTML, "text/plain", False),
    ("noending", b"", "application/octet-stream", False),
    ("a.gif", GIF_WITH_SCRIPT, "image/gif", True),
]

NAMES = [
    ("../../etc/passwd", "passwd"),
    ("..\\..\\boot.ini", "boot.ini"),
    ("..", "file"),
    ("/", "file"),
    (".htaccess", "htaccess"),
    ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x=1.txt"),
    ("photo\u202egnp.exe", "photognp.exe"),
    ("nul.txt", "_nul.txt"),
    ('q"uote.txt', "q_uote.txt"),
    ("Übersicht – 1.pdf", "Übersicht – 1.pdf"),
    ("\ud83d\ude00.txt".encode("utf-16", "surrogatepass").decode("utf-16"), "😀.txt"),
    ("ä" * 300 + ".jpeg", "ä" * 97 + ".jpeg"),
]

RANGES = [
    ("bytes=0-0", 206, (0, 1)),
    ("bytes=10-19", 206, (10, 20)),
    ("bytes=990-", 206, (990, 1000)),
    ("bytes=-10", 206, (990, 1000)),
    ("bytes=-5000", 206, (0, 1000)),
    ("bytes=0-99999", 206, (0, 1000)),
    ("bytes=1000-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=5-2", 200, (0, 1000)),
    ("bytes=0-1,5-6", 200, (0, 1000)),
    ("lines=0-1", 200, (0, 1000)),
    ("bytes=a-b", 200, (0, 1000)),
    ("bytes=-", 200, (0, 1000)),
]


@pytest.mark.parametrize(("name", "content", "kind", "inline"), KINDS)
def test_only_bitmaps_are_ever_shown(
    site: Site, ada: Person, name: str, content: bytes, kind: str, inline: bool
) -> None:
    file = upload(site, ada, name, content)
    assert (file["type"], file["size"]) == (kind, len(content))
    answer = fetch(site, ada, file)
    assert answer.body == content
    assert answer.headers["content-disposition"].startswith("inline;" if inline else "attachment;")
    assert answer.headers["content-type"] == (kind if inline else "application/octet-stream")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"


def test_a_picture_tells_its_size(site: Site, ada: Person) -> None:
    file = upload(site, ada, "a.png", PNG)
    assert (file["width"], file["height"]) == (2, 3)


@pytest.mark.parametrize(("given", "stored"), NAMES)
def test_names_are_made_harmless(site: Site, ada: Person, given: str, stored: str) -> None:
    file = upload(site, ada, given)
    assert file["name"] == stored
    answer = fetch(site, ada, file)
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    if not stored.isascii():
        assert answer.headers["content-disposition"].endswith(f"filename*=UTF-8''{quote(stored, safe='')}")


@pytest.mark.parametrize(("asked", "status", "part"), RANGES)
def test_a_range_is_sent(
    site: Site, ada: Person, asked: str, status: int, part: tuple[int, int] | None
) -> None:
    content = bytes(range(250)) * 4
    file = upload(site, ada, content=content)
    answer = fetch(site, ada, file, Range=asked)
    assert answer.status == status
    if part is None:
        assert answer.headers["content-range"] == "bytes */1000"
    else:
        assert answer.body == content[part[0] : part[1]]
    if status == 206 and part:
        assert answer.headers["content-range"] == f"bytes {part[0]}-{part[1] - 1}/1000"


def test_a_known_copy_is_not_sent_again(site: Site, ada: Person) -> None:
    file = upload(site, ada)
    etag = fetch(site, ada, file).headers["etag"]
    assert fetch(site, ada, file, If_None_Match=etag).status == 304
    assert fetch(site, ada, file, Range="bytes=0-1", If_Range=etag).status == 206
    assert fetch(site, ada, file, Range="bytes=0-1", If_Range='"other"').status == 200
    head = fetch(site, ada, file, method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "7", b"")


def test_a_file_is_read_by_members_of_its_room_only(site: Site, ada: Person, ben: Person) -> None:
    room = private_room(site, ada)
    file = upload(site, ada)
    nowhere = site.ask("GET", "/files/aaaaaaaaaaaaaaaaaaaaaa/x", headers=ben.bearer)

    def refused(answer: Answer) -> bool:
        return (answer.status, answer.body) == (nowhere.status, nowhere.body)

    assert nowhere.status == 404
    assert fetch(site, None, file).status == 401
    assert fetch(site, ada, file).status == 200  # not posted: for its uploader
    assert refused(fetch(site, ben, file))
    seq = post(site, ada, room, file)
    assert refused(fetch(site, ben, file))
    site.command(ada, "room.invite", room=room, user=ben.id)
    assert fetch(site, ben, file).status == 200
    etag = fetch(site, ben, file).headers["etag"]
    site.command(ada, "room.remove", room=room, user=ben.id)
    assert refused(fetch(site, ben, file, If_None_Match=etag))
    assert fetch(site, ada, file).status == 200
    site.command(ada, "message.delete", room=room, seq=seq)
    assert refused(fetch(site, ada, file))


def test_only_own_files_are_posted_and_only_once(site: Site, ada: Person, ben: Person) -> None:
    file = upload(site, ada)
    general = site.command(ada, "room.list")["rooms"][0]["id"]
    body = {"room": general, "nonce": secrets.token_hex(8), "text": "", "files": [file["id"]]}
    assert site.ask("POST", "/api/message.post", body, ben.bearer).json["error"]["field"] == "files"
    post(site, ada, general, file)
    body["nonce"] = secrets.token_hex(8)
    assert site.ask("POST", "/api/message.post", body, ada.bearer).json["error"]["field"] == "files"


def test_nobody_uploads_signed_out(site: Site) -> None:
    before = on_disk(site)
    answer = site.ask("POST", "/files?name=a", b"x" * 100_000)
    assert (answer.status, answer.json["error"]["code"]) == (401, "signed_out")
    assert on_disk(site) == before


def test_a_file_needs_a_name(site: Site, ada: Person) -> None:
    assert site.ask("POST", "/files", b"x", ada.bearer).json["error"]["field"] == "name"


def test_too_much_is_refused_announced_or_not(site: Site, ada: Person) -> None:
    before = on_disk(site)
    answer = site.ask("POST", "/files?name=a", b"x" * 300_001, ada.bearer)
    assert (answer.status, answer.json["error"]["code"]) == (413, "too_large")
    chunks = (b"x" * 50_000 for _ in range(7))
    assert site.ask("POST", "/files?name=a", chunks, ada.bearer).status == 413
    until(lambda: on_disk(site) == before)
    assert upload(site, ada, content=(b"x" * 50_000 for _ in range(6)))["size"] == 300_000


def test_the_same_bytes_are_stored_once(site: Site, ada: Person, ben: Person) -> None:
    content = secrets.token_bytes(1000)
    hash = hashlib.sha256(content).hexdigest()
    one, other = upload(site, ada, content=content), upload(site, ben, content=content)
    assert one["id"] != other["id"]
    path = site.folder / "uploads" / hash[:2] / hash
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert fetch(site, ada, one).body == fetch(site, ben, other).body == content


def test_a_missing_content_is_no_traceback(site: Site, ada: Person) -> None:
    file = upload(site, ada, content=secrets.token_bytes(99))
    for path in (site.folder / "uploads").rglob("*"):
        if path.is_file() and path.stat().st_size == 99:
            path.unlink()
    assert fetch(site, ada, file).status == 404


def test_leftovers_are_removed_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "x.part").write_bytes(b"half")
    FolderBlobs(tmp_path).prepare()
    assert list((tmp_path / "incoming").iterdir()) == []


def test_the_limit_in_the_answer_is_readable(site: Site, ada: Person) -> None:
    message = site.ask("POST", "/files?name=a", b"x" * 300_001, ada.bearer).json["error"]["message"]
    assert re.search(r"300,000 bytes", message)
    assert Limits().file_bytes == 25 * 2**20


def test_files_of_who_is_removed_with_all_messages_go_from_the_disk(site: Site, ada: Person) -> None:
    former = site.add_person("former")
    mine, theirs = upload(site, former, content=b"only in one place"), upload(site, ada, content=b"stays")
    post(site, former, 1, mine)
    post(site, ada, 1, theirs)
    assert fetch(site, ada, mine).body == b"only in one place"
    site.run(sweep(site.ctx))  # of what other tests have left
    hashes = on_disk(site)
    site.command(ada, "user.delete", user=former.id, messages=True)
    site.run(erase(site.ctx))
    assert fetch(site, ada, mine).status == 404
    assert fetch(site, ada, theirs).body == b"stays"
    assert hashes - on_disk(site) == {hashlib.sha256(b"only in one place").hexdigest()}
