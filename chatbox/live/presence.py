"""Who is here, away or typing. Nothing of this is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatbox.bus.base import Publication
from chatbox.clock import Clock
from chatbox.live.hub import Hub
from chatbox.protocol.events import encode

OFFLINE_AFTER = 10.0  # seconds without a connection, so that a reload is no absence
TYPING_LIMIT = 100  # people online in a room above which nobody is told who is typing


class Presence:
    """Follows the hub's connections; `tick` tells those on this node what changed, once a second."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        publish: Callable[[list[Publication]], None],
        elsewhere: Callable[[], Mapping[int, str]] = dict,
    ) -> None:
        """`elsewhere` gives the state, "online" or "away", of everybody who is on another node."""
        self._hub = hub
        self._clock = clock
        self._publish = publish
        self._elsewhere = elsewhere
        self._state: dict[int, str] = {}
        self._told: dict[int, str] = {}
        self._leaving: dict[int, float] = {}

    @property
    def here(self) -> dict[int, str]:
        """The state of everybody who is on this node, or was until a moment ago."""
        return self._state

    @property
    def everybody(self) -> Mapping[int, str]:
        """The state of everybody who is on any node: away is who is away on all of them."""
        elsewhere = self._elsewhere()
        if not elsewhere:
            return self._state
        back = {user: state for user, state in elsewhere.items() if state == "online"}
        return {**elsewhere, **self._state, **back}

    @property
    def online(self) -> list[int]:
        """Who is here, away or not."""
        return list(self.everybody)

    @property
    def away(self) -> list[int]:
        """Who is here, but away from every screen."""
        return [user for user, state in self.everybody.items() if state == "away"]

    def update(self, user: int) -> None:
        """Look again at a user whose connections changed."""
        own = [connection for connection in self._hub.of_user(user) if connection.ready]
        if own:
            self._leaving.pop(user, None)
            self._state[user] = "away" if all(connection.away for connection in own) else "online"
        elif user in self._state:
            self._leaving.setdefault(user, self._clock.monotonic() + OFFLINE_AFTER)

    def tick(self) -> None:
        """Tell what changed since the last call, joined into one event."""
        now = self._clock.monotonic()
        for user in [user for user, due in self._leaving.items() if due <= now]:
            del self._leaving[user]
            self._state.pop(user, None)
        states = self.everybody
        if states == self._told:
            return
        event: dict[str, Any] = {}
        for user in states.keys() | self._told.keys():
            state = states.get(user, "offline")
            if state != self._told.get(user, "offline"):
                event.setdefault(state, []).append(user)
        self._told = dict(states)
        self._hub.receive(Publication("all", encode({"ev": "presence", **event})))

    def typing(self, room: int, head: int, user: int) -> None:
        """Tell a room, as it is at this head, that somebody in it is typing, unless it is a crowd."""
        if self._hub.crowd(room) > TYPING_LIMIT:
            return
        event = encode({"ev": "typing", "room": room, "user": user})
        self._publish([Publication(f"room:{room}", event, head=head, after=head)])
