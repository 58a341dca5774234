"""A later release's list of migrations, for tests alone."""

from __future__ import annotations

from collections.abc import Sequence

from chatbox.store.schema import SCHEMA_1

COLUMNS = [f"colour{number}" for number in range(12)]
NEXT = ";\n".join(
    [
        *(
            f"ALTER TABLE rooms ADD COLUMN {column} TEXT;\nUPDATE rooms SET {column} = 'red'"
            for column in COLUMNS
        ),
        "CREATE TABLE marks (room INTEGER PRIMARY KEY, mark TEXT)",
        "INSERT INTO marks SELECT id, name FROM rooms;\n",
    ]
)
LATER: Sequence[str] = (SCHEMA_1, NEXT)
