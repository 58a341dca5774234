"""chatbox.ini: written once with every setting commented out, read with line numbers, changed in place.

The syntax: `[section]`, `key = value`, and comments that begin with # or ; on a line of their own. A value
ends with its line. UTF-8, with or without a byte order mark; any line ends.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from chatbox import atomic
from chatbox.settings import SECTIONS, TABLE, Setting
from chatbox.settings_parser import Item, Problem, SettingsError

FILE_NAME = "chatbox.ini"
_BOM = "\ufeff"
_HEADER_LINE = re.compile(r"\[([^\[\]]*)\]")
_PREAMBLE = """\
# Settings of this Chatbox server.
#
# Every setting stands here with its default, commented out. To change one, remove the # in front of it,
# change the value, and start Chatbox again. Comments need a line of their own.
# "chatbox check-config" says whether the file is right, and which line is not."""


class Ini(Struct, frozen=True):
    """What a file says, unchecked, and what could not be read in it; both go to `settings_parser.parse`."""

    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()


def read(path: Path) -> Ini:
    """Read a file. Raises SettingsError if it cannot be opened or is no text in UTF-8."""
    return scan(_load(path), str(path))


def scan(text: str, file: str) -> Ini:
    """Read the text of a file; `file` is its name in messages."""
    items: list[Item] = []
    problems: list[Problem] = []
    section = ""
    for number, line in enumerate(_lines(text), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if header := _HEADER_LINE.fullmatch(stripped):
            section = header[1].strip().casefold()
            items.append(Item(section, "", "", file, number))
            continue
        key, equals, value = stripped.partition("=")
        if not equals or not key.strip():
            problems.append(Problem(f'expected "key = value", got "{stripped}".', file, number, section))
        elif not section:
            problems.append(Problem(f'"{key.strip()}" stands above the first [section].', file, number))
        else:
            items.append(Item(section, key.strip().casefold(), value.strip(), file, number))
    return Ini(tuple(items), tuple(problems))


def template() -> str:
    """The text of a new file."""
    return "\n".join([_PREAMBLE, *_template_lines()])


def write_template(path: Path) -> None:
    """Write a new file, only for its owner to read. Raises OSError."""
    atomic.write_text(path, template().replace("\n", os.linesep))


def comment_out(path: Path, section: str, key: str) -> None:
    """Put a # before a setting and leave all else as it is. Raises OSError, SettingsError."""
    text = _load(path)
    changed = commented_out(text, section, key)
    if changed != text:
        real = path.resolve()  # a symbolic link stays one
        atomic.write_text(real, changed, mode=real.stat().st_mode & 0o777)


def set_value(path: Path, section: str, key: str, value: str) -> None:
    """Set a setting and leave all else as it is. Raises OSError, SettingsError."""
    real = path.resolve()  # a symbolic link stays one
    changed = with_value(_load(path), section, key, value)
    atomic.write_text(real, changed, mode=real.stat().st_mode & 0o777)


def with_value(text: str, section: str, key: str, value: str) -> str:
    """The text of a file with this setting: in its place, in that of its comment, or at the end."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    end = "\r\n" if "\r\n" in text else "\n"
    current, place, commented = "", None, None
    for at, line in enumerate(lines):
        bare = line.removeprefix(_BOM).strip()
        if header := _HEADER_LINE.fullmatch(bare):
            current = header[1].strip().casefold()
        elif current == section:
            name, equals, _ = bare.lstrip("#;").partition("=")
            if equals and name.strip().casefold() == key:
                if bare[0] in "#;":
                    commented = at
                else:
                    place = at
    place = commented if place is None else place
    if place is not None:
        lines[place] = f"{key} = {value}{end}"
        return "".join(lines)
    gap = end if text and not text.endswith(("\n", "\r")) else ""
    return f"{text}{gap}{end}[{section}]{end}{key} = {value}{end}"


def commented_out(text: str, section: str, key: str) -> str:
    """The text of a file with a # before a setting; line ends and a byte order mark stay."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    current = ""
    for at, line in enumerate(lines):
        bare = line.removeprefix(_BOM).strip()
        if header := _HEADER_LINE.fullmatch(bare):
            current = header[1].strip().casefold()
        elif current == section and bare.partition("=")[0].strip().casefold() == key:
            lines[at] = f"#{line.lstrip()}"
    return "".join(lines)


def _lines(text: str) -> list[str]:
    return text.removeprefix(_BOM).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _template_lines() -> Iterator[str]:
    for section, group in SECTIONS.items():
        yield ""
        yield f"# {(group.__doc__ or '').strip()}"
        yield f"[{section}]"
        for row in TABLE:
            if row.section == section:
                yield ""
                yield from _comment(row)
                yield f"#{row.key} = {row.shown_default}".rstrip()
    yield ""


def _comment(row: Setting) -> Iterator[str]:
    for text in (row.help, f"Allowed: {row.kind.allowed}. Default: {row.shown_default or 'empty'}."):
        for line in textwrap.wrap(text, 106, break_long_words=False, break_on_hyphens=False):
            yield f"# {line}"


def _load(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError([Problem(f"cannot be read: {error.strerror}.", str(path))]) from error
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            [Problem("is not UTF-8 text. Save the file as UTF-8.", str(path), line)]
        ) from error
