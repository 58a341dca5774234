"""Names, kinds and parts of files."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as some

from chatbox.rules.files import INLINE, NAME_BYTES, byte_range, disposition, file_kind, file_name


@given(some.text(max_size=300))
def test_every_name_becomes_harmless(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name.encode()) <= NAME_BYTES
    assert not re.search(r'[<>:"|?*/\\]', name)
    assert all(unicodedata.category(character) not in ("Cc", "Cs") for character in name)
    assert name not in (".", "..")
    assert not name.startswith(".")
    assert file_name(name) == name


@given(some.text(max_size=300), some.sampled_from(["image/png", "text/html", "image/svg+xml"]))
def test_a_disposition_is_one_plain_header(text: str, kind: str) -> None:
    header = disposition(file_name(text), kind)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith("inline;" if kind in INLINE else "attachment;")


@given(some.text(max_size=20), some.binary(max_size=100))
def test_no_kind_is_one_that_a_browser_runs(name: str, head: bytes) -> None:
    kind = file_kind(name, head)[0]
    assert not re.search("html|svg|xml|script", kind) or kind.startswith("application/vnd.openxml")


@given(some.text(max_size=30), some.integers(0, 1000))
def test_a_range_lies_within_the_file(header: str, size: int) -> None:
    for asked in (header, f"bytes={header}"):
        try:
            found = byte_range(asked, size)
        except ValueError:
            continue
        assert found is None or 0 <= found[0] < found[1] <= size
