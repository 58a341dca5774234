"""The block grammar of messages, as rules for markdown-it-py: paragraphs, fenced code, quotes and lists.

Quotes and lists begin only where something stands in them, so that ``>_<``, ``-`` and ``* * *`` stay text.
They nest eight deep; deeper markers are text.

The environment (`env`) of one parse holds "steps" (left) and "depth".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.blockquote import blockquote
from markdown_it.rules_block.list import list_block

DEEPEST = 8

_STEPS_OF_A_BLOCK, _STEPS_OF_A_LINE = 4, 1
_QUOTE = re.compile(r">(?=[ \t>]*[^\s>])(?=[\s>]|[^\W_])")
_LIST = re.compile(r"(?:[-+*]|\d{1,9}[.)])[ \t](?=.*[^-+*\s])")

Rule = Callable[[StateBlock, int, int, bool], bool]


class TooCostly(Exception):
    """The text has more blocks than a message may have; it stays plain text."""


def install(parser: MarkdownIt) -> None:
    """Makes these the parser's block rules."""
    parser.enable(["fence", "blockquote", "list"])
    ruler = parser.block.ruler
    ends = ["paragraph", "blockquote", "list"]
    ruler.at("blockquote", _nested(_QUOTE, blockquote), {"alt": ends})
    ruler.at("list", _nested(_LIST, list_block), {"alt": ["paragraph", "blockquote"]})
    ruler.before("fence", "count", _count, {"alt": ends})


def _count(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Matches nothing, but every step of the block parser passes here first."""
    state.env["steps"] -= _STEPS_OF_A_LINE if silent else _STEPS_OF_A_BLOCK
    if state.env["steps"] < 0:
        raise TooCostly
    return False


def _nested(begins: re.Pattern[str], rule: Rule) -> Rule:
    """The rule where the pattern matches a line's beginning, and only up to the deepest nesting."""

    def bounded(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        at = state.bMarks[start_line] + state.tShift[start_line]
        if state.env["depth"] >= DEEPEST or not begins.match(state.src, at, state.eMarks[start_line]):
            return False
        state.env["depth"] += 1
        matched = rule(state, start_line, end_line, silent)
        state.env["depth"] -= 1
        return matched

    return bounded
