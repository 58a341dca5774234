"""The markup of messages: text -> parts and mentions, in bounded time and size."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbox.rules import markup

PEOPLE = {"ada": 7, "ada.bob": 8, "太郎": 9}


def parts(text: str) -> Any:
    return markup.parse(text, PEOPLE).parts


def line(text: str) -> Any:
    """The inline nodes of a text that is one paragraph."""
    blocks = parts(text)
    assert [block["t"] for block in blocks] == ["p"]
    return blocks[0]["c"]


def p(*inline: Any) -> dict[str, Any]:
    return {"t": "p", "c": list(inline)}


def a(href: str, *inline: Any) -> dict[str, Any]:
    return {"t": "a", "href": href, "c": list(inline or [href])}


BR = {"t": "br"}
ADA = {"t": "mention", "user": 7, "text": "@ada"}


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "two\nlines\n\nand a third",
        "hello_world *",
        "# not a heading",
        "a - b",
        "-",
        "1.",
        "2024",
        "* * *",
        "---",
        "a\n---\nb",
        ">_<",
        ">",
        "> >",
        "*****",
        "```\n```",
        "    four spaces",
        "bob@ada.org @nobody",
        "C:\\temp \\\\host\\share",
        "<b>x</b> &amp; <!-- -->",
        "|a|b|\n|-|-|",
        "[x] ![x] [r][s]",
        "ftp://x.org javascript://x",
        "http:// https://!",
    ],
)
def test_a_text_without_markup_has_no_parts(text: str) -> None:
    assert markup.parse(text, PEOPLE) == markup.Parsed(None, ())


@pytest.mark.parametrize(
    ("text", "inline"),
    [
        ("a **b** c", ["a ", {"t": "b", "c": ["b"]}, " c"]),
        ("*a* _b_", [{"t": "i", "c": ["a"]}, " ", {"t": "i", "c": ["b"]}]),
        ("~~a~~ ~b~", [{"t": "s", "c": ["a"]}, " ~b~"]),
        ("***a***", [{"t": "i", "c": [{"t": "b", "c": ["a"]}]}]),
        ("`**a** @ada http://x`", [{"t": "code", "text": "**a** @ada http://x"}]),
        ("`` a`b ``", [{"t": "code", "text": "a`b"}]),
        ("*a*\nb\n  c", [{"t": "i", "c": ["a"]}, BR, "b", BR, "  c"]),
        ("\\*a\\* \\[b\\](c) \\@ada \\`d\\` C:\\temp", ["*a* [b](c) @ada `d` C:\\temp"]),
        ("# *a*", ["# ", {"t": "i", "c": ["a"]}]),
        ("a\n---\n*b*", ["a", BR, "---", BR, {"t": "i", "c": ["b"]}]),
        ("<b>*a*</b> &amp;", ["<b>", {"t": "i", "c": ["a"]}, "</b> &amp;"]),
        ("snake_case_name **x**", ["snake_case_name ", {"t": "b", "c": ["x"]}]),
    ],
)
def test_inline_markup_becomes_nodes(text: str, inline: list[Any]) -> None:
    assert line(text) == inline


@pytest.mark.parametrize(
    ("text", "inline"),
    [
        ("[a *b*](https://x.org/c_d_)", [a("https://x.org/c_d_", "a ", {"t": "i", "c": ["b"]})]),
        ("[a](mailto:a@b.org)", [a("mailto:a@b.org", "a")]),
        ("[a](https://x.org/(1))", [a("https://x.org/(1)", "a")]),
        ("[[1]](http://x.org)", [a("http://x.org", "[1]")]),
        ("![a](http://x.org)", ["!", a("http://x.org", "a")]),
        ("[@ada http://y.org](http://x.org)", [a("http://x.org", "@ada http://y.org")]),
        ("see http://x.org.", ["see ", a("http://x.org"), "."]),
        ("(https://x.org/a_(b)), ok", ["(", a("https://x.org/a_(b)"), "), ok"]),
        ("HTTPS://X.org/?a=b&c=*d*!", [a("HTTPS://X.org/?a=b&c=*d"), "*!"]),
        ("<http://x.org>", ["<", a("http://x.org"), ">"]),
        ("**http://x.org/a__b**", [{"t": "b", "c": [a("http://x.org/a__b")]}]),
        ("http://[::1]:80/ 和http://x.org/路", [a("http://[::1]:80/"), " 和", a("http://x.org/路")]),
        ("xhttp://x.org *b*", ["xhttp://x.org ", {"t": "i", "c": ["b"]}]),
    ],
)
def test_links_and_bare_addresses_become_links(text: str, inline: list[Any]) -> None:
    assert line(text) == inline


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc",
        "vbscript:x",
        "/x",
        "#x",
        "//x.org",
        "ftp://x",
        "http:x",
        "http://",
        " ",
        "java\tscript:x",
        "https://",
        "mailto:",
    ],
)
def test_any_other_address_stays_text(href: str) -> None:
    assert parts(f"[a]({href})") is None


def test_an_address_past_2048_characters_stays_text() -> None:
    assert parts("http://" + "a" * 2_042) is None
    assert parts(f"[a](http://{'a' * 2_042})") is None
    assert line("http://" + "a" * 2_041) == [a("http://" + "a" * 2_041)]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```py\nx = *1*\n\n@ada\n```", [{"t": "pre", "text": "x = *1*\n\n@ada", "lang": "py"}]),
        ("a\n```\nb\n```\nc", [p("a"), {"t": "pre", "text": "b"}, p("c")]),
        ("~~~c++\nx\n~~~", [{"t": "pre", "text": "x", "lang": "c++"}]),
        ("```not a language\nx\n```", [{"t": "pre", "text": "not a language\nx"}]),
        ("```<script>\nx\n```", [{"t": "pre", "text": "<script>\nx"}]),
        ("```one\ntwo```", [{"t": "pre", "text": "two", "lang": "one"}]),
        ("```word\n```", [{"t": "pre", "text": "word"}]),
        ("```\n  indented\n", [{"t": "pre", "text": "  indented"}]),
        ("> a\n> b\n\nc", [{"t": "quote", "c": [p("a", BR, "b")]}, p("c")]),
        (">a\n>> b", [{"t": "quote", "c": [p("a"), {"t": "quote", "c": [p("b")]}]}]),
        ("- a\n- b\n  c", [{"t": "ul", "c": [[p("a")], [p("b", BR, "c")]]}]),
        ("x\n* a", [p("x"), {"t": "ul", "c": [[p("a")]]}]),
        ("1. a\n   - b", [{"t": "ol", "c": [[p("a"), {"t": "ul", "c": [[p("b")]]}]]}]),
        ("3) a\n4) b", [{"t": "ol", "start": 3, "c": [[p("a")], [p("b")]]}]),
        ("- a\n-\n- b", [{"t": "ul", "c": [[p("a", BR, "-")], [p("b")]]}]),
        ("    - a", [{"t": "ul", "c": [[p("a")]]}]),
    ],
)
def test_block_markup_becomes_blocks(text: str, blocks: list[Any]) -> None:
    assert parts(text) == blocks


def test_a_mention_is_a_node_and_is_listed_once_in_order() -> None:
    parsed = markup.parse("> *@太郎* @ada\n\n@ada @ada.bob. `@nobody`", PEOPLE)
    assert parsed.mentions == (9, 7, 8)
    assert line("hi @ada's") == ["hi ", ADA, "'s"]
    assert line("*@ada*") == [{"t": "i", "c": [ADA]}]


def test_names_in_code_and_links_mention_nobody() -> None:
    parsed = markup.parse("`@ada` [@ada](http://x.org) http://x.org/@ada\n```\n@ada\n```", PEOPLE)
    assert parsed.parts
    assert parsed.mentions == ()


def test_a_text_too_large_for_parts_still_mentions() -> None:
    assert markup.parse("*a*\n\n" * 2_000 + "@ada", PEOPLE) == markup.Parsed(None, (7,))


def test_deep_markers_are_text() -> None:
    deep: Any = parts("> " * 12 + "*x*")
    for _ in range(8):
        assert deep[0]["t"] == "quote"
        deep = deep[0]["c"]
    assert deep == [p("> " * 4, {"t": "i", "c": ["x"]})]


def test_past_the_last_step_the_rest_is_text() -> None:
    nodes = line("*a* " * 1_000)
    assert nodes[0] == {"t": "i", "c": ["a"]}
    assert nodes[-1].endswith("*a* *a*")
    assert "".join(texts(nodes)).count("a") == 1_000


def test_plain_text_loads_no_parser() -> None:
    code = "import sys; from chatbox.rules import markup; markup.parse('a', {}); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "chatbox.rules.markup" in told.stdout
    assert "markdown_it" not in told.stdout


def texts(nodes: Any) -> Iterator[str]:
    """Every piece of text in the nodes, in order."""
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, list):
            yield from texts(node)
        elif "c" in node:
            yield from texts(node["c"])
        elif "text" in node:
            yield from (node.get("lang", ""), node["text"])


def depth(nodes: Any) -> int:
    """How many nodes stand inside each other."""
    inner = [
        depth(node) if isinstance(node, list) else 1 + depth(node.get("c", []))
        for node in nodes
        if not isinstance(node, str)
    ]
    return max(inner, default=0)


def check_shape(nodes: Any) -> None:
    kinds = {"p", "pre", "quote", "ul", "ol", "b", "i", "s", "code", "a", "br", "mention"}
    for node in nodes:
        if isinstance(node, list):
            check_shape(node)
        elif isinstance(node, dict):
            assert node["t"] in kinds
            assert set(node) <= {"t", "c", "text", "lang", "start", "href", "user"}
            assert node.get("href", "http://x").lower().startswith(("http://", "https://", "mailto:"))
            check_shape(node.get("c", []))
        else:
            assert node


pieces = st.sampled_from(
    [
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```",
        "\n",
        "\n\n",
        "> ",
        ">",
        "- ",
        "1. ",
        "[",
        "](",
        ")",
        "!",
        "<",
        "&",
        "\\",
        "\t",
        "@",
        " ",
        "a",
        "bé",
        "7",
        "太郎",
        "@ada",
        "http://x.org",
        "](http://y.org)",
        "[z](http://y.org)",
        "py\n",
        "    ",
        "#",
        "|",
    ]
)
marked_up = st.lists(pieces, max_size=40).map("".join)


@settings(max_examples=500)
@given(marked_up | st.text())
def test_no_letter_or_digit_is_lost_or_added(text: str) -> None:
    parsed = markup.parse(text, PEOPLE)
    if parsed.parts is None:
        return
    check_shape(parsed.parts)
    shown = "".join(texts(parsed.parts))
    rest = iter(text)
    assert all(character in rest for character in shown if character.isalnum()), "shown in another order"
    without_addresses = text.replace("](http://y.org)", "")
    numbers_of_items = sum(character.isdigit() for character in without_addresses)
    lost = sum(map(str.isalnum, without_addresses)) - sum(map(str.isalnum, shown))
    assert lost <= numbers_of_items


@settings(max_examples=300)
@given(marked_up, st.integers(1, 30))
def test_parts_are_bounded_in_size_and_depth(text: str, times: int) -> None:
    text *= times
    blocks = parts(text)
    if blocks is not None:
        assert len(msgspec.json.encode(blocks)) <= 4 * len(text.encode()) + 1_024
        assert depth(blocks) <= 20
