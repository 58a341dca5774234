"""Finding @names in text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbox.rules import mentions
from chatbox.rules.names import name_key

PEOPLE = {
    name_key(name): user for user, name in enumerate(["Ada", "ada.bob", "x-y_z", "太郎", "Åsa", "民수", "7"])
}


def found(text: str) -> list[str]:
    return [text[mention.start : mention.end] for mention in mentions.find(text, PEOPLE)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada", ["@ada"]),
        ("@ADA!", ["@ADA"]),
        ("hi @ada.", ["@ada"]),
        ('@ada\'s (@ada) "@ada"', ["@ada", "@ada", "@ada"]),
        ("@ada, @ada: @ada; @ada?", ["@ada"] * 4),
        ("@ada.bob", ["@ada.bob"]),
        ("@ada.bob.", ["@ada.bob"]),
        ("@ada.bobby", ["@ada"]),
        ("@ada-hoc @x-y_z_", ["@ada", "@x-y_z"]),
        ("*@ada* _@ada_", ["@ada", "@ada"]),
        ("@太郎さん、@太郎", ["@太郎", "@太郎"]),
        ("@adaさん", ["@ada"]),
        ("@a\u030asa", ["@a\u030asa"]),
        ("@7", ["@7"]),
        ("@ada/@ada", ["@ada", "@ada"]),
        ("😀@ada", ["@ada"]),
    ],
)
def test_a_name_after_an_at_is_found_with_punctuation_left_outside(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "@ ada",
        "@nobody",
        "@adab",
        "bob@ada",
        "bob@ada.org",
        "@@ada",
        "@ada@example.org",
        "é@ada",
        "e\u0301@ada",
    ],
)
def test_words_addresses_and_unknown_names_mention_nobody(text: str) -> None:
    assert found(text) == []


def test_a_mention_says_who_is_meant() -> None:
    assert list(mentions.find("hi @ADA", {"ada": 42})) == [mentions.Mention(3, 7, 42)]


@given(st.text(alphabet="@ab.-_ 太é\u0301", max_size=60))
def test_mentions_are_in_order_apart_and_somebodys(text: str) -> None:
    people = {"a": 1, "b": 2, "a.b": 3, "太": 4}
    end = 0
    for mention in mentions.find(text, people):
        assert mention.start >= end
        assert text[mention.start] == "@"
        assert people[name_key(text[mention.start + 1 : mention.end])] == mention.user
        end = mention.end


@pytest.mark.parametrize(
    "unit", ["@", " @", "@a", " @ada", " @" + "が" * 39, " @" + "太" * 39, " @" + "a." * 20]
)
def test_the_longest_text_takes_little_time(unit: str) -> None:
    text = unit * (16_384 // len(unit.encode()))
    spent = []
    for _ in range(5):
        began = time.thread_time()
        list(mentions.find(text, PEOPLE))
        spent.append(time.thread_time() - began)
    assert min(spent) < 0.02
