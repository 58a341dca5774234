"""Parts: the small tree of known node kinds that clients show. Made here from markdown-it-py's tokens.

Blocks (`Block`)::

    {"t": "p", "c": [inline, …]}                 {"t": "pre", "text": "…", "lang"?: "py"}
    {"t": "quote", "c": [block, …]}              {"t": "ul", "c": [[block, …], …]}
    {"t": "ol", "start"?: 3, "c": [[block, …], …]}

Inline nodes (`Inline`): a string is text, and::

    {"t": "b" | "i" | "s", "c": [inline, …]}     {"t": "a", "href": "https://…", "c": [inline, …]}
    {"t": "code", "text": "…"}                   {"t": "mention", "user": 7, "text": "@ada"}
    {"t": "br"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it.token import Token

Node = dict[str, Any]
Inline = str | Node

DEEPEST_INLINE = 8

_LANGUAGE = re.compile(r"[A-Za-z0-9+#-]{1,20}")
_SPANS = {"strong_open": "b", "em_open": "i", "s_open": "s", "link_open": "a"}
_LISTS = {"bullet_list_open": "ul", "ordered_list_open": "ol", "blockquote_open": "quote"}


def from_tokens(tokens: Sequence[Token]) -> list[Node]:
    """The blocks that the tokens stand for; a text without content gives an empty list."""
    blocks: list[Any] = []
    open_lists: list[list[Any]] = [blocks]
    for token in tokens:
        if token.type == "inline":
            if content := _inline(token.children or []):
                open_lists[-1].append({"t": "p", "c": content})
        elif token.type == "fence":
            open_lists[-1].extend(_code_block(token))
        elif token.type == "list_item_open":
            item: list[Node] = []
            open_lists[-1].append(item)
            open_lists.append(item)
        elif token.type in _LISTS:
            node = _container(token)
            open_lists[-1].append(node)
            open_lists.append(node["c"])
        elif token.type in ("list_item_close", "bullet_list_close", "ordered_list_close", "blockquote_close"):
            open_lists.pop()
    return blocks


def inline_nodes(blocks: Sequence[Any]) -> Iterator[Inline]:
    """Every inline node in the blocks, outer before inner, in reading order; code blocks have none."""
    for block in blocks:
        if isinstance(block, list):
            yield from inline_nodes(block)
        elif block["t"] == "p":
            yield from _walk(block["c"])
        elif "c" in block:
            yield from inline_nodes(block["c"])


def _walk(nodes: Sequence[Inline]) -> Iterator[Inline]:
    for node in nodes:
        yield node
        if isinstance(node, dict) and "c" in node:
            yield from _walk(node["c"])


def _container(token: Token) -> Node:
    node: Node = {"t": _LISTS[token.type]}
    if "start" in token.attrs:
        node["start"] = token.attrs["start"]
    return node | {"c": []}


def _code_block(token: Token) -> list[Node]:
    """The code block, or nothing where it is empty. What does not name a language is code as well."""
    language = token.info.strip()
    text = token.content.removesuffix("\n").removesuffix(token.markup)
    if language and (not text.strip() or not _LANGUAGE.fullmatch(language)):
        language, text = "", f"{language}\n{text}".rstrip()
    if not text.strip():
        return []
    return [{"t": "pre", "text": text} | ({"lang": language} if language else {})]


def _inline(tokens: Sequence[Token]) -> list[Inline]:
    nodes: list[Inline] = []
    open_spans = [nodes]
    for token in tokens:
        if token.nesting > 0:
            open_spans.append(_open_span(token, open_spans))
        elif token.nesting < 0:
            open_spans.pop()
        elif token.type == "text":
            _add_text(open_spans[-1], token.content)
        elif token.type == "bare_url":
            open_spans[-1].append({"t": "a", "href": token.content, "c": [token.content]})
        elif token.type == "code_inline":
            open_spans[-1].append({"t": "code", "text": token.content})
        elif token.type == "mention":
            open_spans[-1].append({"t": "mention", "user": token.meta["user"], "text": token.content})
    return nodes


def _open_span(token: Token, open_spans: list[list[Inline]]) -> list[Inline]:
    """Where the span's content goes: a new node, or the span around it where nesting is too deep."""
    if len(open_spans) > DEEPEST_INLINE:
        return open_spans[-1]
    node: Node = {"t": _SPANS[token.type]}
    if token.type == "link_open":
        node["href"] = token.attrs["href"]
    content: list[Inline] = []
    open_spans[-1].append(node | {"c": content})
    return content


def _add_text(nodes: list[Inline], text: str) -> None:
    """Appends the text, its line ends as breaks, joined with text that stands before it."""
    for number, line in enumerate(text.split("\n")):
        if number:
            nodes.append({"t": "br"})
        if line and nodes and isinstance(nodes[-1], str):
            nodes[-1] += line
        elif line:
            nodes.append(line)
