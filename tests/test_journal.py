"""What is told while the server runs: the log in its files, and the lines at the console."""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chatbox import journal

log = logging.getLogger("chatbox.test")


class Streams:
    """Standard output and standard error, from `keeping` on: pytest puts its own in place at first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self._monkeypatch = monkeypatch

    @contextmanager
    def keeping(self, folder: Path) -> Iterator[None]:
        self._monkeypatch.setattr(sys, "stdout", self.out)
        self._monkeypatch.setattr(sys, "stderr", self.err)
        with journal.keeping(folder, "info"):
            yield


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    return Streams(monkeypatch)


def written(folder: Path) -> list[str]:
    return (folder / "logs/chatbox.log").read_text().splitlines()


def test_details_go_to_the_file_and_what_matters_to_the_console(tmp_path: Path, streams: Streams) -> None:
    with streams.keeping(tmp_path):
        log.debug("too fine")
        log.info("%d details", 3)
        journal.tell("Ready.")
        log.warning("watch %s", "out")
        try:
            raise OSError("broken")
        except OSError:
            log.exception("it failed")
    times = [line[20:] for line in written(tmp_path)]
    assert times[:4] == [
        "INFO chatbox.test: 3 details",
        "INFO chatbox.journal: Ready.",
        "WARNING chatbox.test: watch out",
        "ERROR chatbox.test: it failed",
    ]
    assert written(tmp_path)[-1] == "  OSError: broken"
    assert re.fullmatch(r"\d\d:\d\d:\d\d  Ready.\n", streams.out.getvalue())
    assert re.fullmatch(r"[\d:]{8}  Warning: watch out\n[\d:]{8}  Error: it failed\n", streams.err.getvalue())
    assert not [each for each in logging.getLogger().handlers if "chatbox" in type(each).__module__]


def test_what_is_spoken_of_may_change_before_it_is_written(tmp_path: Path, streams: Streams) -> None:
    things = ["one"]
    with streams.keeping(tmp_path):
        log.info("%s", things)
        things.append("two")
    assert written(tmp_path)[0].endswith("['one']")


def test_nothing_from_outside_forges_a_line(tmp_path: Path, streams: Streams) -> None:
    with streams.keeping(tmp_path):
        try:
            raise ValueError("told\n2026 ERROR forged \x1b[31m")
        except ValueError:
            log.exception("by %s", "ada\r\n2026 ERROR \x9b")
    first, *others = written(tmp_path)
    assert first.endswith(r" ERROR chatbox.test: by ada\x0d\x0a2026 ERROR \x9b")
    assert others[0].startswith("  Traceback")
    assert others[-1] == r"  2026 ERROR forged \x1b[31m"
    assert streams.err.getvalue().endswith(r"  Error: by ada\x0d\x0a2026 ERROR \x9b" + "\n")


def test_the_file_begins_anew_when_it_is_full_and_five_are_kept(
    tmp_path: Path, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_BYTES", 2000)
    with streams.keeping(tmp_path):
        for number in range(200):
            log.info("line %d %s", number, "x" * 100)
    found = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert found == ["chatbox.log", *(f"chatbox.log.{number}" for number in range(1, 5))]
    assert all(path.stat().st_size <= 2000 for path in (tmp_path / "logs").iterdir())
    assert "line 199 " in written(tmp_path)[-1]


def test_a_disk_that_takes_nothing_is_told_once_and_written_to_again(
    tmp_path: Path, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, full, tries = journal.LogFile._open, [True], threading.Semaphore(0)

    def open_if_there_is_room(self: journal.LogFile) -> io.TextIOWrapper:
        tries.release()
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(self)

    monkeypatch.setattr(journal.LogFile, "_open", open_if_there_is_room)
    with streams.keeping(tmp_path):
        log.info("lost")
        log.info("lost, too")
        for _ in range(3):  # the third is the line that says so
            assert tries.acquire(timeout=20)
        full[0] = False
        log.info("there")
    assert streams.err.getvalue().count("chatbox.log cannot be written: [Errno 28]") == 1
    assert written(tmp_path)[-1].endswith("there")


def test_a_console_that_is_held_still_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.1)
    monkeypatch.setattr(journal, "WAITING", 100)
    reading, writing = os.pipe()
    held = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stdout", held)
    with journal.keeping(tmp_path, "info"):
        for number in range(2000):  # more than the pipe holds, and than may wait
            journal.tell(f"{number} {'x' * 200}")
    assert " INFO chatbox.journal: 0 x" in written(tmp_path)[0]
    os.close(reading)  # which lets the thread go
    with suppress(BrokenPipeError):
        held.close()


@pytest.mark.parametrize("stream", [None, "closed"])
def test_without_a_console_everything_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str | None
) -> None:
    lost = io.StringIO()
    lost.close()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, lost if stream else None)
    with journal.keeping(tmp_path, "info"):
        journal.tell("Ready.")
        log.warning("out")
    assert len(written(tmp_path)) == 2


def test_under_systemd_the_lines_have_no_time_of_their_own(
    tmp_path: Path, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    with streams.keeping(tmp_path):
        journal.tell("Ready.")
    assert streams.out.getvalue() == "Ready.\n"
