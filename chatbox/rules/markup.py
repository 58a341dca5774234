"""The markup of a message, parsed once: text as typed -> parts for the clients, and who is mentioned.

A text without markup has no parts, which is found out before any parser is loaded. No text of up to 16 KiB
takes more than 20 ms: lines, steps of the parser, nesting and the size of the parts are bounded. What lies
past a bound is shown as typed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from chatbox.rules import mentions
from chatbox.rules.markdown import parts
from chatbox.rules.markdown.parts import Node

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# Stored beside the parts: parts of an older version can be made again from the text.
VERSION = 1

MOST_LINES = 2000
# A step of the parser takes about 10 µs.
MOST_STEPS = 1200

_MARKUP = re.compile(
    r"[`*_~]|://|\]\(|\\[\[\]>@]|^[ \t]*(?:>|[-+][ \t]|\d{1,9}[.)][ \t])",
    re.MULTILINE,
)


class Parsed(msgspec.Struct, frozen=True):
    """What a message's text holds besides text.

    `parts` is the tree described in `chatbox.rules.markdown.parts`, None where the text is shown as typed;
    `mentions` holds user ids, each once, in order of appearance.
    """

    parts: list[Node] | None
    mentions: tuple[int, ...]


_NOTHING = Parsed(None, ())


def parse(text: str, directory: Mapping[str, int]) -> Parsed:
    """The parts of a text that `rules.text.message_text` let pass, and the users it mentions.

    `directory` maps the name keys of those who can be mentioned to user ids. Names in code and in links
    mention nobody.
    """
    if not _MARKUP.search(text) and not ("@" in text and next(mentions.find(text, directory), None)):
        return _NOTHING
    blocks = _blocks(text, directory)
    if blocks is None or len(msgspec.json.encode(blocks)) > 4 * len(text.encode()) + 1024:
        return Parsed(None, _unique(found.user for found in mentions.find(text, directory)))
    nodes = list(parts.inline_nodes(blocks))
    mentioned = _unique(node["user"] for node in nodes if isinstance(node, dict) and node["t"] == "mention")
    shown_as_typed = not blocks or _says_the_same(blocks, nodes, text)
    return Parsed(None if shown_as_typed else blocks, mentioned)


def _blocks(text: str, directory: Mapping[str, int]) -> list[Node] | None:
    """The blocks of the text, or None where it holds more of them than a message may."""
    from chatbox.rules.markdown import blocks

    if text.count("\n") >= MOST_LINES:
        return None
    env = {"steps": MOST_STEPS, "depth": 0, "directory": directory}
    try:
        return parts.from_tokens(_parser().parse(text, env))
    except blocks.TooCostly:
        return None


@functools.cache
def _parser() -> MarkdownIt:
    """Made at first use: loading it takes about 40 ms, which a start does not need."""
    from markdown_it import MarkdownIt

    from chatbox.rules.markdown import blocks, inline

    parser = MarkdownIt("zero").disable(["normalize", "text_join"])
    blocks.install(parser)
    inline.install(parser)
    return parser


def _says_the_same(blocks: list[Node], nodes: list[parts.Inline], text: str) -> bool:
    """Whether the parts hold nothing but the text itself, white space aside."""
    if any(block["t"] != "p" for block in blocks):
        return False
    if any(isinstance(node, dict) and node["t"] != "br" for node in nodes):
        return False
    shown = "".join(node for node in nodes if isinstance(node, str))
    return "".join(shown.split()) == "".join(text.split())


def _unique(users: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(users))
