"""Replies and events as clients read them."""

from __future__ import annotations

from msgspec import Raw, json

from chatbox import errors
from chatbox.model import Message, Posted
from chatbox.protocol import events


def _message(seq: int, rev: int, text: str = "hello") -> Message:
    return Message(7, seq, rev, 3, "nonce-01", text, 1_000)


def test_what_is_absent_is_left_out() -> None:
    assert json.decode(json.encode(_message(1, 1))) == {
        "room": 7, "seq": 1, "rev": 1, "user": 3, "nonce": "nonce-01", "text": "hello", "at": 1_000,
    }  # fmt: skip
    assert json.decode(json.encode(Posted(7, 1, 1, 5))) == {"room": 7, "seq": 1, "rev": 1, "at": 5}


def test_what_is_stored_as_json_goes_out_as_it_is() -> None:
    parts = Raw(b'[{"t":"p","c":["hi"]}]')
    message = Message(7, 1, 1, 3, "nonce-01", "hi", 1, parts=parts, mentions=Raw(b"[3]"), files=Raw(b"[]"))
    assert b'"parts":[{"t":"p","c":["hi"]}],"mentions":[3]' in events.messages(7, 0, 1, [message])


def test_an_event_tells_messages_in_the_order_of_their_changes() -> None:
    event = json.decode(events.messages(7, 3, 9, [_message(8, 8), _message(2, 9), _message(4, 4)]))
    assert [message["rev"] for message in event.pop("messages")] == [4, 8, 9]
    assert event == {"ev": "messages", "room": 7, "after": 3, "head": 9}


def test_an_event_names_members_only_where_they_changed() -> None:
    member = {"user": 3, "rev": 5, "left": True}
    assert json.decode(events.messages(7, 4, 5, [], [member]))["members"] == [member]
    assert "members" not in json.decode(events.messages(7, 4, 5, [], iter(())))


def test_a_reply_holds_a_value_or_bytes_that_are_json() -> None:
    assert events.reply(9, {"a": 1}) == b'{"re":9,"ok":{"a":1}}'
    assert events.reply(None, b'{"a":1}') == b'{"re":null,"ok":{"a":1}}'
    assert events.reply(9, Posted(7, 1, 1, 5)) == b'{"re":9,"ok":{"room":7,"seq":1,"rev":1,"at":5}}'


def test_a_refusal_says_what_when_and_where() -> None:
    plain = errors.NotFound("It is not there.")
    assert events.refusal(9, plain) == b'{"re":9,"error":{"code":"not_found","message":"It is not there."}}'
    slow = errors.RateLimited("Too fast.", field="text", retry_in=1.23456)
    assert events.error_body(slow) == {
        "code": "rate_limited", "message": "Too fast.", "field": "text", "retry_in": 1.23,
    }  # fmt: skip


def test_only_errors_that_pass_say_when_to_come_back() -> None:
    passing = [errors.Busy(), errors.Restarting(), errors.Unavailable("?"), errors.StorageFull()]
    assert all(error.temporary and events.error_body(error)["retry_in"] > 0 for error in passing)
    final = [errors.Invalid("?"), errors.SignedOut(), errors.Forbidden("?"), errors.Conflict("?")]
    assert not any(error.temporary or "retry_in" in events.error_body(error) for error in final)
