"""chatbox.ini: what is written at the first start, and what is understood of what people make of it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from chatbox import settings_file
from chatbox.settings import TABLE, Settings
from chatbox.settings_parser import SettingsError, parse


def test_a_new_file_names_every_setting_commented_out_and_means_the_defaults() -> None:
    text = settings_file.template()
    ini = settings_file.scan(text, "chatbox.ini")
    assert parse(ini.items, (), ini.problems) == Settings()
    assert re.findall(r"^#(\w+) =", text, re.MULTILINE) == [row.key for row in TABLE]
    assert max(map(len, text.split("\n"))) <= 110


def test_removing_the_mark_in_front_of_every_setting_gives_the_defaults_too() -> None:
    text = re.sub(r"^#(?=\w+ =)", "", settings_file.template(), flags=re.MULTILINE)
    ini = settings_file.scan(text, "chatbox.ini")
    assert len([item for item in ini.items if item.key]) == len(TABLE)
    assert parse(ini.items, (), ini.problems) == Settings()


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_line_end_and_a_byte_order_mark_are_read(tmp_path: Path, line_end: str, mark: str) -> None:
    path = tmp_path / "chatbox.ini"
    lines = ["[Server]", "; a comment", "  PORT=99", "name = Büro = 1", "", "[log]", "level: x"]
    path.write_bytes((mark + line_end.join(lines)).encode())
    ini = settings_file.read(path)
    assert [(item.section, item.key, item.value, item.line) for item in ini.items] == [
        ("server", "", "", 1),
        ("server", "port", "99", 3),
        ("server", "name", "Büro = 1", 4),
        ("log", "", "", 6),
    ]
    assert [str(problem) for problem in ini.problems] == [
        f'{path}, line 7: expected "key = value", got "level: x".'
    ]


def test_five_problems_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.ini"
    path.write_text(
        "port = 1\n[server]\nport = x\nnaem = y\n[logs]\nlevel = info\n[limits]\nqueue\nqueue = 1\n"
    )
    ini = settings_file.read(path)
    with pytest.raises(SettingsError) as caught:
        parse(ini.items, (), ini.problems)
    assert [problem.line for problem in caught.value.problems] == [1, 3, 4, 5, 8, 9]
    assert [problem.did_you_mean for problem in caught.value.problems] == [
        None,
        None,
        "name",
        "log",
        None,
        None,
    ]
    assert all(problem.file == str(path) for problem in caught.value.problems)


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.ini"
    path.write_bytes(b"[server]\nname = B\xfcro\n")
    with pytest.raises(SettingsError, match=r"line 2: is not UTF-8 text"):
        settings_file.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.ini: cannot be read"):
        settings_file.read(tmp_path / "nothing.ini")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_commenting_out_changes_one_line_and_nothing_else(tmp_path: Path, line_end: str) -> None:
    before = [
        "\ufeff# mine",
        "[server]",
        "name = recover_admin",
        "[ people ]",
        " Recover_Admin =  ada",
        "#x",
        "",
    ]
    after = [*before[:4], "#Recover_Admin =  ada", *before[5:]]
    path = tmp_path / "chatbox.ini"
    path.write_bytes(line_end.join(before).encode())
    settings_file.comment_out(path, "people", "recover_admin")
    assert path.read_bytes().decode() == line_end.join(after)


def test_commenting_out_leaves_the_same_key_of_other_sections() -> None:
    text = "[log]\nlevel = info\n[server]\nlevel = info\n"
    assert (
        settings_file.commented_out(text, "server", "level")
        == "[log]\nlevel = info\n[server]\n#level = info\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="POSIX file modes and links")
def test_a_changed_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.ini", tmp_path / "chatbox.ini"
    real.write_text("[log]\nlevel = info\n")
    real.chmod(0o640)
    link.symlink_to(real)
    settings_file.comment_out(link, "log", "level")
    assert link.is_symlink()
    assert real.read_text() == "[log]\n#level = info\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [link, real]


@pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")
def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.ini"
    settings_file.write_template(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[server]\n#port = 8642\n", "[server]\nport = 8643\n"),
        ("[server]\n#port = 1\nport = 2\n", "[server]\n#port = 1\nport = 8643\n"),
        (
            "\ufeff[Server]\r\n; Port = 1\r\n[log]\r\n#port = 2\r\n",
            "\ufeff[Server]\r\nport = 8643\r\n[log]\r\n#port = 2\r\n",
        ),
        ("[log]\nlevel = info", "[log]\nlevel = info\n\n[server]\nport = 8643\n"),
        ("[server]\n# Port to listen on.\n", "[server]\n# Port to listen on.\n\n[server]\nport = 8643\n"),
    ],
)
def test_a_setting_is_set_and_all_else_stays(before: str, after: str) -> None:
    assert settings_file.with_value(before, "server", "port", "8643") == after
    assert settings_file.scan(after, "x").problems == ()


def test_a_setting_in_the_template_is_set_where_it_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.ini"
    settings_file.write_template(path)
    settings_file.set_value(path, "server", "port", "8643")
    assert parse(settings_file.read(path).items).server.port == 8643
    assert path.read_text() == settings_file.template().replace("#port = 8642", "port = 8643")
    assert path.stat().st_mode & 0o777 == 0o600
