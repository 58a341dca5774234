"""Frames, as another implementation of RFC 6455 reads them."""

from __future__ import annotations

import pytest
from websockets.frames import CloseCode, Opcode
from websockets.protocol import Protocol, Side

from chatbox.protocol import frames


def _received(data: bytes) -> list[bytes]:
    """The text messages that a client of the websockets package finds in these bytes."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(data)
    found = client.events_received()
    assert client.parser_exc is None
    assert all(getattr(frame, "opcode", None) is Opcode.TEXT and frame.fin for frame in found)  # type: ignore[union-attr]
    return [bytes(frame.data) for frame in found]  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20])
def test_a_frame_carries_its_payload(size: int) -> None:
    payload = b"x" * size
    assert _received(frames.text_frame(payload)) == [payload]


@pytest.mark.parametrize(("size", "head"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_the_length_takes_the_fewest_bytes(size: int, head: int) -> None:
    assert len(frames.text_frame(b"x" * size)) == head + size


def test_joined_frames_are_as_many_messages_in_their_order() -> None:
    payloads = [b"x" * size for size in (0, 125, 70_000, 126, 0, 65_535, 1)]
    assert _received(b"".join(map(frames.text_frame, payloads))) == payloads


def test_text_beyond_ascii_arrives() -> None:
    (payload,) = _received(frames.text_frame("ä😀\u202e".encode()))
    assert payload.decode() == "ä😀\u202e"


def test_close_codes_are_told_apart_and_fit_the_protocol() -> None:
    codes = [close.code for close in frames.CLOSES]
    assert len(set(codes)) == len(codes)
    assert all(code in set(CloseCode) or 4000 <= code < 5000 for code in codes)
    assert all(len(close.reason.encode()) <= 123 for close in frames.CLOSES)  # RFC 6455, 5.5
    assert [close.code for close in frames.CLOSES if not close.reconnect] == [4001, 1002, 1007]
