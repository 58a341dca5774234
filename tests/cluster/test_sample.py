"""The settings that docs/scaling.md shows are right as they stand there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from chatbox import settings_file
from chatbox.settings_parser import override, parse
from tests.harness.process import ROOT


def test_the_sample_of_the_page_can_be_used_as_it_is(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text("utf-8")
    (block,) = re.findall(r"(?m)^( {7}\[server\]\n(?:(?: {7}.*)?\n)+)", page)
    file = tmp_path / "chatbox.ini"
    file.write_text(textwrap.dedent(block), "utf-8")
    ini = settings_file.read(file)
    settings = parse(ini.items, (), ini.problems)
    assert settings.cluster.redis == "redis://192.168.1.21"
    assert settings.cluster.key
    assert settings.storage.database.endswith("/chatbox")
    assert settings.server.hosts == ("chat.example.org",)
    assert not settings.server.short_address


def test_the_sample_of_a_bucket_can_be_used_as_it_is(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scaling.md").read_text("utf-8")
    (block,) = re.findall(r"(?m)^( {4}\[storage\]\n(?:(?: {4}.*)?\n)+)", page)
    file = tmp_path / "chatbox.ini"
    file.write_text(textwrap.dedent(block), "utf-8")
    ini = settings_file.read(file)
    settings = parse(ini.items, [override("storage.database=postgresql://host/name")], ini.problems)
    assert settings.storage.in_bucket
    assert settings.s3.endpoint == "https://s3.example.org"
