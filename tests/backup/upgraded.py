"""Chatbox of a later release, with a migration and a client of its own: `python upgraded.py KIND ARGUMENTS…`.

KIND is `quick`, or `slow`, which takes some seconds, or `failing`, which fails at its end.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from chatbox.store import migrate, schema  # whatever imports the list later has the longer one

_WORK = (
    "CREATE TABLE busy AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rounds})"
    " SELECT count(*) AS n FROM c;\nALTER TABLE rooms ADD COLUMN colour TEXT;\n"
    "UPDATE rooms SET colour = 'red';\n"
)
KINDS = {
    "quick": _WORK.format(rounds=10),
    "slow": _WORK.format(rounds=6_000_000),
    "failing": _WORK.format(rounds=10) + "UPDATE nothing SET a = 1;\n",
}


def main() -> int:
    migrate.MIGRATIONS = (schema.SCHEMA_1, KINDS[sys.argv.pop(1)])
    from chatbox import cli, frozen

    with tempfile.TemporaryDirectory() as folder:
        client = Path(folder, "assets")
        shutil.copytree(frozen.assets_folder(), client)
        (client / "css/utilities.css").open("a").write(".later {}\n")
        (client / "sw.js").open("a").write("self.later = true;\n")
        frozen.assets_folder = lambda: client
        return cli.main()


if __name__ == "__main__":
    sys.exit(main())
