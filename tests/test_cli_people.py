"""The commands that remove people and open firewalls, as they are typed and as they answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatbox import cli, operations


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What the operations were asked; they answer that 1,234 messages were deleted."""
    found: list[tuple[str, dict[str, Any]]] = []

    def run(settings: Any, folder: Path, name: str, values: dict[str, Any]) -> dict[str, Any]:
        found.append((name, values))
        return {"deleted": 1234}

    monkeypatch.setattr(operations, "run_offline", run)
    return found


@pytest.mark.parametrize(
    ("words", "messages", "said"),
    [
        (["user", "remove", "ben"], False, "the messages stay"),
        (["user", "remove", "ben", "--delete-messages"], True, "1,234 messages are deleted"),
    ],
)
def test_removing_says_what_became_of_the_messages(
    tmp_path: Path,
    asked: list[tuple[str, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    messages: bool,
    said: str,
) -> None:
    assert cli.main([*words, "--data", str(tmp_path / "chat")]) == 0
    assert asked == [("user_remove", {"name": "ben", "messages": messages})]
    assert capsys.readouterr().out == f"ben is removed, and all sessions have ended; {said}.\n"


@pytest.mark.parametrize(
    ("word", "said"),
    [("disable", "is disabled, and all sessions have ended"), ("enable", "can sign in again")],
)
def test_shutting_out_and_letting_in_again_are_two_commands(
    tmp_path: Path,
    asked: list[tuple[str, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    word: str,
    said: str,
) -> None:
    assert cli.main(["user", word, "ben", "--data", str(tmp_path / "chat")]) == 0
    assert asked == [(f"user_{word}", {"name": "ben"})]
    assert capsys.readouterr().out == f"ben {said}.\n"


def test_the_firewall_command_prints_and_touches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "chat"
    words = ["firewall", "--system", "ufw", "--data", str(folder), "--set", "server.port=8700"]
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "       sudo ufw allow 8700/tcp\n" in out
    assert "client isolation" in out
    assert "Windows" not in out
    assert not folder.exists()


def test_where_no_firewall_is_known_all_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chatbox.lan.firewall.detect_here", lambda: ())
    assert cli.main(["firewall", "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("No firewall that Chatbox knows is at work here.")
    for command in ("netsh advfirewall", "sudo ufw allow 8642/tcp", "sudo firewall-cmd --reload"):
        assert command in out


def test_a_system_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        cli.main(["firewall", "--system", "amiga"])
    assert exit.value.code == 2
    assert "ufw" in capsys.readouterr().err
