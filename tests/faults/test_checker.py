"""The checker of the fault tests sees each kind of damage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.checker import Sent, State, Transcript, check_known, check_sent, transcript

ROOM, OTHER, USER = 1, 2, 7
Rooms = dict[int, Transcript]


def state(number: int, *, nonce: str = "", text: str = "", user: int = USER) -> State:
    return State(number, user, nonce or f"nonce-{number}", text or f"text {number}", deleted=False)


def rooms() -> Rooms:
    return {ROOM: {number: state(number) for number in (1, 2, 3)}, OTHER: {}}


def sent() -> Sent:
    """Three posts, of which the first two were acknowledged."""
    person = Sent(USER)
    for number in (1, 2, 3):
        person.post(f"nonce-{number}", f"text {number}")
    person.acknowledged("nonce-1", ROOM, 1)
    person.acknowledged("nonce-2", ROOM)
    return person


def sent_without_places() -> Sent:
    """The same, none of them acknowledged."""
    person = sent()
    person.places.clear()
    return person


def lose(stored: Rooms) -> None:
    del stored[ROOM][2]


def double(stored: Rooms) -> None:
    stored[ROOM][4] = state(4, nonce="nonce-1", text="text 1")


def move(stored: Rooms) -> None:
    stored[OTHER][1] = stored[ROOM].pop(1)


def turn_around(stored: Rooms) -> None:
    stored[ROOM][2], stored[ROOM][3] = (
        state(2, nonce="nonce-3", text="text 3"),
        state(3, nonce="nonce-2", text="text 2"),
    )


def alter(stored: Rooms) -> None:
    stored[ROOM][3] = state(3, text="something else")


def invent(stored: Rooms) -> None:
    stored[ROOM][4] = state(4)


@pytest.mark.parametrize("damage", [lose, double, move, turn_around, alter, invent])
def test_damage_to_what_is_stored_is_seen(damage: Callable[[Rooms], None]) -> None:
    damaged = rooms()
    check_sent(damaged, [sent()])
    damage(damaged)
    with pytest.raises(AssertionError):
        check_sent(damaged, [sent()])


@pytest.mark.parametrize("damage", [lose, alter, invent])
def test_a_client_that_knows_something_else_is_seen(damage: Callable[[Rooms], None]) -> None:
    known = rooms()
    check_known(rooms(), known, "ada")
    damage(known)
    with pytest.raises(AssertionError, match="ada is wrong about 1 of 3 messages of room 1"):
        check_known(rooms(), known, "ada")


def test_an_edit_that_was_not_answered_may_be_stored_or_not_and_one_that_was_is() -> None:
    person = sent()
    person.edit("nonce-1", "lost")
    assert person.texts["nonce-1"] == {"text 1", "lost"}
    person.edit("nonce-1", "known")
    person.edited("nonce-1", "known")
    assert person.texts["nonce-1"] == {"lost", "known"}
    person.edit("nonce-1", "refused")
    person.refused("nonce-1", "refused")
    assert person.texts["nonce-1"] == {"lost", "known"}
    person.settled("nonce-1", "known")
    assert person.texts["nonce-1"] == {"known"}


def test_what_was_refused_for_a_moment_may_be_out_of_order() -> None:
    turned = rooms()
    turn_around(turned)
    check_sent(turned, [sent_without_places()], in_order=False)
    with pytest.raises(AssertionError, match="before what was sent before it"):
        check_sent(turned, [sent_without_places()])


def test_a_transcript_is_what_a_message_says() -> None:
    message = {
        "room": 1,
        "seq": 4,
        "rev": 6,
        "user": 7,
        "nonce": "abcdefgh",
        "text": "",
        "deleted": 1700000000000,
    }
    assert transcript([message]) == {4: State(6, 7, "abcdefgh", "", deleted=True)}
