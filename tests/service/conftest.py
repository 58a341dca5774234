"""A computer with systemd for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatbox.service import plans
from chatbox.service.choice import Machine
from tests.service.system import System


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    made = System(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    machine = Machine("linux", False, lambda name: False)
    for module in ("service_command", "always"):
        monkeypatch.setattr(f"chatbox.{module}.this_machine", lambda: machine)
    monkeypatch.setattr(plans, "TEMPORARY", ())  # where the tests run
    return made
