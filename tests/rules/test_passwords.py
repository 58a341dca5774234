"""Which passwords are refused."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbox.errors import Invalid
from chatbox.rules import passwords
from chatbox.rules.common_passwords import BASES


@pytest.mark.parametrize(
    "password",
    [
        "correct-zebra-lamp",
        "kaJ8#nq02x",
        "wind over the harbour",
        "correct horse battery staple",
        "dragon-monkey-4",
        "мой дом в деревне",
        "tr0ub4dor&3x",
        "x" * 60 + "yzab2" * 13,
    ],
)
def test_a_password_that_is_long_and_uncommon_is_accepted(password: str) -> None:
    passwords.check(password, "ada", "Office")


def test_length_is_counted_in_composed_characters() -> None:
    passwords.check("é" + "kaJ8#nq02")
    with pytest.raises(Invalid, match="too short"):
        passwords.check("e\u0301" + "kaJ8#nq0")
    passwords.check("kaJ8#nq02x" * 12 + "zaqrtuio")
    with pytest.raises(Invalid, match="too long"):
        passwords.check("kaJ8#nq02x" * 13)


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "P@ssw0rd2024!!",
        "Passw0rd!!",
        "iloveyou123",
        "welcome2024!",
        "Summer2024Summer",
        "letmein12345",
        "$ecret12345",
        "hunter2hunter2",
        "administrator",
        "ch@tbox2024",
        "3141592653",
        "Motdepasse1",
        "пароль12345",
        "1Qwerty!234",
        "QWERTY uiop",
    ],
)
def test_a_common_password_is_refused_in_any_disguise(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password)
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaa",
        "abababababab",
        "abcabcabcabc",
        "1234567890",
        "0987654321",
        "qwertyuiop",
        "poiuytrewq",
        "йцукенгшщз",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "zaq12wsxcde3",
        "1122334455",
        "abcdefghij",
        "qweasdzxc1",
        "123456789a",
        "7777777771",
    ],
)
def test_patterns_and_keyboard_runs_are_refused(password: str) -> None:
    with pytest.raises(Invalid, match="pattern"):
        passwords.check(password)


@pytest.mark.parametrize(
    "password",
    ["adalovelace", "AdaLovelace1815", "ada.lovelace!", "adalovelaceada", "officeserver", "Office Server 1"],
)
def test_a_password_that_says_only_a_name_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="name"):
        passwords.check(password, "ada.lovelace", "Office Server")


def test_a_short_name_in_a_random_password_is_no_reason_to_refuse_it() -> None:
    passwords.check("7#92-a-0415$", "a")


@pytest.mark.parametrize("year", range(1960, 2031, 7))
@pytest.mark.parametrize("base", ["welcome", "Liverpool", "sunshine", "Wachtwoord"])
def test_a_common_word_with_a_year_is_refused(base: str, year: int) -> None:
    for password in (f"{base}{year}!", f"{year}{base}", f"{base}@{year}"):
        with pytest.raises(Invalid):
            passwords.check(password)


def test_the_list_is_lower_case_and_large() -> None:
    assert len(BASES) > 500
    assert all(base == base.casefold() for base in BASES)


@given(st.text(max_size=140), st.text(max_size=40))
def test_every_text_is_either_accepted_or_refused(password: str, name: str) -> None:
    with contextlib.suppress(Invalid):
        passwords.check(password, name)


@pytest.mark.parametrize("password", ["a" * 127 + "b", "ab" * 64, "abc1" * 32, "!" * 128, "ß" * 128])
def test_a_check_takes_little_time(password: str) -> None:
    began = time.thread_time()
    with pytest.raises(Invalid):
        passwords.check(password, "ada")
    assert time.thread_time() - began < 0.02
