"""No text that is allowed takes long to parse: processor time, measured on texts made to be costly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbox.rules import markup

PEOPLE = {"ada": 7, "ada.bob": 8, "太郎": 9}
LONGEST = 16_384
MOST_SECONDS = 0.020

pieces = st.sampled_from(
    [
        *"*_~`<>&\\!@#|-+.1 \n\t[]()",
        "**",
        "~~",
        "```",
        "\n\n",
        "\n> ",
        "\n- ",
        "1. ",
        "    ",
        "a",
        "b ",
        "é",
        "太",
        "@ada",
        "@太",
        "http://",
        "http://a ",
        "](http://x)",
        "[a](http://b)",
        "mailto:a",
        "`` ",
        "***",
    ]
)


def filled(*units: str) -> str:
    """A text as long as is allowed, made of each unit repeated in turn."""
    share = LONGEST // len(units)
    return "".join(unit * (share // len(unit.encode())) for unit in units)


COSTLY = [
    *(
        filled(unit)
        for unit in [
            "[",
            "]",
            "![[](",
            "[a](b)",
            "[a](http://b)",
            "[a](http://x",
            "](",
            "[[a]",
            "[a][",
            "[`",
            "[*",
        ]
    ),
    *(
        filled(unit)
        for unit in [
            "*_",
            "_*",
            "*a",
            "a*",
            "**a** ",
            "*a **b ",
            "**a*b**c*",
            "*~~_a_~~*",
            "é*",
            "*** a",
            "~~",
        ]
    ),
    *(
        filled(unit)
        for unit in ["`", "` ", "`a` ", "```\n", "```a\n", "> ```\n", "- ```\n", "``````a", "~~~\n```\n"]
    ),
    *(
        filled(unit)
        for unit in [
            ">",
            "> ",
            ">>>>>>>>a\n",
            "> > > > > > > > a\n",
            ">a\n",
            "> a\n\n",
            "> a\nb\n",
            "> *a*\n",
        ]
    ),
    *(
        filled(unit)
        for unit in [
            "- ",
            "- a\n",
            "1. a\n\n",
            "- \n",
            "- a\n  - b\n    - c\n      - d\n",
            "1. > - a\n",
            "+ a\n* b\n",
        ]
    ),
    *(
        filled(unit)
        for unit in [
            "<",
            "&",
            "&amp;",
            "\\",
            "\\*",
            "\t",
            "\n",
            "*\n",
            "a\n\n*b*\n",
            "\t- a\n",
            "*              \n",
        ]
    ),
    *(
        filled(unit)
        for unit in ["http://", "http://a ", "http://a))))))", "https://a*_ ", "http://()", "://", "mailto:"]
    ),
    *(
        filled(unit)
        for unit in ["@", "@ada ", "@ada\n", " @" + "太" * 39, " @" + "が" * 39, " @" + "a." * 20, "\\@ada "]
    ),
    filled("*a ", " a*"),
    filled("_a ", " a_"),
    filled("[", "]"),
    filled("[", "*a ", "](http://b)"),
    filled("@ada\n", "http:/(a\n", "`a` "),
    filled("@ada.太<", "1<(a.太", "]1. (http:/adax @   "),
    filled("  ](+http://x!)  .> \n  ", "\n  \t`"),
    filled("  >(http://ax)@**http:太//!\\***|\n  mail+\n"),
    filled("@ada```é[```mailt\n  :a-", "!é!  -> ```@太** ", "\n- **. ```a@ada-mailto:a>#mailto:#a"),
    " ".join("`" * size for size in range(1, 180))[:LONGEST],
    " ".join("`" * size for size in range(180, 0, -1))[:LONGEST],
    "http://" + "a" * 16_000,
    "http://a" + ")" * 16_000,
    "[" + "[a]" * 5_400 + "(http://a)",
    "```\n" + "int a[10]; *p = x_y;\n" * 770 + "```",
    ("> " * 8 + "*a* `b` _c_\n") * 500,
    "> " * 8 + "a\n" + "b\n" * 8_000,
    "- " * 8 + "a\n" + "b\n" * 8_000,
    "*a* `b` @ada _c_\n\n" * 900,
]


def cost(text: str) -> float:
    """Seconds of this thread's processor time: the least of up to two hundred.

    Two threads on one core take each other's time, and this clock counts it: one look at a busy machine can
    say twice what the work takes. It ends where the limit is kept.
    """
    spent = []
    for _ in range(200):
        began = time.thread_time()
        markup.parse(text, PEOPLE)
        spent.append(time.thread_time() - began)
        if len(spent) >= 5 and min(spent) <= MOST_SECONDS:
            break
    return min(spent)


@pytest.mark.parametrize("text", COSTLY, ids=lambda text: ascii(text[:20]))
def test_no_text_takes_more_than_twenty_milliseconds(text: str) -> None:
    assert len(text.encode()) <= LONGEST + 64
    assert cost(text) <= MOST_SECONDS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(pieces, min_size=1, max_size=8).map("".join), min_size=1, max_size=3))
def test_no_repetition_of_markup_takes_more_than_twenty_milliseconds(units: list[str]) -> None:
    assert cost(filled(*units)) <= MOST_SECONDS


def test_a_plain_line_costs_microseconds() -> None:
    text = (
        "a plain line of a hundred characters, as most of them are: no markup in it, and nobody is mentioned."
    )
    began = time.thread_time()
    for _ in range(1_000):
        markup.parse(text, PEOPLE)
    assert time.thread_time() - began < 0.050
