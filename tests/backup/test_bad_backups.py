"""What is given as a backup and is none: each case is refused with words, and nothing is changed."""

from __future__ import annotations

import sqlite3
import stat
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatbox.backup.staging import stage_file
from chatbox.errors import ChatboxError, Invalid
from tests.backup.packing import (
    NOW,
    Change,
    Entries,
    entries_of,
    holds,
    lacks,
    listed,
    named,
    pack,
    refused,
    sql,
    with_database,
    with_meta,
)


def replace_upload(entries: Entries) -> None:
    name = next(name for name in entries if name.startswith("uploads/"))
    entries[name] = b"PICTURE"


def other_program() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (a)")
        return database.serialize()


HASH = "ab" * 32
OTHER = other_program()
CASES: dict[str, tuple[Change, str]] = {
    "no manifest": (lacks("manifest"), "no backup that Chatbox made"),
    "a manifest that is no JSON": (holds("manifest.json", b"{"), "list of contents cannot be read"),
    "a manifest that is something else": (holds("manifest.json", b"[1]"), "list of contents cannot be read"),
    "deep nesting": (holds("manifest.json", b"[" * 100_000), "list of contents cannot be read"),
    "a newer format": (listed(format=2, version="9.0"), r"newer Chatbox \(9.0\)"),
    "a newer schema": (listed(schema=99, version="9.0"), r"newer Chatbox \(9.0\)"),
    "an older format that never was": (listed(format=0), "list of contents is wrong"),
    "a time that never comes": (listed(made_at=2**62), "list of contents is wrong"),
    "a time before all": (listed(made_at=-1), "list of contents is wrong"),
    "a size below nothing": (listed(uploads={HASH: -1}), "list of contents is wrong"),
    "a path as an upload's hash": (
        listed(uploads={"../../etc/passwd": 1}),
        "list of contents cannot be read",
    ),
    "a path as a missing upload's hash": (listed(missing=["../x"]), "list of contents cannot be read"),
    "a hash with more behind it": (listed(missing=[f"{HASH}\n"]), "list of contents cannot be read"),
    "counts of something else": (listed(counts={"cats": 9}), "list of contents cannot be read"),
    "a number that nobody could write": (
        holds("manifest.json", b'{"format": 1' + b"0" * 5000 + b"}"),
        "list of contents cannot be read",
    ),
    "a path that leads out": (holds("../../evil.sh"), "does not belong there: '../../evil.sh'"),
    "an absolute path": (holds("/etc/cron.d/evil"), "does not belong there"),
    "a path of Windows": (holds("..\\evil.exe"), "does not belong there"),
    "settings": (holds("chatbox.ini", b"[server]"), "does not belong there: 'chatbox.ini'"),
    "a key": (holds("tls/chatbox-ca.key"), "does not belong there"),
    "an upload that is not listed": (holds(f"uploads/ab/{HASH}"), "does not belong there"),
    "no database": (lacks("chatbox.sqlite3"), "chatbox.sqlite3 is missing"),
    "a lost upload": (lacks("uploads/"), "is missing in it"),
    "an upload of another size": (holds("chatbox.sqlite3", b"short"), "another size"),
    "a changed upload": (replace_upload, "does not match its checksum"),
    "a changed database": (listed(sha256="0" * 64), "database does not match its checksum"),
    "other counts": (
        listed(counts={"people": 9, "rooms": 1, "messages": 1, "files": 1}),
        "not the one that its list of contents describes",
    ),
    "another server": (listed(server="0" * 16), "not the one that its list of contents describes"),
    "a name that drives the terminal": (named("Attic\x1b[2J"), "list of contents is wrong"),
    "a name that forges a line": (named("Attic\nSetup code: 1"), "list of contents is wrong"),
    "an id that breaks cookies": (
        with_meta("server", "a; Path=/"),
        "list of contents cannot be read",
    ),
    "no epoch": (
        with_database(sql("DELETE FROM meta WHERE key = 'epoch'")),
        "lacks what a server knows of itself",
    ),
    "a clock that is none": (
        with_database(sql("UPDATE meta SET value = 'noon' WHERE key = 'clock'")),
        "lacks what a server knows of itself",
    ),
    "settings that cannot be read": (
        with_database(sql("INSERT INTO meta VALUES ('settings', '[1]')")),
        "lacks what a server knows of itself",
    ),
    "no room of everybody": (
        with_database(sql("UPDATE rooms SET general = 0")),
        "lacks what a server knows of itself",
    ),
    "a text as the database": (with_database(lambda _: b"Dear Ben, " * 999), "no SQLite database"),
    "half a database": (with_database(lambda content: content[:8192]), "damaged"),
    "a database of another program": (
        with_database(lambda _: OTHER),
        "not made by Chatbox",
    ),
    "a trigger": (
        with_database(
            sql("CREATE TRIGGER evil AFTER INSERT ON users BEGIN UPDATE users SET role = 'admin'; END")
        ),
        "not made by Chatbox",
    ),
    "a trigger with a name that is almost one of SQLite's own": (
        with_database(
            sql("CREATE TRIGGER sqlitex AFTER DELETE ON links BEGIN UPDATE users SET role = 1; END")
        ),
        "not made by Chatbox",
    ),
    "a trigger with a name of SQLite's own": (
        with_database(
            sql(
                "CREATE TRIGGER evil AFTER INSERT ON users BEGIN UPDATE users SET role = 'admin'; END",
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_schema SET name = 'sqlite_evil', sql = replace(sql, 'evil', 'sqlite_evil')"
                " WHERE name = 'evil'",
            )
        ),
        "not made by Chatbox",
    ),
    "a view with a name that is almost one of SQLite's own": (
        with_database(sql("CREATE VIEW sqlite1 AS SELECT * FROM users")),
        "not made by Chatbox",
    ),
    "a database of a newer version": (with_database(sql("PRAGMA user_version = 99")), "newer Chatbox"),
    "an upload that the database does not know": (
        with_database(sql("DELETE FROM files")),
        "not the one that its list of contents describes",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_backup_is_refused_with_words(case: str, good: Path, tmp_path: Path) -> None:
    change, words = CASES[case]
    entries = entries_of(good)
    change(entries)
    refusal = refused(pack(entries, tmp_path / "b.zip"), tmp_path)
    assert isinstance(refusal, Invalid)
    assert refusal.field == "file"
    with pytest.raises(ChatboxError, match=words):
        raise refusal
    assert refusal.message.startswith("b.zip cannot be restored. ")
    assert refusal.message.endswith(" Nothing was changed.")


def test_a_good_backup_is_taken(good: Path, tmp_path: Path) -> None:
    """The cases above differ from this in what they name only."""
    (tmp_path / "data").mkdir()
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = pack(entries_of(good), tmp_path / "b.zip", method)
        summary = stage_file(archive, tmp_path / "data", tmp_path / "data" / "uploads", NOW)
        assert "checked and ready: 1 person, 1 room, 1 message, 1 file" in summary


def test_a_database_with_statistics_is_taken(good: Path, tmp_path: Path) -> None:
    entries = entries_of(good)
    with_database(sql("ANALYZE"))(entries)
    (tmp_path / "data").mkdir()
    archive = pack(entries, tmp_path / "b.zip")
    assert "ready" in stage_file(archive, tmp_path / "data", tmp_path / "data" / "uploads", NOW)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[content.index(b"picture")] ^= 1
    return bytes(changed)


def huge_directory(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[-10:-6] = struct.pack("<I", 2**30)
    return bytes(changed)


def in_directory(place: int, value: bytes) -> Callable[[bytes], bytes]:
    """Other bytes at this place of the first entry of the list (APPNOTE 4.3.12)."""

    def change(content: bytes) -> bytes:
        at = content.index(b"PK\x01\x02") + place
        return content[:at] + value + content[at + len(value) :]

    return change


def without_name(content: bytes) -> bytes:
    """What was the name of the first entry is a comment on it."""
    (length,) = struct.unpack_from("<H", content, content.index(b"PK\x01\x02") + 28)
    return in_directory(28, struct.pack("<3H", 0, 0, length))(content)


def with_name_of_no_utf8(content: bytes) -> bytes:
    return in_directory(46, b"\xff")(in_directory(8, b"\x00\x08")(content))


DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda _: b"", "no zip file, or a damaged one"),
    "a letter": (lambda _: b"Dear Ben, " * 1000, "no zip file, or a damaged one"),
    "the first half": (cut, "no zip file, or a damaged one"),
    "another bit": (flip, "no zip file, or a damaged one|does not match its checksum"),
    "a list of a billion bytes": (huge_directory, "too many entries"),
    "a name that is no text": (with_name_of_no_utf8, "no zip file, or a damaged one"),
    "no name": (without_name, "does not belong there: ''"),
    "something behind": (lambda content: content + b"something behind", "no zip file, or a damaged one"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_refused(case: str, good: Path, tmp_path: Path) -> None:
    damage, words = DAMAGED[case]
    (tmp_path / "b.zip").write_bytes(damage(good.read_bytes()))
    with pytest.raises(Invalid, match=words):
        raise refused(tmp_path / "b.zip", tmp_path)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "no.zip", tmp_path):
        with pytest.raises(Invalid, match="cannot be read"):
            raise refused(path, tmp_path)


def test_a_symbolic_link_is_refused(good: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries_of(good).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (
                (stat.S_IFLNK if name == "chatbox.sqlite3" else stat.S_IFREG) | 0o600
            ) << 16
            archive.writestr(entry, content)
    assert "no plain file" in refused(target, tmp_path).message


def test_two_files_of_one_name_are_refused(good: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name, content in entries_of(good).items():
            archive.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("chatbox.sqlite3", b"another")
    assert "two files of one name" in refused(tmp_path / "b.zip", tmp_path).message


def test_other_methods_of_packing_are_refused(good: Path, tmp_path: Path) -> None:
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        archive = pack(entries_of(good), tmp_path / "b.zip", method)
        assert "packed in a way" in refused(archive, tmp_path).message


def test_an_encrypted_file_is_refused(good: Path, tmp_path: Path) -> None:
    content = bytearray(good.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    assert "encrypted" in refused(tmp_path / "b.zip", tmp_path).message
