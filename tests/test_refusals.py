"""What is refused, and what docs/operating.md tells people to do then, under "When something is refused".

What each case gets is asserted where its table is. Here the tables and the page are held together."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from tests.backup.test_archive import TAKEN
from tests.backup.test_bad_backups import CASES, DAMAGED
from tests.browser.test_entrance import LINKS
from tests.bus.test_refused import REFUSED as REDIS_REFUSED
from tests.harness.process import ROOT
from tests.lan.test_pem import BAD
from tests.store.test_postgres_opening import REFUSED as POSTGRES_REFUSED
from tests.test_settings import REFUSED
from tests.web.test_doors import ALERT, HOSTILE

SAID: dict[str, set[str]] = {
    "`chatbox.ini`": set(REFUSED.values()),
    "certificate, key": {words for _, words in BAD},
    "backup": {
        words for table in (CASES, DAMAGED) for _, whole in table.values() for words in whole.split("|")
    },
    "name of a backup": {words for _, words in TAKEN.values()},
    "link, QR code": {words for _, words in LINKS.values()} - {""},
    "PostgreSQL": set(POSTGRES_REFUSED.values()),
    "Redis": REDIS_REFUSED,
    "first byte": {answer.decode() for _, answer in HOSTILE.values() if answer not in {b"", ALERT}},
}


def quoted(area: str) -> list[str]:
    """What the page quotes of an area."""
    page = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("## When something is refused")[2]
    rows = [row for row in page.partition("\n## ")[0].splitlines() if row.startswith(f"| {area} |")]
    return [text for row in rows for text in re.findall(r"`(.*?)`", row.split(" | ")[1])]


def matching(quote: str, said: Iterable[str]) -> set[str]:
    """The sentences of which this is a part; `…` stands for anything."""
    pattern = re.compile(".*".join(re.escape(part) for part in quote.split("…")), re.DOTALL)
    return {words for words in said if pattern.search(words)}


@pytest.mark.parametrize("area", SAID)
def test_what_the_page_quotes_is_said_and_all_that_is_said_stands_there(area: str) -> None:
    quotes = quoted(area)
    assert [quote for quote in quotes if not matching(quote, SAID[area])] == []
    told = set().union(*(matching(quote, SAID[area]) for quote in quotes))
    assert sorted(SAID[area] - told) == []
