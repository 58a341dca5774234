"""The inline grammar of messages, as rules for markdown-it-py.

Own rules stand where the library's are not linear (links) or not meant for chat: bare addresses and mentions
are recognised before emphasis can cut them, only markup can be escaped (``C:\\temp`` and ``\\\\host`` stay),
line feeds are kept in the text, and long runs of ``*`` are text. All rules together take a bounded number of
steps, after which the rest of the message is text; a step makes about one token.

The environment (`env`) of one parse holds "steps" (left of those that the blocks had as well) and "directory"
(name key -> user id).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize as emphasis
from markdown_it.rules_inline.strikethrough import tokenize as strikethrough

from chatbox.rules import mentions

LONGEST_HREF = 2048

_ADDRESS = r"[hH][tT][tT][pP][sS]?://[^\W_]|[hH][tT][tT][pP][sS]?://\["
_STOP = re.compile(rf"[\\`*_~\[@]|(?<![A-Za-z0-9])(?:{_ADDRESS})")
_ESCAPE = re.compile(r"\\([`*_~\[\]>@])")
_BARE_URL = re.compile(rf"(?:{_ADDRESS})[^\s<>\"`\x00-\x20\x7f]*")
_LINK = re.compile(
    r"\[((?:[^\[\]\\]++|\\.|\[[^\[\]]*\])++)\]"
    r"\(((?:https?://[^\W_]|https?://\[|mailto:[^\W_])(?:[^\s()<>\x00-\x20\x7f]|\([^\s()<>\x00-\x20\x7f]*\))*+)\)",
    re.DOTALL | re.IGNORECASE,
)
_RUN = re.compile(r"\*+|_+|~+")
_LONGEST_RUN = 3

Rule = Callable[[StateInline, bool], bool]


def install(parser: MarkdownIt) -> None:
    """Makes these the parser's inline rules."""
    parser.enable(["text", "escape", "backticks", "strikethrough", "emphasis", "link"])
    ruler = parser.inline.ruler
    ruler.at("text", _text)
    ruler.at("escape", _escape)
    ruler.at("strikethrough", _short_runs(strikethrough))
    ruler.at("emphasis", _short_runs(emphasis))
    ruler.at("link", _link)
    ruler.push("bare_url", _bare_url)
    ruler.push("mention", _mention)


def _text(state: StateInline, silent: bool) -> bool:
    """Text up to the next character that may mean something. Every step passes here first and is counted."""
    state.env["steps"] -= 1
    stop = _STOP.search(state.src, state.pos, state.posMax) if state.env["steps"] > 0 else None
    end = stop.start() if stop else state.posMax
    if end == state.pos:
        return False
    state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _escape(state: StateInline, silent: bool) -> bool:
    found = _ESCAPE.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    state.append_pending(found[1])
    state.pos = found.end()
    return True


def _short_runs(rule: Rule) -> Rule:
    """The rule for runs of up to three markers; longer runs are text."""

    def bounded(state: StateInline, silent: bool) -> bool:
        run = _RUN.match(state.src, state.pos, state.posMax)
        if not run:
            return False
        if len(run[0]) <= _LONGEST_RUN:
            state.env["steps"] -= len(run[0])
            return rule(state, silent)
        state.append_pending(run[0])
        state.pos = run.end()
        return True

    return bounded


def _link(state: StateInline, silent: bool) -> bool:
    """``[label](href)`` with an http, https or mailto address; anything else stays text."""
    if state.linkLevel or state.src[state.pos] != "[":
        return False
    found = _LINK.match(state.src, state.pos, state.posMax)
    if not found or len(found[2]) > LONGEST_HREF or not found[1].strip():
        return False
    state.env["steps"] -= 2
    after, end = found.end(), state.posMax
    state.push("link_open", "a", 1).attrs = {"href": found[2]}
    state.linkLevel += 1
    state.pos, state.posMax = found.span(1)
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.pos, state.posMax = after, end
    state.push("link_close", "a", -1)
    return True


def _bare_url(state: StateInline, silent: bool) -> bool:
    if state.linkLevel or state.src[state.pos] not in "hH":
        return False
    found = _BARE_URL.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    url = _without_trailing_punctuation(found[0])
    if len(url) > LONGEST_HREF:
        # All of it is text: looking for addresses inside it would be quadratic.
        state.append_pending(found[0])
        state.pos = found.end()
        return True
    state.push("bare_url", "", 0).content = url
    state.pos += len(url)
    return True


def _without_trailing_punctuation(url: str) -> str:
    """The address without what belongs to the sentence around it: ``.,!?``, brackets not opened in it."""
    end = len(url)
    missing = {close: url.count(close) - url.count(opening) for opening, close in ("()", "[]", "{}")}
    while url[end - 1] in ".,;:!?'*_~|)]}’”»":
        last = url[end - 1]
        if last in missing:
            if missing[last] <= 0:
                break
            missing[last] -= 1
        end -= 1
    return url[:end]


def _mention(state: StateInline, silent: bool) -> bool:
    if state.linkLevel or state.src[state.pos] != "@":
        return False
    state.env["steps"] -= 2
    found = mentions.match(state.src, state.pos, state.env["directory"])
    if not found:
        return False
    token = state.push("mention", "", 0)
    token.content = state.src[found.start : found.end]
    token.meta = {"user": found.user}
    state.pos = found.end
    return True
