"""The terms of every part: nothing that is needed at run time goes without."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from chatbox import cli, licenses
from tests.harness.process import ROOT


def test_every_package_that_is_needed_at_run_time_is_named_with_its_terms() -> None:
    lines = (ROOT / "requirements" / "runtime.txt").read_text().split("\n")
    pins = [Requirement(line.rstrip("\\ ")) for line in lines if re.match(r"[A-Za-z0-9._-]+==", line)]
    pinned = {pin.name.lower() for pin in pins if pin.marker is None or pin.marker.evaluate()}
    assert len(pinned) > 10
    parts = {part.name.lower().replace("_", "-"): part for part in licenses.collect()}
    assert pinned <= parts.keys()
    for part in parts.values():
        assert part.license, part.name
        assert len(part.text) > 200, part.name
    for name in ("chatbox", "python", "openssl", "sqlite"):
        assert name in parts
    assert "Apache License" in parts["tornado"].text
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in parts["python"].text


def test_a_package_that_tells_no_terms_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "secretive-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: secretive\nVersion: 1.0\n")
    (package / "RECORD").write_text("secretive-1.0.dist-info/METADATA,,\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(LookupError, match="secretive tells no terms"):
        licenses.collect(["secretive"])


def test_the_executable_has_the_list_that_was_made_at_its_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "licenses.json"
    packed.write_text(json.dumps([{"name": "Chatbox", "version": "9", "license": "MIT", "text": "Do good."}]))
    monkeypatch.setattr(licenses, "_PACKED", packed)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    licenses.licenses.cache_clear()
    try:
        assert [part.text for part in licenses.licenses()] == ["Do good."]
    finally:
        licenses.licenses.cache_clear()


def test_the_command_prints_the_list_and_then_all_the_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["licenses"]) == 0
    out = capsys.readouterr().out
    listed, _, terms = out.partition("=" * 78)
    assert listed.startswith("Chatbox ")
    assert re.search(r"^tornado \d", listed, re.MULTILINE)
    assert "May you do good and not evil." in terms
