"""What an engine says in the log and to clients while its database cannot be used."""

from __future__ import annotations

import logging

from chatbox.errors import ChatboxError, Conflict

UNKNOWN = "It is not known whether that was stored. It will be sent again."
UNREADABLE = "The server could not read its data just now. Try again."


def misfit() -> Conflict:
    """The answer to a change that breaks a constraint."""
    return Conflict("That does not fit with what is stored. Load the page again.")


def failed() -> ChatboxError:
    """The answer to a change that is itself at fault."""
    return ChatboxError("Something went wrong on the server. Nothing was stored.")


class Troubles:
    """Tells each kind of trouble once, however many changes are refused for it, and when it is over."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._kinds: set[str] = set()

    def met(self, kind: str, error: Exception) -> None:
        """This happened."""
        if kind not in self._kinds:
            self._kinds.add(kind)
            text = "the database cannot be written: %s (%s). Until it can, nothing is stored"
            self._log.error(text, str(error) or "no answer", kind)

    def over(self) -> None:
        """Something was stored."""
        if self._kinds:
            self._kinds.clear()
            self._log.warning("the database can be written again")
