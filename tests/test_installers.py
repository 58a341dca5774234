"""What is made of an executable for other systems, as far as that shows on this one."""

from __future__ import annotations

import plistlib
import re
import subprocess
from pathlib import Path

from chatbox.version import VERSION
from installers import macos_app
from tests.harness.process import ROOT


def test_an_app_of_macos_starts_the_program_inside_it(tmp_path: Path) -> None:
    folder, app = tmp_path / "chatbox", tmp_path / "Chatbox.app"
    (folder / "_internal").mkdir(parents=True)
    (folder / "chatbox").write_text("program")
    for _ in range(2):  # over the one from before
        macos_app.make(folder, app)
    keys = plistlib.loads((app / "Contents/Info.plist").read_bytes())
    start = app / "Contents/MacOS" / keys["CFBundleExecutable"]
    assert start.stat().st_mode & 0o111
    said = start.read_text().replace("exec /usr/bin/open", "echo")
    (started := tmp_path / "Chatbox.app/Contents/MacOS/said").write_text(said)
    printed = subprocess.run(["sh", started], capture_output=True, text=True, check=True).stdout
    program = Path(printed.removeprefix("-a Terminal ").strip())
    assert program.read_text() == "program"
    assert keys["CFBundleShortVersionString"] == VERSION
    assert keys["NSLocalNetworkUsageDescription"]


def test_the_workflow_names_only_what_is_there() -> None:
    text = (ROOT / ".github/workflows/build.yml").read_text()
    modules = set(re.findall(r"-m ((?:tests|installers)[\w.]+)", text))
    files = set(re.findall(r"-r (requirements/\S+)", text)) | {"build.spec", "Makefile"}
    assert modules == {"tests.executable.anywhere", "installers.macos_app"}
    assert all((ROOT / f"{name.replace('.', '/')}.py").exists() for name in modules)
    assert all((ROOT / name).exists() for name in files)
    targets = set(re.findall(r"run: make (\w+)", text))
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
