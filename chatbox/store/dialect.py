"""What PostgreSQL says otherwise than SQLite, for which the statements are written.

Nearly all of it is the spelling of a statement, which is translated once. A few statements mean something
that each engine does in its own way: those are listed in `_REWORDED`, by their text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec import json

from chatbox.store import files, full_text, integrity, messages, rooms, users
from chatbox.store.words import indexed, query

Params = Sequence[Any]

_PART = re.compile(
    r"(?P<literal>'(?:[^']|'')*')|(?P<place>\?)|(?P<user>\buser\b)| INDEXED BY \w+"
    r"|CAST\((?P<bytes>\w+) AS BLOB\)|SELECT value FROM json_each\(\?\)"
)


class Said(NamedTuple):
    """A statement as PostgreSQL has it; `arrange` makes its parameters of those for SQLite."""

    sql: str
    arrange: Callable[[Params], Params] | None = None

    def params(self, params: Params) -> Params:
        """What this statement is given for its places."""
        return params if self.arrange is None else self.arrange(params)


@cache
def said(sql: str) -> Said:
    """A statement for PostgreSQL: places are numbered, the column `user` is quoted, as it is a reserved
    word, a list comes as JSON (integers only), and no index is named."""
    reworded = _REWORDED.get(sql)
    return Said(_spelt(sql)) if reworded is None else reworded


def _spelt(sql: str) -> str:
    places = 0

    def spell(part: re.Match[str]) -> str:
        nonlocal places
        if part["literal"]:
            return part[0]
        if part["user"]:
            return '"user"'
        if part["bytes"]:
            return f"convert_to(CAST({_spelt(part['bytes'])} AS TEXT), 'UTF8')"
        if "?" not in part[0]:
            return ""
        places += 1
        listed = f"SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(${places} AS JSON))"
        return f"${places}" if part["place"] else listed

    return _PART.sub(spell, sql)


def _words_of(params: Params) -> Params:
    id, *columns = params
    return (id, *indexed(columns))


def _search(params: Params) -> Params:
    fts, before, _, room, user, limit = params
    return (*query(fts), before, room, user, limit)


# The condition on `words` can use its index; the one after it looks at the order of the words.
_SEARCH = (
    _spelt(messages.SEARCH.partition(" FROM ")[0])
    + """ FROM messages_text t JOIN messages m ON m.id = t.id
    WHERE t.words @@ CAST($1 AS tsquery)
    AND CASE WHEN t.plain IS NULL THEN t.words @@ CAST($2 AS tsquery) ELSE t.plain LIKE ALL ($3::text[]) END
    AND t.id < $4 AND m.deleted_at IS NULL AND ($5::bigint IS NULL OR m.room = $5)
    AND m.room IN (SELECT s.room FROM memberships s WHERE s."user" = $6 AND s.left_at IS NULL)
    ORDER BY t.id DESC LIMIT $7"""
)

_REWORDED: Mapping[str, Said] = {
    full_text.ADD: Said("INSERT INTO messages_text (id, words, plain) VALUES ($1, $2, $3)", _words_of),
    full_text.FORGET: Said("DELETE FROM messages_text WHERE id = $1", lambda params: params[:1]),
    messages.SEARCH: Said(_SEARCH, _search),
    messages.LAST_ID: Said("SELECT nextval('message_blocks')"),
    # A file that is being posted must not be posted twice, nor be cleared away, by another server meanwhile.
    files.CLAIM: Said(f"{_spelt(files.CLAIM)} FOR UPDATE"),
    # Whoever posts holds the account as a foreign key does, anyway; an UPDATE alone would not wait for that.
    **{kept: Said(f"{_spelt(sql)} FOR KEY SHARE OF u") for sql, kept in rooms.ACCESS_KEPT.items()},
    users.SHUT_OUT: Said(
        "WITH shut AS (SELECT id FROM users WHERE id = $1 FOR UPDATE)"
        " UPDATE users SET state = 'disabled' FROM shut WHERE users.id = shut.id"
    ),
    users.NEXT_PEOPLE_REV: Said(
        "UPDATE meta SET value = to_jsonb(CAST(value AS BIGINT) + 1) WHERE key = 'people_rev' RETURNING value"
    ),
    integrity.SIZE: Said("SELECT pg_database_size(current_database())"),
    integrity.DAMAGE: Said("SELECT 'ok'"),  # its pages have checksums of their own
    integrity.DANGLING: Said("SELECT '', 0 WHERE false"),  # it has no way to switch foreign keys off
}


def to_json(value: str | int | bytes | None) -> str:
    """A value of `meta` as JSON that still knows whether it is text, a number or bytes."""
    if isinstance(value, bytes):
        return json.encode({"base64": base64.b64encode(value).decode()}).decode()
    return json.encode(value).decode()


def from_json(text: str) -> str | int | bytes | None:
    """The value that `to_json` was given."""
    value = json.decode(text)
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def whole(text: str) -> int:
    """A NUMERIC as a number: sums of integers are the only ones there are."""
    return int(text)
