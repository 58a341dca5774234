"""Names: what they may look like, and when two are the same."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbox.errors import Invalid
from chatbox.rules import names


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "Ada",
        "ada.lovelace",
        "a",
        "7of9",
        "jean-luc",
        "x_y",
        "admin",
        "Åsa",
        "太郎",
        "नीति",
        "محمد",
        "a" * 40,
    ],
)
def test_a_user_name_holds_letters_and_digits_of_any_script(name: str) -> None:
    assert names.user_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "a b",
        ".ada",
        "-ada",
        "_ada",
        "ada.",
        "ada@home",
        "a/b",
        "a\tb",
        "a\x00b",
        "a" * 41,
        "ad\u00ada",
        "\u200bada",
        "ad\u202ea",
        "a\u200da",
        "\u3164",
        "a\u3164",
        "\ud800",
        "😀",
        "ﷺ",
        "\u0301a",
        "a\ufe0f",
        "½",
        "a #",
    ],
)
def test_a_user_name_with_anything_else_is_refused_naming_the_field(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        names.user_name(name)
    assert refused.value.field == "name"
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize("name", ["all", "HERE", "Everyone", "room", "ｃｈａｎｎｅｌ", "ChatBox"])
def test_reserved_names_are_refused_however_they_are_written(name: str) -> None:
    with pytest.raises(Invalid, match="reserved"):
        names.user_name(name)


def test_a_user_name_is_stored_composed_and_without_white_space_around_it() -> None:
    assert names.user_name(" A\u030asa\n") == "Åsa"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ADA"),
        ("straße", "STRASSE"),
        ("Åsa", "a\u030asa"),
        ("ｆｕｌｌ", "full"),
        ("ﬁn", "FIN"),
        ("ΣΑΣ", "σας"),
    ],
)
def test_names_that_differ_in_case_width_or_composition_are_the_same(one: str, other: str) -> None:
    assert names.name_key(one) == names.name_key(other)


def test_the_key_of_a_key_is_itself_for_every_character() -> None:
    for code in range(sys.maxunicode + 1):
        key = names.name_key(chr(code))
        assert names.name_key(key) == key, hex(code)


@given(st.text())
def test_the_key_does_not_depend_on_composition(text: str) -> None:
    key = names.name_key(text)
    assert names.name_key(key) == key
    assert names.name_key(unicodedata.normalize("NFD", text)) == key


@given(st.text(max_size=50))
def test_an_accepted_user_name_is_accepted_again_unchanged(text: str) -> None:
    try:
        name = names.user_name(text)
    except Invalid:
        return
    assert names.user_name(name) == name
    assert all(names.is_name_character(character) for character in name)


def test_a_full_name_is_trimmed_and_its_spaces_collapsed() -> None:
    assert names.full_name("  Ada \t King\n") == "Ada King"
    assert names.full_name("") == ""


@pytest.mark.parametrize("name", ["Ada 👩\u200d💻", "می\u200cخواهم", "I ❤\ufe0f NY", "🫨", "क्\u200dष"])
def test_joiners_stay_where_scripts_and_emoji_need_them(name: str) -> None:
    assert names.full_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "\u200dAda",
        "Ada\u200d",
        "A \u200d b",
        "A\u200bda",
        "\u202eadA",
        "A\x07da",
        "\u2800",
        "\ufe0f",
        "A\u2066",
    ],
)
def test_a_full_name_without_visible_trace_or_with_bidi_controls_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="invisible"):
        names.full_name(name)


def test_a_pile_of_combining_marks_is_refused() -> None:
    assert names.full_name("q" + "\u0323" * 4)
    with pytest.raises(Invalid, match="combining"):
        names.full_name("q" + "\u0323" * 5)
    with pytest.raises(Invalid, match="combining"):
        names.user_name("q" + "\u0323" * 5)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("#general", "general"),
        ("  # Lunch   plans ", "Lunch plans"),
        ("日本語", "日本語"),
        ("☕ coffee", "☕ coffee"),
    ],
)
def test_a_room_name_loses_its_hash_and_doubled_spaces(typed: str, stored: str) -> None:
    assert names.room_name(typed) == stored


@pytest.mark.parametrize("name", ["", "#", "##x", "!!!", "a" * 41, "a\u202eb"])
def test_a_room_name_without_a_letter_or_digit_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        names.room_name(name)
    assert refused.value.field == "name"


def test_topic_status_and_server_name_are_one_line_within_their_limits() -> None:
    assert names.topic("one\ntwo") == "one two"
    assert names.topic("") == names.status_text("") == ""
    assert len(names.topic("x" * 250)) == 250
    assert len(names.status_text("x" * 100)) == 100
    assert len(names.server_name("x" * 60)) == 60
    for rule, text in (
        (names.topic, "x" * 251),
        (names.status_text, "x" * 101),
        (names.server_name, "x" * 61),
    ):
        with pytest.raises(Invalid, match="too long"):
            rule(text)
    with pytest.raises(Invalid, match="empty"):
        names.server_name(" ")
