"""Finding @names in text. The directory of names is passed in: name key -> user id.

A mention begins at an ``@`` that stands in no word and no e-mail address. Of the characters after it that may
stand in a name the longest beginning that is somebody's name counts, if it ends where a word may end: at
punctuation, or before a letter of a script that is written without spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chatbox.rules.names import USER_NAME_LENGTH, is_name_character, name_key
from chatbox.rules.text import is_mark

_ASCII_NAME = re.compile(r"[A-Za-z0-9._-]+")
# Bounds on the work for one text, and for one run of letters in a script without spaces.
_MOST_TRIES = 300
_UNSPACED = 16


class Mention(NamedTuple):
    """A mention at text[start:end], the ``@`` included."""

    start: int
    end: int
    user: int


def find(text: str, directory: Mapping[str, int]) -> Iterator[Mention]:
    """Every mention in the text, in order; names that nobody has are left out.

    Linear in the text's length: only the first 300 ``@`` are tried.
    """
    at = -1
    for _ in range(_MOST_TRIES):
        at = text.find("@", at + 1)
        if at < 0:
            return
        if mention := match(text, at, directory):
            yield mention
            at = mention.end - 1


def match(text: str, at: int, directory: Mapping[str, int]) -> Mention | None:
    """The mention whose ``@`` is text[at], or None where it is none."""
    if at > 0 and _is_in_word(text[at - 1]):
        return None
    end = _end_of_name_characters(text, at + 1)
    if text.startswith("@", end):
        return None
    for candidate in _ends(text, at + 1, end):
        user = directory.get(name_key(text[at + 1 : candidate]))
        if user is not None:
            return Mention(at, candidate, user)
    return None


def _end_of_name_characters(text: str, start: int) -> int:
    plain = _ASCII_NAME.match(text, start)
    end = plain.end() if plain else start
    limit = min(len(text), start + USER_NAME_LENGTH)
    while end < limit and not text[end].isascii() and is_name_character(text[end]):
        plain = _ASCII_NAME.match(text, end + 1)
        end = plain.end() if plain else end + 1
    return min(end, limit)


def _is_in_word(before: str) -> bool:
    return before == "@" or before.isalnum() or (not before.isascii() and is_mark(before))


def _ends(text: str, start: int, end: int) -> Iterator[int]:
    """Where a name may end, the longest first."""
    if start < end:
        yield end
    yield from (at for at in range(end - 1, start, -1) if _may_follow(text[at], at - start))


def _may_follow(character: str, length: int) -> bool:
    """Whether a name of that length may end before this character, which could be part of a name as well."""
    return character in "._-" or (length <= _UNSPACED and unicodedata.east_asian_width(character) == "W")
