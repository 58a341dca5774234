"""Who is here, away or typing. Nothing of this is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Raw, json

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
        self.elsewhere = elsewhere
        self._state: dict[int, str] = {}
        self._told: dict[int, str] = {}
        self._leaving: dict[int, float] = {}
        self._news: set[int] = set()  # whose state on this node changed since everybody was told
        self._encoded: tuple[bytes, bytes] | None = None  # of who was told to be here, and who away

    @property
    def here(self) -> dict[int, str]:
        """The state of everybody who is on this node, or was until a moment ago."""
        return self._state

    @property
    def everybody(self) -> Mapping[int, str]:
        """The state of everybody who is on any node: away is who is away on all of them."""
        elsewhere = self.elsewhere()
        if not elsewhere:
            return self._state
        back = {user: state for user, state in elsewhere.items() if state == "online"}
        return {**elsewhere, **self._state, **back}

    def lists(self) -> tuple[Raw, Raw]:
        """The ids of who is here, and of those among them who are away from every screen, as JSON: as last
        told, with who has come to this node since. The next `tick` tells the rest, so that a hello need not
        put everybody together."""
        if self._encoded is None:
            idle = [user for user, state in self._told.items() if state == "away"]
            self._encoded = json.encode(list(self._told)), json.encode(idle)
        online, away = self._encoded
        come = [user for user in self._news if user not in self._told]
        return _with(online, come), _with(away, [user for user in come if self._state[user] == "away"])

    def update(self, user: int) -> None:
        """Look again at a user whose connections changed."""
        own = [connection for connection in self._hub.of_user(user) if connection.ready]
        if own:
            self._leaving.pop(user, None)
            state = "away" if all(connection.away for connection in own) else "online"
            if state != self._state.get(user):
                self._state[user] = state
                self._news.add(user)
        elif user in self._state:
            self._leaving.setdefault(user, self._clock.monotonic() + OFFLINE_AFTER)

    def tick(self) -> None:
        """Tell what changed since the last call, joined into one event."""
        now = self._clock.monotonic()
        for user in [user for user, due in self._leaving.items() if due <= now]:
            del self._leaving[user]
            self._state.pop(user, None)
        states, news = self.everybody, self._news
        if states == self._told and not news:
            return
        self._news = set()
        event: dict[str, Any] = {}
        for user in states.keys() | self._told.keys() | news:  # of the news, lists may have told otherwise
            state = states.get(user, "offline")
            if state != self._told.get(user, "offline") or user in news:
                event.setdefault(state, []).append(user)
        self._told = dict(states)
        self._encoded = None
        self._hub.receive(Publication("all", encode({"ev": "presence", **event})))

    def typing(self, room: int, head: int, user: int) -> None:
        """Tell a room, as it is at this head, that somebody in it is typing, unless it is a crowd."""
        if self._hub.crowd(room) > TYPING_LIMIT:
            return
        event = encode({"ev": "typing", "room": room, "user": user})
        self._publish([Publication(f"room:{room}", event, head=head, after=head)])


def _with(ids: bytes, more: list[int]) -> Raw:
    """An array of JSON with some ids more."""
    if not more:
        return Raw(ids)
    return Raw(ids[:-1] + (b"," if len(ids) > 2 else b"") + json.encode(more)[1:])
