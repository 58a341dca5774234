"""What one client knows, kept by the rules of the protocol ("Positions"), with no input and output.

It is written from the protocol's page alone, not from the web client, so that each checks the other.
"""

from __future__ import annotations

from typing import Any

Message = dict[str, Any]
_SETTINGS = ("kind", "name", "topic", "archived", "count", "users", "general")
_COUNTS = ("read", "unread", "mentions")


class Room:
    """A room of mine: its settings, my place in it, and every message of it that was seen."""

    def __init__(self, info: dict[str, Any]) -> None:
        self.id: int = info["id"]
        self.position: int = info["head"]
        self.counted = 0
        self.read = self.unread = self.mentions = 0
        self.settings: dict[str, Any] = {}
        self.messages: dict[int, Message] = {}
        self.loaded = False
        self.wanted = 0  # a head that was heard of; above the position: changes are missing
        self.take(info)

    def take(self, info: dict[str, Any]) -> None:
        """Merge a description, shared or personal."""
        self.settings = {key: info[key] for key in _SETTINGS if info.get(key)}
        if "member" in info:
            self.count(info)

    def count(self, counts: dict[str, Any]) -> bool:
        """Take the server's counts as of `head`. Returns False where more was counted already: then they are
        out of date, and what they tell is missing."""
        if counts["head"] < self.counted:
            return False
        self.counted = counts["head"]
        self.read, self.unread, self.mentions = (counts[key] for key in _COUNTS)
        return True

    def merge(self, messages: list[Message]) -> None:
        """Of two states of a message the greater `rev` wins."""
        for message in messages:
            known = self.messages.get(message["seq"])
            if known is None or message["rev"] > known["rev"]:
                self.messages[message["seq"]] = message
            elif message["rev"] == known["rev"]:
                assert message == known, f"two states of one rev: {message} and {known}"

    def advance(self, head: int, messages: list[Message], me: int) -> bool:
        """Everything up to `head` is here. Returns whether the counts have become unsure."""
        fresh = sorted((m for m in messages if m["seq"] > self.counted), key=lambda m: int(m["seq"]))
        for message in fresh:
            if message["user"] == me:
                self.read, self.unread, self.mentions = message["seq"], 0, 0
            else:
                self.unread += 1
                self.mentions += me in message.get("mentions", ())
        self.counted = max(self.counted, head)
        self.position = max(self.position, head)
        self.merge(messages)
        return any(message["rev"] > message["seq"] for message in fresh)

    def state(self) -> dict[str, Any]:
        """What must be equal for everybody who knows the room, and what is mine."""
        counts = {key: getattr(self, key) for key in _COUNTS}
        messages = [self.messages[seq] for seq in sorted(self.messages)]
        return {"settings": self.settings, "position": self.position, **counts, "messages": messages}


