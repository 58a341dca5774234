"""The checker of the fault tests: what was acknowledged is stored, once, and where the answer said."""

from __future__ import annotations

from typing import NamedTuple

from tests.harness.process import Server


class Ledger:
    """What one person sent, and what came of it. `sent` has the nonces in the order of sending."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.sent: list[str] = []
        self.allowed: dict[str, set[str]] = {}  # nonce -> texts that may be stored; one, once acknowledged
        self.answers: dict[str, Place] = {}

    def send(self, nonce: str, text: str) -> None:
        """Note that a message is on its way."""
        self.sent.append(nonce)
        self.allowed[nonce] = {text}


class Place(NamedTuple):
    room: int
    seq: int


def check_messages(server: Server, ledgers: list[Ledger], *, in_order: bool = True) -> int:
    """Each acknowledged message is stored where the answer said; nothing is that was not sent; and each room
    has them in the order of sending, unless what was refused was sent again later. Returns how many.
    """
    found = 0
    for ledger in ledgers:
        rows = server.rows("SELECT nonce, room, seq, text FROM messages WHERE user = ?", ledger.user)
        stored = {nonce: (Place(room, seq), text) for nonce, room, seq, text in rows}
        assert len(stored) == len(rows), "a message is stored twice"
        for nonce, answer in ledger.answers.items():
            assert nonce in stored, f"{nonce} was acknowledged, and is lost"
            assert stored[nonce][0] == answer, nonce
        for nonce, (_, text) in stored.items():
            assert text in ledger.allowed[nonce], (nonce, text, ledger.allowed[nonce])
        if in_order:
            _check_order([stored[nonce][0] for nonce in ledger.sent if nonce in stored])
        found += len(stored)
    return found


def _check_order(places: list[Place]) -> None:
    last: dict[int, int] = {}
    for room, seq in places:
        assert seq > last.get(room, 0), f"{room}, {seq} is stored before what was sent before it"
        last[room] = seq


def check_numbers(server: Server) -> None:
    """No number of a room was given out twice, and the counters agree with what is there."""
    for room, head, posts, top in server.rows("SELECT id, head, posts, rev FROM rooms"):
        messages = server.rows("SELECT seq, rev, post FROM messages WHERE room = ? ORDER BY seq", room)
        members = server.rows("SELECT rev FROM memberships WHERE room = ?", room)
        numbers = [rev for _, rev, _ in messages] + [rev for (rev,) in members]
        assert [post for *_, post in messages] == list(range(1, posts + 1))
        assert all(seq <= rev for seq, rev, _ in messages)
        assert head >= max([top, *numbers])
        assert len(set(numbers)) == len(numbers), "a number was given out twice"
