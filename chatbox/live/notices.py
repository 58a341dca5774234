"""What admins should know of the machine, as long as it is so: a disk that fills, a backup that failed.

Each kind of notice is there once. It is not stored: whatever raises it finds the trouble again after a start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from chatbox.bus.base import Publication
from chatbox.protocol import events


class Notices:
    """The notices of this server, told to its admins whenever they change."""

    def __init__(
        self, publish: Callable[[list[Publication]], None], admins: Callable[[], Iterable[int]]
    ) -> None:
        """`admins` gives the ids of who is to be told."""
        self._publish = publish
        self._admins = admins
        self._shown: dict[str, dict[str, Any]] = {}

    @property
    def shown(self) -> list[dict[str, Any]]:
        """All there are, as `hello` gives them to an admin: each with its `kind` and what belongs to it."""
        return list(self._shown.values())

    def show(self, kind: str, **facts: Any) -> None:
        """Show a notice, in place of one of the same kind."""
        notice = {"kind": kind, **facts}
        if self._shown.get(kind) != notice:
            self._shown[kind] = notice
            self._tell()

    def clear(self, kind: str) -> None:
        """It is so no more."""
        if self._shown.pop(kind, None) is not None:
            self._tell()

    def _tell(self) -> None:
        event = events.encode({"ev": "notices", "notices": self.shown})
        self._publish([Publication(f"user:{user}", event) for user in self._admins()])
