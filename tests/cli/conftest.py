"""A home of its own for each test, and something in the place of the operations."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import chatbox


class Offline:
    """Stands for the operations, and notes what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: dict[str, Any] | Exception = {}

    def run_offline(self, settings: Any, folder: Path, name: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((name, args))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = (tmp_path / "home").resolve()
    folder.mkdir()
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "CHATBOX_DATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr("chatbox.startup.program_folder", lambda: folder / "program")
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Offline:
    made = Offline()
    put_in_place(monkeypatch, "operations", run_offline=made.run_offline)
    return made


def put_in_place(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    """Have `from chatbox import name` give a module with these functions."""
    module = types.ModuleType(f"chatbox.{name}")
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(chatbox, name, module, raising=False)


def with_stdin(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), "utf-8"))
