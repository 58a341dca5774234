"""Durable before visible, by a trace of the server's system calls: was all that was sent on the disk before?

What is followed is a *token*: the text of a message, or the name of a file and the beginning of its content.
The database has it on the disk when an fdatasync of the WAL has ended that began after the commit frame of
its transaction was written (https://www.sqlite.org/walformat.html); a file's content must have been synced
and renamed as well, and the folder of its new name synced.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import NamedTuple

from tests.faults.trace import RENAMES, SYNCS, WRITES, Call

TOKEN = re.compile(rb"tok-[0-9a-f]{12}")
NEVER = 2**62
_CHANGED = re.compile(rb'\{"re":\d+,"ok":\{"room":(\d+),"seq":\d+,"rev":(\d+)')
_UPLOADED = re.compile(rb'\r\n\r\n\{"id":"[\w-]+","name":"(tok-[0-9a-f]{12})')
_FRAME_HEADER = 24  # bytes; those from 4 to 8 are zero unless it is a commit frame
_WAL_HEADER = 32


class Findings(NamedTuple):
    """How many acknowledgements and deliveries were sent, and which of them before they were on the disk."""

    acknowledged: int
    delivered: int
    early: list[str]


class _Disk:
    """Follows the WAL and the contents of files: from which place of the trace on is a token on the disk?"""

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self.contents: dict[bytes, int] = {}
        self._seen: set[bytes] = set()
        self._open: list[bytes] = []  # of the transaction that is being written
        self._commits = False
        self._written: list[tuple[int, list[bytes]]] = []
        self._parts: dict[str, tuple[bytes, int]] = {}
        self._synced: dict[str, bytes] = {}
        self._renamed: dict[str, list[tuple[int, bytes]]] = {}

    def since(self, token: bytes) -> int:
        """The place from which on it is on the disk."""
        return max(self.rows.get(token, NEVER), self.contents.get(token, 0))

    def take(self, call: Call) -> None:
        """A call that succeeded."""
        if call.name in SYNCS:
            self._sync(call)
        elif call.name in RENAMES and call.path in self._synced:
            folder = str(PurePath(call.data.decode()).parent)
            self._renamed.setdefault(folder, []).append((call.end, self._synced[call.path]))
        elif call.path.endswith("-wal"):
            self._write(call)
        elif call.path.endswith(".part"):
            token = self._parts[call.path][0] if call.path in self._parts else call.data[:16]
            self._parts[call.path] = (token, call.end)
            self.contents[token] = NEVER

    def _write(self, call: Call) -> None:
        if call.result != len(call.data):
            raise ValueError(f"half a write: {call}")
        if len(call.data) == _FRAME_HEADER:
            self._commits = any(call.data[4:8])
        elif len(call.data) != _WAL_HEADER:
            fresh = set(TOKEN.findall(call.data)) - self._seen
            self._seen |= fresh
            self._open += fresh
            if self._commits:
                self._written.append((call.end, self._open))
                self._open = []

    def _sync(self, call: Call) -> None:
        if call.path.endswith("-wal"):
            covered = [tokens for end, tokens in self._written if end < call.begin]
            del self._written[: len(covered)]
            self.rows |= {token: call.end for tokens in covered for token in tokens}
        elif call.path in self._parts:
            token, end = self._parts[call.path]
            if end < call.begin:
                self._synced[call.path] = token
        for end, token in self._renamed.pop(call.path, []):
            if end < call.begin:
                self.contents[token] = call.end


class _Stream:
    """What was sent over one socket."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._starts: list[int] = []
        self._begins: list[int] = []

    def add(self, call: Call) -> None:
        self._starts.append(len(self.data))
        self._begins.append(call.begin)
        self.data += call.data[: call.result]

    def sent_at(self, offset: int) -> int:
        """The place of the trace where the call began that sent this byte."""
        return self._begins[bisect_right(self._starts, offset) - 1]

    def shown(self, answers: Mapping[tuple[int, int], bytes]) -> Iterator[tuple[bool, bytes, int]]:
        """What was acknowledged (True) or delivered (False): the token and its offset."""
        for match in TOKEN.finditer(self.data):
            yield False, match[0], match.start()
        for match in _UPLOADED.finditer(self.data):
            yield True, match[1], match.start()
        for match in _CHANGED.finditer(self.data):
            yield True, answers[int(match[1]), int(match[2])], match.start()


def check(calls: Iterable[Call], answers: Mapping[tuple[int, int], bytes]) -> Findings:
    """Compare what was sent with what was on the disk. `answers` tells which token was stored as which
    (room, rev). Raises ValueError where a token went a way that this does not follow."""
    disk, streams = _Disk(), dict[str, _Stream]()
    for call in calls:
        if call.name not in (*WRITES, *SYNCS, *RENAMES) and TOKEN.search(call.data):
            raise ValueError(f"{call.name} is not followed: {call.data[:200]!r}")
        if call.result < 0:
            continue
        if call.path.startswith("socket:"):
            streams.setdefault(call.path, _Stream()).add(call)
        else:
            disk.take(call)
    acknowledged, delivered, early = 0, 0, []
    for socket, stream in streams.items():
        for is_answer, token, offset in stream.shown(answers):
            acknowledged += is_answer
            delivered += not is_answer
            sent, stored = stream.sent_at(offset), disk.since(token)
            if sent <= stored:
                what = "acknowledged" if is_answer else "delivered"
                when = "never" if stored == NEVER else f"at {stored}"
                early.append(f"{token.decode()} was {what} over {socket} at {sent}, on the disk {when}")
    return Findings(acknowledged, delivered, early)
