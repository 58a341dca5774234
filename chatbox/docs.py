"""The pages of docs/ that are made from the code: ``python -m chatbox.docs`` writes them anew.

A test fails where a page is stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from chatbox.api_docs import api_page
from chatbox.settings import SECTIONS, TABLE

FOLDER = Path(__file__).resolve().parent.parent / "docs"

_SETTINGS_HEAD = """\
# Settings

<!-- Made by `python -m chatbox.docs` from chatbox/settings.py; do not edit. -->

Chatbox runs without any settings. What belongs to the machine is set in `chatbox.ini`, which the first
start writes with every setting commented out. What an admin changes while it runs is in the database; what
stands in the file, or on the command line, is stronger.

The file is looked for where `--config FILE` says, else in the data folder, else next to the program. A
setting for one run, stronger than the file: `--set SECTION.KEY=VALUE`, any number of times. `chatbox
check-config` says whether the file is right. If anything is wrong, Chatbox does not start, and names every
problem with its line.

Sizes are bytes, or have a suffix: KB, MB or GB, in steps of 1024. Comments begin with `#` or `;` and need a
line of their own.

## The data folder

The first of these that is given: `--data DIR`, the variable `CHATBOX_DATA`, the setting `[storage] data`, a
folder `chatbox-data` next to the program, the user's own data folder. A start that would begin a new folder
takes the one that was used last. Every start says which folder it takes and why.

Cloud-synced and network folders are refused: the database would be damaged there. A temporary folder is
taken only when it is named, with a warning. One process at a time has the folder; commands such as `chatbox
user add` go through it while it runs.
"""


def settings_page() -> str:
    """docs/settings.md."""
    lines = [_SETTINGS_HEAD]
    for section, group in SECTIONS.items():
        lines += [f"## [{section}]", "", (group.__doc__ or "").strip(), ""]
        lines += ["| setting | default | allowed | what it does |", "|---|---|---|---|"]
        for row in TABLE:
            if row.section == section:
                default = f"`{row.shown_default}`" if row.shown_default else "empty"
                more = " Admins may change it while the server runs." if row.changeable else ""
                lines.append(f"| `{row.key}` | {default} | {row.kind.allowed} | {row.help}{more} |")
        lines.append("")
    return "\n".join(lines)


PAGES: Mapping[str, Callable[[], str]] = {"api.md": api_page, "settings.md": settings_page}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
