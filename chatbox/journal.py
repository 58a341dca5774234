"""What is told while the server runs: everything to files in the data folder, what an operator cares about to
the console.

A thread of its own writes each of the two: neither a slow disk nor a console that somebody holds still, with
Ctrl+S or a click into its window, may keep the server waiting. Where one is so far behind that ten thousand
lines wait for it, it misses what comes.
"""

from __future__ import annotations

import copy
import logging
import os
import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any

from chatbox.rules.text import escape_controls

FOLDER, FILE = "logs", "chatbox.log"
FILE_BYTES = 5 * 2**20
OLDER_FILES = 4
WAITING = 10_000  # lines
PATIENCE = 2.0  # seconds for what waits to be written at the end

log = logging.getLogger("chatbox.journal")


@contextmanager
def keeping(folder: Path, level: str) -> Iterator[None]:
    """Keep the log of the whole program in a data folder from here on, in detail as `level` says."""
    root = logging.getLogger()
    before = root.level
    with suppress(OSError):  # a read-only disk; told as soon as there is anything to write
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    writers = [_Writer(LogFile(folder / FOLDER / FILE)), _Writer(Console())]
    root.setLevel(level.upper())
    for name in ("aiosqlite", "asyncio", "asyncpg", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("zeroconf").setLevel(logging.ERROR)  # a network that goes away is none
    for writer in writers:
        root.addHandler(writer.hand)
        writer.start()
    try:
        yield
    finally:
        root.setLevel(before)
        for writer in writers:
            root.removeHandler(writer.hand)
            writer.stop()


def tell(text: str) -> None:
    """Tell the person at the console, in one line with the time before it; the log has it too."""
    log.info("%s", text, extra={"told": True})


class Lines(logging.Formatter):
    """What came from outside can neither forge a line nor drive the terminal; tracebacks are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return escape_controls(super().formatMessage(record))

    def formatException(self, *parts: Any) -> str:
        lines = super().formatException(*parts).split("\n")
        return "\n".join(f"  {escape_controls(line)}" for line in lines)


class LogFile(RotatingFileHandler):
    """Five files of five megabytes. Where they cannot be written the server runs on, and says so once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True)
        self.setFormatter(Lines("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
        self._failed = False

    def handle(self, record: logging.LogRecord) -> bool:
        self._failing = False
        done = super().handle(record)
        self._failed = self._failing
        return done

    def handleError(self, record: logging.LogRecord) -> None:
        self._failing = True
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()  # with what could not be written: it would stand in the way for ever
        if not self._failed:
            log.error("%s cannot be written: %s", self.baseFilename, sys.exc_info()[1])


class Console(logging.Handler):
    """Warnings and errors, without their details, and what was told on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(lambda record: record.levelno >= logging.WARNING or hasattr(record, "told"))
        # The journal of systemd has times of its own.
        self.setFormatter(
            Lines("%(message)s" if "JOURNAL_STREAM" in os.environ else "%(asctime)s  %(message)s", "%H:%M:%S")
        )

    def emit(self, record: logging.LogRecord) -> None:
        shown = copy.copy(record)
        shown.exc_text = shown.stack_info = None
        if record.levelno >= logging.WARNING:
            shown.msg = f"{'Error' if record.levelno >= logging.ERROR else 'Warning'}: {record.msg}"
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        if stream is not None:  # a windowed program has none
            with suppress(OSError, ValueError):  # nobody reads it any more
                print(self.format(shown), file=stream, flush=True)


class _Hand(QueueHandler):
    """Hands records over, each complete: what they speak of may be another before they are written."""

    _tracebacks = Lines()

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        complete = copy.copy(record)
        complete.msg, complete.args = record.getMessage(), None
        if record.exc_info and record.exc_info[0] is not None:
            complete.exc_text = self._tracebacks.formatException(record.exc_info)
        complete.exc_info = None
        return complete

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)


class _Writer(QueueListener):
    """The thread that writes with one handler."""

    def __init__(self, handler: logging.Handler) -> None:
        self._waiting = queue.Queue[Any](WAITING)
        super().__init__(self._waiting, handler)
        self.hand = _Hand(self._waiting)
        self.hand.filters = handler.filters  # what would not be written does not wait either

    def stop(self) -> None:
        """Write what waits, within a moment; a console that is held still keeps nobody from ending."""
        try:
            self.enqueue_sentinel()
        except queue.Full:  # it is stuck: one line makes room for the word that there is no more
            with suppress(queue.Empty, queue.Full):
                self._waiting.get_nowait()
                self.enqueue_sentinel()
        if self._thread is not None:
            self._thread.join(PATIENCE)
        for handler in self.handlers:
            handler.close()
