"""Everybody on this server, kept in memory: for mentions, and for the list that each `hello` holds."""

from __future__ import annotations

from typing import Any

from msgspec import json

from chatbox.bus.base import Publication
from chatbox.rules.names import name_key

_PREFIX = b'{"ev":"people"'


class Directory:
    """The list of people, as last published. The list is encoded once and kept as bytes."""

    def __init__(self) -> None:
        self.people_rev = 0
        self.persons: dict[int, dict[str, Any]] = {}
        self.by_key: dict[str, int] = {}
        self._encoded: bytes | None = None

    def load(self, people_rev: int, persons: list[dict[str, Any]]) -> None:
        """Take the whole list, as read from the store."""
        self.people_rev = people_rev
        self.persons.clear()
        self.by_key.clear()
        for person in persons:
            self._take(person)

    def receive(self, publication: Publication) -> None:
        """Follow what is published about people."""
        if publication.topic == "all" and publication.event.startswith(_PREFIX):
            event = json.decode(publication.event)
            for person in event["people"]:
                self._take(person)
            self.people_rev = max(self.people_rev, event["people_rev"])

    @property
    def admins(self) -> list[int]:
        """The ids of who looks after the server."""
        return [id for id, person in self.persons.items() if person.get("admin")]

    def encoded(self) -> bytes:
        """Everybody, as a JSON list."""
        if self._encoded is None:
            self._encoded = json.encode(list(self.persons.values()))
        return self._encoded

    def shown_name(self, user: int) -> str:
        """What to call somebody in a sentence."""
        person = self.persons.get(user, {})
        return str(person.get("full_name") or person.get("name") or "Somebody")

    def _take(self, person: dict[str, Any]) -> None:
        self._encoded = None
        known = self.persons.get(person["id"])
        if known is not None and self.by_key.get(key := name_key(known["name"])) == person["id"]:
            del self.by_key[key]
        self.persons[person["id"]] = person
        if not person.get("gone"):
            self.by_key[name_key(person["name"])] = person["id"]
