"""What a test needs of its machine: where it is missing the test is skipped, with CHATBOX_CI=1 it fails."""

from __future__ import annotations

import os
import subprocess

import pytest


def need(present: bool, what: str) -> None:
    """Skip the test unless this is there."""
    if present:
        return
    reason = f"this needs {what}"
    if os.environ.get("CHATBOX_CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def works(*command: str) -> bool:
    """Whether a command is there, and ends well."""
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except OSError:
        return False
