"""What root makes in somebody's folder must become theirs, or their server could not read it."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path


def hand_over(folder: Path) -> None:
    """Give what belongs to root in a folder to the account that the folder belongs to. Raises OSError.

    That account may have put a link there, to have a file of the system given to it: links are not followed,
    and a file with a second name is left alone.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    owner = folder.stat()
    if owner.st_uid == 0:
        return
    for _, folders, files, at in os.fwalk(folder):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            if found.st_uid == 0 and (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                _give(name, at, owner)


if sys.platform != "win32":

    def _give(name: str, at: int, owner: os.stat_result) -> None:
        """What is looked at and what is given are the same file, whatever has its name meanwhile."""
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
        try:
            found = os.fstat(handle)
            only = stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)
            if found.st_uid == 0 and only:
                os.fchown(handle, owner.st_uid, owner.st_gid)
        finally:
            os.close(handle)
