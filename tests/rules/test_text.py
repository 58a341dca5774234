"""Text from people: what may come in, and how it is shown where a terminal reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbox.errors import Invalid, TooLarge
from chatbox.rules import text

LIMIT = 16_384


def test_a_text_is_kept_as_it_was_typed() -> None:
    assert text.message_text("  a\r\nb\rc\t\n\n ", LIMIT) == "  a\r\nb\rc\t\n\n "


@pytest.mark.parametrize("empty", ["", "  \n\t", "\u200b\u2060", "\u3164 \ufeff"])
def test_a_message_that_shows_nothing_is_refused_unless_files_come_with_it(empty: str) -> None:
    with pytest.raises(Invalid, match="empty") as refused:
        text.message_text(empty, LIMIT)
    assert refused.value.field == "text"
    text.message_text(empty, LIMIT, has_files=True)


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\x07", "\x0b", "\x7f", "\x85", "\x9b", "\udfff"])
@pytest.mark.parametrize("shape", ["a{}b", "{}", "a{}"])
def test_control_characters_and_lone_surrogates_are_refused(bad: str, shape: str) -> None:
    with pytest.raises(Invalid, match=f"U\\+{ord(bad):04X}"):
        text.message_text(shape.format(bad), LIMIT)


def test_the_limit_counts_bytes() -> None:
    assert text.message_text("é" * 8_192, LIMIT) == "é" * 8_192
    for too_long in ("é" * 8_193, "a" * 16_385, "😀" * 4_097):
        with pytest.raises(TooLarge) as refused:
            text.message_text(too_long, LIMIT)
        assert refused.value.field == "text"


@given(st.text())
def test_an_accepted_text_is_accepted_again_unchanged(typed: str) -> None:
    try:
        accepted = text.message_text(typed, LIMIT)
    except (Invalid, TooLarge):
        return
    assert text.message_text(accepted, LIMIT) == accepted
    accepted.encode()


def test_controls_are_spelled_out_for_logs_and_terminals() -> None:
    assert text.escape_controls("a\x1b[2Jb\nc\u202ed\u2028e\x9bf") == "a\\x1b[2Jb\\x0ac\\u202ed\\u2028e\\x9bf"
    assert text.escape_controls("\ud800") == "\\ud800"
    assert text.escape_controls("Åsa 太郎 😀") == "Åsa 太郎 😀"


@given(st.text())
def test_an_escaped_text_is_one_printable_line(typed: str) -> None:
    shown = text.escape_controls(typed)
    assert len(shown.splitlines()) <= 1
    assert text.escape_controls(shown) == shown
    shown.encode()