class Mirror:
    """All that one client knows. `complaints` has what the server must never do."""

    def __init__(self) -> None:
        self.me = 0
        self.epoch = ""
        self.mine = 0
        self.people_rev = 0
        self.people: dict[int, dict[str, Any]] = {}
        self.rooms: dict[int, Room] = {}
        self.stale = False  # a new hello is needed
        self.gaps = 0
        self.complaints: list[str] = []
        self.online = False  # hello was answered on this connection

    # -- hello ---------------------------------------------------------------------------------------------

    def positions(self) -> dict[str, Any]:
        """The fields of the next hello."""
        if not self.epoch:
            return {}
        heads = {str(room.id): room.position for room in self.rooms.values()}
        return {"epoch": self.epoch, "heads": heads, "mine": self.mine, "people": self.people_rev}

    def hello(self, reply: dict[str, Any]) -> None:
        """Take a snapshot."""
        same = reply["epoch"] == self.epoch
        self.me, self.epoch, self.mine = reply["me"]["id"], reply["epoch"], reply["mine"]
        self.people_rev = reply["people_rev"]
        self.people |= {person["id"]: person for person in reply["people"]}
        mine = {info["id"] for info in reply["rooms"]}
        for id in [id for id in self.rooms if id not in mine]:
            del self.rooms[id]
        for info in reply["rooms"]:
            self._resume(info, reply.get("changes", {}).get(str(info["id"])), same)
        self.stale = False
        self.online = True

    def _resume(self, info: dict[str, Any], changes: Any, same: bool) -> None:
        room = self.rooms.get(info["id"])
        if room is not None and same and room.position > info["head"]:
            self.complaints.append(f"a snapshot that is older than what came before: {room.position}, {info}")
        if room is None or not same or changes == "reset" or room.position > info["head"]:
            self.rooms[info["id"]] = Room({**info, "member": True})
            return
        room.counted = 0
        room.take({**info, "member": True})
        if changes == "behind":
            room.wanted = max(room.wanted, info["head"])
            return
        if room.position != info["head"] and changes is None:
            self.complaints.append(f"hello told no changes of room {room.id} after {room.position}: {info}")
        room.advance(info["head"], changes or [], self.me)

    # -- events --------------------------------------------------------------------------------------------

    def apply(self, event: dict[str, Any]) -> None:
        """Take one event."""
        if not self.online:
            self.complaints.append(f"an event before hello: {event}")
        if "mine" in event:
            if event["mine"] <= self.mine:
                return
            self.stale |= event.get("after", event["mine"] - 1) > self.mine
            self.mine = event["mine"]
        kind = event["ev"]
        if kind == "messages":
            self._messages(event)
        elif kind == "room":
            self._room(event["room"])
        elif kind == "room.gone":
            self.rooms.pop(event["room"], None)
        elif kind == "read" and event["room"] in self.rooms:
            self.stale |= not self.rooms[event["room"]].count(event)
        elif kind == "people":
            self._people(event)
        elif kind == "typing" and event["room"] not in self.rooms:
            self.complaints.append(f"typing in a room that is not mine: {event}")

    def _messages(self, event: dict[str, Any]) -> None:
        room = self.rooms.get(event["room"])
        if room is None:
            self.complaints.append(f"messages of a room that is not mine: {event}")
            return
        revs = [message["rev"] for message in event["messages"]]
        if revs != sorted(revs) or not all(event["after"] < rev <= event["head"] for rev in revs):
            self.complaints.append(f"an event out of order: {event}")
        if event["head"] <= room.position:
            return
        if event["after"] > room.position or room.wanted > room.position:
            self.gaps += room.wanted <= room.position
            room.wanted = max(room.wanted, event["head"])
            return
        self.stale |= room.advance(event["head"], event["messages"], self.me)

    def _room(self, info: dict[str, Any]) -> None:
        room = self.rooms.get(info["id"])
        if room is not None:
            room.take(info)
        elif info.get("member"):
            self.rooms[info["id"]] = Room(info)
        else:
            self.complaints.append(f"the description of a room that is not mine: {info}")

    def _people(self, event: dict[str, Any]) -> None:
        if event["people_rev"] <= self.people_rev:
            return
        self.stale |= event["after"] > self.people_rev
        self.people_rev = event["people_rev"]
        self.people |= {person["id"]: person for person in event["people"]}

    # -- comparing -----------------------------------------------------------------------------------------

    def behind(self) -> list[Room]:
        """Rooms whose changes must be asked for."""
        return [room for room in self.rooms.values() if room.wanted > room.position]

    def missing(self, pong: dict[str, Any]) -> list[str]:
        """What a ping's reply shows to be missing, where nothing is in flight."""
        found = []
        for id, head in pong["heads"].items():
            room = self.rooms.get(int(id))
            if room is None or room.position < head:
                found.append(f"room {id}: at {room and room.position}, head {head}")
        if pong["mine"] != self.mine or pong["people_rev"] != self.people_rev:
            found.append(f"mine {self.mine}, people_rev {self.people_rev}, but {pong}")
        return found

    def state(self) -> dict[str, Any]:
        """Everything that a full reload must show as well."""
        rooms = {id: room.state() for id, room in sorted(self.rooms.items())}
        people = dict(sorted(self.people.items()))
        return {"rooms": rooms, "people": people}
