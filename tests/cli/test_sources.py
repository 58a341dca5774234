"""Where each setting was said, for the admin who wants to change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbox.arguments import parse_arguments
from chatbox.data_folder import VARIABLE
from chatbox.startup import Start, prepare


def start(*words: str, **environment: str) -> Start:
    return prepare(parse_arguments(words).common, environment)


def test_a_setting_is_known_by_its_line_or_by_what_was_given_at_the_start(home: Path) -> None:
    file = home / "my.ini"
    file.write_text("[server]\n\nport = 9000\nname = Loft\n[log]\nlevel = debug\n")
    found = start(
        "--config", str(file), "--port", "9001", "--set", "log.level=info", "--data", str(home / "x")
    )
    assert found.given == {
        "server.port": "--port",
        "server.name": "my.ini, line 4",
        "log.level": "--set",
        "storage.data": "--data",
    }
    assert found.settings.storage.data == str(home / "x")


@pytest.mark.parametrize(("words", "source"), [([], VARIABLE), (["--data", "/srv/chat"], "--data")])
def test_the_data_folder_of_the_environment_is_known_as_that(
    home: Path, words: list[str], source: str
) -> None:
    assert start(*words, **{VARIABLE: str(home / "chat")}).given == {"storage.data": source}


def test_what_nobody_has_said_has_no_source(home: Path) -> None:
    assert start().given == {}
