"""What a service is, and what it takes to install, remove and look at it; nothing here touches the system."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath

from msgspec import Struct

from chatbox.errors import StartError


class Service(Struct, frozen=True):
    """What is to run.

    `words` start the program; `data` is its folder, and `writable` every folder it writes to, that one
    included. `system`: for the whole computer, from its start on, not for one person. `account` is whose
    rights it has; empty for one that exists only while it runs. `home` is the home folder of whoever installs
    it, and `uid` their number on POSIX."""

    words: tuple[str, ...]
    data: PurePath
    writable: tuple[PurePath, ...]
    system: bool
    account: str
    home: PurePath
    uid: int = 0
    options: tuple[str, ...] = ()  # --config and --set, as they were given

    @property
    def command(self) -> tuple[str, ...]:
        """The whole command line."""
        return (*self.words, *self.named, *self.options)

    @property
    def named(self) -> tuple[str, ...]:
        """The part of it that tells it from the service of another data folder, whichever these are."""
        return ("serve", "--data", str(self.data), "--no-browser")


class Step(Struct, frozen=True):
    """One command. `done` says what it did; where it may fail, `otherwise` says what that means."""

    words: tuple[str, ...]
    done: str = ""
    otherwise: str | None = None


class Plan(Struct, frozen=True):
    """How it is done on one system. The folder of `file` may have to be made. What is removed takes its first
    step before the file goes."""

    file: PurePath
    content: bytes
    mark: str  # what stands in `file` where it is the service of the same data folder
    enable: tuple[Step, ...]  # it starts with the computer
    start: tuple[Step, ...]  # and now
    disable: tuple[Step, ...]  # it starts no more, and goes on running if it runs
    remove: tuple[Step, ...]  # and runs no more
    status: tuple[str, ...]  # a command whose output `state` reads
    notes: tuple[str, ...]  # what is good to know once it is installed


class ServiceError(StartError):
    """It cannot be done so. The text says what to do instead; `options` are those with which `chatbox service
    install` helps, None where it does not."""

    def __init__(self, message: str, options: tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.options = options


RUNNING, STOPPED, MISSING = "running", "stopped", "missing"


# Where nothing lasts, and where a service would not find it: systemd gives each a /tmp of its own. From the
# last one macOS runs an app that was downloaded and not moved to Applications.
TEMPORARY = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/folders")


def is_temporary(path: str) -> bool:
    """Whether it lies in a folder that the system empties."""
    return any(PurePosixPath(path).is_relative_to(folder) for folder in TEMPORARY)


def unprintable(words: tuple[str, ...]) -> str:
    """The first of these words that no file of a service can hold; empty where all can."""
    return next((word for word in words if not word.isprintable()), "")
