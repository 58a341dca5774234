"""The generated pages of docs/."""

from __future__ import annotations

import re

import pytest

from chatbox.docs import FOLDER, PAGES
from chatbox.protocol.commands import all_commands
from chatbox.protocol.frames import CLOSES
from chatbox.protocol.replies import REPLIES
from chatbox.settings import TABLE


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says_now(name: str) -> None:
    stale = f"docs/{name} is stale: run python -m chatbox.docs"
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), stale


def test_every_setting_is_in_the_settings_page() -> None:
    page = (FOLDER / "settings.md").read_text("utf-8")
    assert all(f"| `{row.key}` |" in page for row in TABLE)


def test_every_command_says_what_it_replies() -> None:
    assert REPLIES.keys() == all_commands().keys()
    page = (FOLDER / "api.md").read_text("utf-8")
    for name in all_commands():
        assert "\nReplies " in page.partition(f"### {name}\n")[2].partition("\n### ")[0], name


def test_the_protocol_page_knows_every_error_and_close_code() -> None:
    page = (FOLDER / "protocol.md").read_text("utf-8")
    codes = re.findall(r"^\| `([a-z_]+)` \| \d+ \|$", (FOLDER / "api.md").read_text("utf-8"), re.MULTILINE)
    assert codes
    errors = page.partition("### Errors")[2].partition("### Files")[0]
    assert not [code for code in codes if f"`{code}`" not in errors]
    assert not [close for close in CLOSES if f"| {close.code} |" not in page]
