"""The generated pages of docs/."""

from __future__ import annotations

import pytest

from chatbox.docs import FOLDER, PAGES
from chatbox.settings import TABLE


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says_now(name: str) -> None:
    stale = f"docs/{name} is stale: run python -m chatbox.docs"
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), stale


def test_every_setting_is_in_the_settings_page() -> None:
    page = (FOLDER / "settings.md").read_text("utf-8")
    assert all(f"| `{row.key}` |" in page for row in TABLE)
