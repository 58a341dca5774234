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
    unpacked. Does nothing from source, and nothing outside Linux, which alone offers this: prctl(2).
    """
    folder = unpacked_folder()
    if folder is None or not _was_unpacked(folder) or sys.platform != "linux":
        return
    import ctypes

    atexit.register(_remove_if_orphaned, folder, os.getppid())
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


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
