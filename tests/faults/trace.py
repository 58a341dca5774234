"""System calls of a server, as strace(1) saw them: who called what, and what was over before what began.

With ``-f`` and one file strace writes a line when a call has ended, or two ("unfinished", "resumed") where it
saw something else meanwhile. A thread stands still while strace notes that a call begins or has ended, so the
order of the lines is the order of the events, whatever the clocks say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WRITES = ("write", "pwrite64", "sendto")
SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")
OTHERS = ("writev", "pwritev", "pwritev2", "sendmsg", "sendmmsg", "sendfile", "splice", "copy_file_range")
LONGEST = 2**24  # bytes of one call that are kept

_LINE = re.compile(r"(?P<pid>\d+) +(?:(?P<name>\w+)\((?P<begin>.*)|<\.\.\. \w+ resumed>(?P<rest>.*))")
_END = re.compile(r"(?P<arguments>.*)\) += (?P<result>-?\d+)(?: [E(].*)?$")
_FILE = re.compile(r"\d+<(?P<path>.*?)>(?:\(deleted\))?(?:, |$)")
_TEXT = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"(?P<cut>\.\.\.)?')
_UNFINISHED = " <unfinished ...>"


class Call(NamedTuple):
    """One call. `begin` and `end` are places in the trace. `path` is the file's, `socket:[…]` for a socket,
    of a rename the old name; `data` is what was written, or the new name."""

    name: str
    begin: int
    end: int
    path: str
    data: bytes
    result: int


def command(output: Path) -> list[str]:
    """The beginning of a command line whose writes, syncs and renames are noted in a file."""
    calls = ",".join((*WRITES, *SYNCS, *RENAMES, *OTHERS))
    return ["strace", "-f", "-y", "--seccomp-bpf", "-s", str(LONGEST), "-e", f"trace={calls}",
            "-e", "signal=none", "-o", str(output)]  # fmt: skip


def read(trace: Path) -> Iterator[Call]:
    """The calls of a trace in the order in which they ended. Raises ValueError for what is not understood."""
    begun: dict[str, tuple[str, int, str]] = {}
    with trace.open(encoding="ascii") as lines:
        for place, line in enumerate(lines):
            match = _LINE.match(line.rstrip("\n"))
            if match is None:
                continue  # the end of a thread
            pid, name, text = match["pid"], match["name"], match["begin"]
            if name is None:
                name, begin, text = begun.pop(pid)
                text += match["rest"]
            elif text.endswith(_UNFINISHED):
                begun[pid] = name, place, text.removesuffix(_UNFINISHED)
                continue
            else:
                begin = place
            if end := _END.match(text):  # a process that was killed never got to know the result
                path, data = _arguments(name, end["arguments"])
                yield Call(name, begin, place, path, data, int(end["result"]))


def _arguments(name: str, text: str) -> tuple[str, bytes]:
    if name in RENAMES:
        names = [_decode(found["text"]) for found in _TEXT.finditer(text)]
        return names[0].decode(), names[1]
    file = _FILE.match(text)
    if file is None:
        raise ValueError(f"{name} without a file: {text[:200]}")
    found = _TEXT.match(text, file.end()) if name in WRITES else None
    if found is None:
        return file["path"], b"" if name in SYNCS else text.encode()
    if found["cut"]:
        raise ValueError(f"{name} wrote more than {LONGEST} bytes")
    return file["path"], _decode(found["text"])


def _decode(text: str) -> bytes:
    """Of C's escapes strace uses those that Python knows, too."""
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")
