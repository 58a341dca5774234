"""The one checker of the fault tests: what was sent, what was acknowledged, what is stored and what everybody
knows agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from tests.harness.process import Books

NOT_TOLD = 0


class State(NamedTuple):
    """What everybody must know of a message."""

    rev: int
    user: int
    nonce: str
    text: str
    deleted: bool


Transcript = dict[int, State]  # by seq


class Sent:
    """What one person sent, in order, and what the server said to it. A deletion is an edit to no text."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.nonces: list[str] = []
        self.texts: dict[str, set[str]] = {}  # by nonce: those of which one is stored
        self.places: dict[str, tuple[int, int]] = {}  # room and seq, once acknowledged
        self._certain: dict[str, str] = {}  # the text that was acknowledged last

    def post(self, nonce: str, text: str) -> None:
        """It is about to be sent for the first time."""
        self.nonces.append(nonce)
        self.texts[nonce] = {text}
        self._certain[nonce] = text

    def acknowledged(self, nonce: str, room: int = NOT_TOLD, seq: int = NOT_TOLD) -> None:
        """A post was, with as much of its place as the client tells."""
        self.places[nonce] = (room, seq)

    def edit(self, nonce: str, text: str) -> None:
        """It is about to be sent: from now on both states are possible, for ever if it is never answered."""
        self.texts[nonce].add(text)

    def edited(self, nonce: str, text: str) -> None:
        """The edit was acknowledged."""
        self.texts[nonce] -= {self._certain[nonce]} - {text}
        self._certain[nonce] = text

    def refused(self, nonce: str, text: str) -> None:
        """The edit was refused for good."""
        self.texts[nonce] -= {text} - {self._certain[nonce]}

    def settled(self, nonce: str, text: str) -> None:
        """The edit was acknowledged, and none that came before it can still be on its way."""
        self.texts[nonce] = {text}
        self._certain[nonce] = text


def transcript(messages: Iterable[Mapping[str, Any]]) -> Transcript:
    """What a client knows of one room, as the protocol gives it."""
    return {
        m["seq"]: State(m["rev"], m["user"], m["nonce"], m["text"], bool(m.get("deleted"))) for m in messages
    }


def digest(messages: Transcript) -> str:
    """Of a transcript, as tests/js/node_crowd.mjs makes it."""
    found = sha256()
    for seq, (rev, user, nonce, text, deleted) in sorted(messages.items()):
        found.update(f"{seq} {rev} {user} {nonce} {str(deleted).lower()} {text}\n".encode())
    return found.hexdigest()


def stored(books: Books, after: int = 0, users: Collection[int] = ()) -> dict[int, Transcript]:
    """What the database holds, by room: all messages, those after a place, or those of some people."""
    rooms: dict[int, Transcript] = {room: {} for (room,) in books.rows("SELECT id FROM rooms")}
    theirs = f" AND user IN ({', '.join(map(str, users))})" if users else ""
    rows = books.rows(
        "SELECT room, seq, rev, user, nonce, text, deleted_at FROM messages"
        f" WHERE seq > ?{theirs} ORDER BY room, seq",
        after,
    )
    for room, seq, rev, user, nonce, text, deleted in rows:
        assert seq not in rooms[room], f"two messages are at {seq} of room {room}"
        rooms[room][seq] = State(rev, user, nonce, text, deleted is not None)
    return rooms


def check_sent(rooms: Mapping[int, Transcript], everybody: Iterable[Sent], *, in_order: bool = True) -> None:
    """What was acknowledged is stored, once, where the answer said, as it was last written; nothing else is
    stored; and what one person sent to one room is there in the order of sending, unless what was refused for
    a moment was sent again later."""
    places: dict[tuple[int, str], tuple[int, int]] = {}
    for room, messages in rooms.items():
        for seq, state in messages.items():
            key = state.user, state.nonce
            assert key not in places, f"{state} is stored twice"
            places[key] = room, seq
    for sent in everybody:
        own = {nonce: place for (user, nonce), place in places.items() if user == sent.user}
        for nonce, (room, seq) in sent.places.items():
            assert nonce in own, f"{nonce} was acknowledged and is not stored"
            stands = own[nonce]
            assert stands == (room or stands[0], seq or stands[1]), f"{nonce} is not where it was said to be"
        assert own.keys() <= set(sent.nonces), "something is stored that was never sent"
        last: dict[int, int] = {}
        for nonce in sent.nonces:
            if nonce in own:
                room, seq = own[nonce]
                text = rooms[room][seq].text
                assert text in sent.texts[nonce], (nonce, text, sent.texts[nonce])
                late = f"{nonce} is stored before what was sent before it"
                assert not in_order or seq > last.get(room, 0), late
                last[room] = seq


def check_numbers(books: Books) -> None:
    """Heads, places and counts fit each other, and no number was given out twice."""
    for room, head, posts, top in books.rows("SELECT id, head, posts, rev FROM rooms"):
        messages = books.rows("SELECT seq, rev, post FROM messages WHERE room = ? ORDER BY seq", room)
        members = books.rows("SELECT rev FROM memberships WHERE room = ?", room)
        numbers = [rev for _, rev, _ in messages] + [rev for (rev,) in members]
        assert [post for *_, post in messages] == list(range(1, posts + 1))
        assert all(seq <= rev for seq, rev, _ in messages)
        assert head >= max([top, *numbers])
        assert len(set(numbers)) == len(numbers), "a number was given out twice"


def check_known(rooms: Mapping[int, Transcript], known: Mapping[int, Transcript], who: str) -> None:
    """A client's transcripts are what is stored."""
    for room, transcript in known.items():
        if transcript == rooms[room]:
            continue
        both = transcript.keys() | rooms[room].keys()
        wrong = [seq for seq in sorted(both) if transcript.get(seq) != rooms[room].get(seq)]
        seq = wrong[0]
        raise AssertionError(
            f"{who} is wrong about {len(wrong)} of {len(rooms[room])} messages of room {room}, the first at "
            f"{seq}: knows {transcript.get(seq)}, stored is {rooms[room].get(seq)}"
        )
