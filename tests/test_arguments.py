"""The grammar of the command line."""

from __future__ import annotations

import pytest

from chatbox.arguments import parse_arguments
from chatbox.settings import TABLE


def test_without_a_command_it_serves() -> None:
    line = parse_arguments(["--port", "0", "--no-browser", "--ready-file", "r"])
    assert line.command == "serve"
    assert [(item.key, item.value, item.file) for item in line.common.given] == [
        ("port", "0", "--port"),
        ("open_browser", "false", "--no-browser"),
    ]
    assert line.values == {"ready_file": "r"}
    assert parse_arguments(["serve", "--port", "0", "--no-browser", "--ready-file", "r"]) == line


@pytest.mark.parametrize(
    "words",
    [
        "--data d --config c --set a.b=1 --set c.d=2 user list",
        "user list --data d --config c --set a.b=1 --set c.d=2",
        "--data d --set a.b=1 user --config c list --set c.d=2",
    ],
)
def test_common_options_may_stand_before_and_after_the_command(words: str) -> None:
    line = parse_arguments(words.split())
    assert line.command == "user list"
    assert (line.common.data, line.common.config, line.common.overrides) == ("d", "c", ("a.b=1", "c.d=2"))


@pytest.mark.parametrize(
    "words",
    [
        "fly",
        "user",
        "user fly",
        "user add",
        "user token ada",
        "--port 1 user list",
        "user list --no-browser",
        "--dat x",
        "serve extra",
        "--set",
        "move --to postgresql://host/name --uploads /srv/uploads",
        "move --to postgresql://host/name --uploads s3://X",
    ],
)
def test_wrong_arguments_exit_with_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(words.split())
    assert caught.value.code == 2
    assert "chatbox" in capsys.readouterr().err


def test_a_move_may_take_the_uploads_along() -> None:
    words = "move --from postgresql://host/name --uploads s3://chatbox/uploads"
    values = parse_arguments(words.split()).values
    assert values == {"to": None, "source": "postgresql://host/name", "uploads": "s3://chatbox/uploads"}


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out.split()
    assert all(f"{row.section}.{row.key}" in shown for row in TABLE)
