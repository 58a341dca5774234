"""The console window of Windows: a click does not freeze the server, and closing it stops the server well.

What is decided here is plain Python; only `prepare` and `keep_open` speak to the system.
https://learn.microsoft.com/windows/console/setconsolemode
https://learn.microsoft.com/windows/console/handlerroutine
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

QUICK_EDIT = 0x0040
EXTENDED_FLAGS = 0x0080
CLOSE, LOGOFF, SHUTDOWN = 2, 5, 6  # events of the console; 0 and 1 are Ctrl+C and Ctrl+Break
ENDS_WITHIN = 0.5  # seconds that the executable's inner process has, once the window is closed


def without_quick_edit(mode: int) -> int:
    """The console's mode in which a click selects no text: while some is selected nothing can be printed, and
    whoever prints stands still."""
    return (mode | EXTENDED_FLAGS) & ~QUICK_EDIT


def is_own_window(processes: int, frozen: bool) -> bool:
    """Whether the window was opened for this program, by a double click, and closes with it: no shell is
    among the processes of the console. The executable is two processes."""
    return 0 < processes <= (2 if frozen else 1)


class Closing:
    """What is done when the window is closed, or somebody logs off: the process ends when this returns."""

    def __init__(self, stop: Callable[[], object]) -> None:
        """`stop` makes the server end at once, and may be called from any thread."""
        self._stop = stop
        self._stopped = threading.Event()

    def stopped(self) -> None:
        """The server has ended."""
        self._stopped.set()

    def __call__(self, event: int) -> bool:
        """Called by the system, in a thread of its own. Returns whether the event was dealt with."""
        if event not in (CLOSE, LOGOFF, SHUTDOWN):
            return False
        self._stop()
        self._stopped.wait(ENDS_WITHIN)
        return True


if sys.platform == "win32":
    import atexit
    import ctypes
    from ctypes import wintypes

    _INPUT = -10  # GetStdHandle
    _kernel = ctypes.windll.kernel32
    _kernel.GetStdHandle.restype = wintypes.HANDLE
    _Handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
    _kept: list[Any] = []  # what the system calls must not be collected

    def prepare(stop: Callable[[], object]) -> Callable[[], None]:
        """Make the console harmless. Gives what is to be called when the server has ended."""
        handle = wintypes.HANDLE(_kernel.GetStdHandle(_INPUT))
        mode = wintypes.DWORD()
        if _kernel.GetConsoleMode(handle, ctypes.byref(mode)):
            atexit.register(_kernel.SetConsoleMode, handle, mode.value | EXTENDED_FLAGS)
            _kernel.SetConsoleMode(handle, without_quick_edit(mode.value))
        closing = Closing(stop)
        handler = _Handler(closing)
        _kept.append(handler)
        _kernel.SetConsoleCtrlHandler(handler, True)
        return closing.stopped

    def keep_open(frozen: bool) -> None:
        """Wait for a key where the window would close before anybody has read what is in it."""
        processes = (wintypes.DWORD * 4)()
        if is_own_window(_kernel.GetConsoleProcessList(processes, len(processes)), frozen):
            try:
                input("Press Enter to close this window. ")
            except EOFError:
                return

else:

    def prepare(stop: Callable[[], object]) -> Callable[[], None]:
        """Nothing to do: this is no Windows."""
        return lambda: None

    def keep_open(frozen: bool) -> None:
        """Nothing to do: this is no Windows."""
