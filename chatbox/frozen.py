"""What differs where Chatbox runs as the one-file executable that PyInstaller makes.

The executable is two processes: a parent that unpacks everything into a folder ``_MEI…`` and waits, and the
child that is Chatbox. https://pyinstaller.org/en/stable/advanced-topics.html#the-bootstrap-process-in-detail
"""

import atexit
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # prctl(2)


def unpacked_folder() -> Path | None:
    """The folder that the executable was unpacked into; None where Chatbox runs from source."""
    folder = getattr(sys, "_MEIPASS", None)
    return None if folder is None else Path(folder)


def assets_folder() -> Path:
    """The folder of the web client's files."""
    return (unpacked_folder() or Path(__file__).resolve().parent.parent) / "assets"


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent of a one-file executable is killed; call it at the start.

    Without it the child would live on, unseen by whoever started it, and nobody would remove what was
    unpacked. Does nothing from source; only Linux offers this, prctl(2), elsewhere `parent_to_watch` does.
    """
    folder = unpacked_folder()
    if folder is None or not _was_unpacked(folder):
        return
    if sys.platform != "win32":  # which does not remove what is in use
        atexit.register(_remove_if_orphaned, folder, os.getppid())
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def parent_to_watch() -> "Parent | None":
    """The parent, where this is a one-file executable and the kernel does not tell of its end."""
    folder = unpacked_folder()
    told: bool = sys.platform == "linux"
    return None if folder is None or not _was_unpacked(folder) or told else Parent()


class Parent:
    """The process that started this one, as long as it lives."""

    if sys.platform == "win32":

        def __init__(self) -> None:
            import ctypes
            from ctypes import wintypes

            self._kernel = ctypes.windll.kernel32
            self._kernel.OpenProcess.restype = wintypes.HANDLE
            synchronize = 0x00100000
            self._handle = wintypes.HANDLE(self._kernel.OpenProcess(synchronize, False, os.getppid()))

        @property
        def gone(self) -> bool:
            """Whether it has ended. Where it could not be opened that is never known."""
            return bool(self._kernel.WaitForSingleObject(self._handle, 0) == 0)

    else:

        def __init__(self) -> None:
            self._pid = os.getppid()

        @property
        def gone(self) -> bool:
            """Whether it has ended: its children then have another."""
            return os.getppid() != self._pid


def restore_library_path(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy of ``environment`` for another program, a browser say: without the executable's libraries."""
    restored = dict(environment)
    if unpacked_folder() is None:
        return restored
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        restored.pop(name, None)
        original = restored.pop(f"{name}_ORIG", None)
        if original is not None:
            restored[name] = original
    return restored


def _was_unpacked(folder: Path) -> bool:
    """Whether this is the one-file executable: one that is built as a folder has no parent, and stays."""
    return folder.name.startswith("_MEI")


def _remove_if_orphaned(folder: Path, parent: int) -> None:
    if os.getppid() != parent:  # a parent that lives removes the folder itself
        shutil.rmtree(folder, ignore_errors=True)
