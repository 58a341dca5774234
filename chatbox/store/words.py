"""The words of a text as FTS5 sees them, for an engine that has another idea of words (PostgreSQL).

FTS5's tokenizer looks at one character at a time: it parts words, or is left out, or takes another form
(https://www.sqlite.org/fts5.html, section 4.3.1). What becomes of each is asked of SQLite itself, once, so
both engines find the same, whatever version of Unicode this SQLite knows.

A tsvector forgets where a word stands beyond its 256th time and the 16,383rd word of a text, and takes no
word of more than 2 KB (https://www.postgresql.org/docs/current/textsearch-limitations.html). A text for
which that matters is kept as `plain` words as well, to be looked through. Beyond about 1 MB of words a text
is found by its beginning only.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

TOKENIZER = "unicode61 remove_diacritics 2"

_LONGEST = 500  # characters of a word in a tsvector, which allows 2,046 bytes
_TIMES = 255  # how often a word's places are kept
_PLACES = 16_000
_BYTES = 900_000  # of a tsvector, which allows 1 MiB
_TERM = re.compile(r'"([^"]*)"(\*?)')


class Indexed(NamedTuple):
    """What a message is found by. `vector` is a tsvector as text; `plain` all words with spaces around them
    where the vector does not know every place, else None."""

    vector: str
    plain: str | None


class Query(NamedTuple):
    """A search. `words` and `phrases` are tsquerys as text: all words in any order, and as they were asked
    for; `patterns` the same for LIKE on `plain`. `words` is None where nothing can be found."""

    words: str | None
    phrases: str | None
    patterns: list[str]


class _Forms(dict[int, str]):
    """What becomes of each character: a space, nothing, or its form in the index."""

    def __init__(self) -> None:
        super().__init__()
        self._fts = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._fts.execute(f"CREATE VIRTUAL TABLE word USING fts5 (text, tokenize = '{TOKENIZER}')")
        self._fts.execute("CREATE VIRTUAL TABLE found USING fts5vocab (word, instance)")

    def __missing__(self, code: int) -> str:
        self._fts.execute("DELETE FROM word")
        self._fts.execute("INSERT INTO word VALUES (?)", (f"a{chr(code)}b",))
        found = [row[0] for row in self._fts.execute("SELECT term FROM found ORDER BY offset")]
        form = self[code] = found[0][1:-1] if len(found) == 1 else " "
        return form


@cache
def _forms() -> _Forms:
    return _Forms()


def words(text: str) -> list[str]:
    """The words of a text in their order."""
    return text.translate(_forms()).split()


def indexed(columns: Iterable[str]) -> Indexed:
    """What a message with these texts is found by. No phrase goes from one of them into the next."""
    places: dict[str, list[int]] = {}
    place = size = 0
    exact = True
    listed = [words(column) for column in columns]
    for column in listed:
        place += 1
        for word in column:
            place += 1
            known = places.setdefault(word[:_LONGEST], [])
            exact &= len(known) < _TIMES and place < _PLACES and len(word) < _LONGEST and size < _BYTES
            if len(known) < _TIMES and size < _BYTES:
                size += 2 if known else len(word[:_LONGEST].encode()) + 8
                known.append(min(place, _PLACES))
    vector = " ".join(
        f"{_quoted(word)}:{','.join(map(str, known))}" for word, known in places.items() if known
    )
    return Indexed(vector, None if exact else "\n".join(f" {' '.join(column)} " for column in listed))


def query(fts: str) -> Query:
    """A search that `rules.search.fts_query` made. A term in which FTS5 sees no word does not count."""
    terms = [(words(term), bool(prefix)) for term, prefix in _TERM.findall(fts)]
    terms = [(found, prefix) for found, prefix in terms if found]
    if not terms:
        return Query(None, None, [])
    parts = [[*map(_lexeme, found[:-1]), _lexeme(found[-1], prefix)] for found, prefix in terms]
    return Query(
        " & ".join(word for part in parts for word in part),
        " & ".join(f"({' <-> '.join(part)})" for part in parts),
        [f"% {' '.join(found)}{'' if prefix else ' '}%" for found, prefix in terms],
    )


def _lexeme(word: str, prefix: bool = False) -> str:
    return _quoted(word[:_LONGEST]) + (":*" if prefix else "")


def _quoted(word: str) -> str:
    """As it stands in the text of a tsvector or a tsquery; no word has a quote or a backslash in it."""
    return f"'{word}'"
