"""What messages are found by: the text as typed, and the names of the files that came with it (FTS5).

The index keeps no text of its own, so whatever is taken out of it must be told exactly as it was put in
(https://www.sqlite.org/fts5.html, "External Content Tables").
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw, json

from chatbox.model import Message
from chatbox.store.base import Steps, many, one

ADD = "INSERT INTO messages_text (rowid, text, file_names) VALUES (?, ?, ?)"
FORGET = "INSERT INTO messages_text (messages_text, rowid, text, file_names) VALUES ('delete', ?, ?, ?)"


def file_names(message: Message) -> str:
    """The names of a message's files, a line each."""
    if not isinstance(message.files, Raw):
        return ""
    return "\n".join(file["name"] for file in json.decode(message.files))


def add(messages: Iterable[tuple[int, Message]]) -> Steps[None]:
    """Let new messages be found; pairs of row id and message."""
    rows = [(id, message.text, file_names(message)) for id, message in messages]
    yield many(ADD, rows)


def change(id: int, old: Message, text: str, names: str) -> Steps[None]:
    """Let a message be found by this text and these file names instead of the old ones."""
    yield one(FORGET, id, old.text, file_names(old))
    yield one(ADD, id, text, names)
