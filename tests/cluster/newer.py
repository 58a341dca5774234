"""Chatbox of the next release, whose tables have grown: `python newer.py ARGUMENTS…`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chatbox.store import postgres_schema  # whatever imports the list later has the longer one

GROWN = """\
ALTER TABLE messages ADD COLUMN colour TEXT;
CREATE TABLE colours (name TEXT PRIMARY KEY);
INSERT INTO colours VALUES ('red')
"""


def main() -> int:
    postgres_schema.MIGRATIONS = (*postgres_schema.MIGRATIONS, GROWN)
    from chatbox import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
