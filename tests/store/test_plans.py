"""How SQLite finds what the hot reads ask for: by an index, never by looking at a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import pytest

from chatbox.model import Draft
from chatbox.store import heads, messages, rooms, users
from chatbox.store.base import Statement
from chatbox.store.migrate import found, upgrade
from chatbox.store.steps import run_steps


@pytest.fixture
def database() -> Generator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    run_steps(connection, upgrade(0))
    run_steps(connection, found("server", "epoch", 0))
    yield connection
    connection.close()


READS: dict[str, Callable[[], Generator[Statement, list[Any], Any]]] = {
    "history": lambda: messages.before(1, 100, 50),
    "history after": lambda: messages.after(1, 100, 50),
    "changes": lambda: messages.changes(1, 100, 50),
    "one message": lambda: messages.get(1, 5),
    "search": lambda: messages.search('"word"', 1, None, 10**9, 20),
    "hello rooms": lambda: rooms.of_user(1),
    "hello ids": lambda: rooms.ids_of_user(1),
    "hello people since": lambda: users.people(5),
    "ping": lambda: rooms.heads_of_user(1),
    "members": lambda: rooms.members(1),
    "access": lambda: rooms.access(1, 1, 1),
    "what somebody wrote": lambda: messages.of_author(1, "nonce-01", 50),
    "heads of rooms": lambda: heads.of_rooms([1, 2]),
    "heads of people": lambda: heads.of_users([1, 2]),
    "resend": lambda: messages._known(Draft(1, 1, 0, "nonce-01", "x")),
}


@pytest.mark.parametrize("read", READS)
def test_a_hot_read_never_scans_a_table(read: str, database: sqlite3.Connection) -> None:
    statement = next(READS[read]())
    plan = database.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.params).fetchall()
    steps = [row[3] for row in plan]
    scans = [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE INDEX" not in step]
    assert not scans, steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps
