"""How frames are read: what is refused, with which close code, and that nobody's flood is read first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest
import tornado
from tornado.iostream import StreamClosedError
from tornado.websocket import _WebSocketParams

from chatbox.protocol.frames import BROKEN_FRAME, FRAME_TOO_BIG, NOT_UTF8, Close
from chatbox.web import reading
from chatbox.web.reading import FRAMES_A_TURN, LINGERING, MOST_FRAGMENTS, FairProtocol

MOST = 1000  # bytes of a message
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


def frame(first: int, payload: bytes = b"", *, masked: bool = True, size: int | None = None) -> bytes:
    """The bytes of a frame from a client; `size` is what its head says, where that is not true."""
    size = len(payload) if size is None else size
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 2**16:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class Peer:
    """A client, its stream and its handler in one. It sends `data` in pieces, then is gone."""

    def __init__(
        self, data: bytes, piece: int = 2**20, heard: list[str] | None = None, most: int = MOST
    ) -> None:
        self.messages: list[str | bytes] = []
        self.refused: list[Close] = []
        self.socket = self
        self.gone = False
        self._data = data
        self._piece = piece
        self._heard = heard
        self.protocol = FairProtocol(self, _WebSocketParams(max_message_size=most), self.refused.append)
        self.protocol.stream = self  # type: ignore[assignment]

    async def run(self) -> Peer:
        await self.protocol._receive_frame_loop()
        return self

    async def read_bytes(self, size: int, partial: bool = False) -> bytes:
        if not self._data:
            raise StreamClosedError
        if not partial and len(self._data) < size:
            raise StreamClosedError
        size = min(size, self._piece) if partial else size
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def on_message(self, message: str | bytes) -> None:
        self.messages.append(message)
        if self._heard is not None:
            self._heard.append(str(message))

    def on_pong(self, data: bytes) -> None:
        self.messages.append(data)

    def on_ws_connection_close(self, code: int | None, reason: str | None) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass

    def writing(self) -> bool:
        return False

    def shutdown(self, how: int) -> None:
        pass

    def closed(self) -> bool:
        return self.gone

    def close(self) -> None:
        self.gone = True


SEQUENCES: dict[str, tuple[bytes, list[str | bytes], Close | None]] = {
    "a text": (frame(TEXT, b"hi"), ["hi"], None),
    "an empty text": (frame(TEXT), [""], None),
    "a text of 125, of 126 and of 127 bytes": (
        b"".join(frame(TEXT, b"x" * size) for size in (125, 126, 127)),
        ["x" * 125, "x" * 126, "x" * 127],
        None,
    ),
    "the longest message": (frame(TEXT, b"x" * MOST), ["x" * MOST], None),
    "a message one byte too long": (frame(TEXT, b"x" * (MOST + 1)), [], FRAME_TOO_BIG),
    "a frame said to be huge, which never comes": (frame(TEXT, b"x", size=2**62), [], FRAME_TOO_BIG),
    "a frame in the longest form of its length": (frame(TEXT, b"x", size=2**16), [], FRAME_TOO_BIG),
    "bytes": (frame(BINARY, b"\xff"), [b"\xff"], None),
    "fragments": (frame(0x01, b"a") + frame(0x00, b"b") + frame(0x80, b"c"), ["abc"], None),
    "a pong between fragments": (
        frame(0x01, b"a") + frame(PONG, b"p") + frame(0x80, b"b"),
        [b"p", "ab"],
        None,
    ),
    "a character cut between fragments": (frame(0x01, b"\xc3") + frame(0x80, b"\xa4"), ["ä"], None),
    "fragments that are too long together": (
        frame(0x01, b"x" * MOST) + frame(0x80, b"x"),
        [],
        FRAME_TOO_BIG,
    ),
    "as many fragments as may be": (
        frame(0x01) + frame(0x00) * (MOST_FRAGMENTS - 2) + frame(0x80, b"x"),
        ["x"],
        None,
    ),
    "fragments without end": (frame(0x01) + frame(0x00) * MOST_FRAGMENTS, [], FRAME_TOO_BIG),
    "a continuation of nothing": (frame(0x80, b"x"), [], BROKEN_FRAME),
    "a new message within another": (frame(0x01, b"a") + frame(TEXT, b"b"), [], BROKEN_FRAME),
    "an unmasked frame": (frame(TEXT, b"hi", masked=False), [], BROKEN_FRAME),
    "an unmasked pong": (frame(PONG, masked=False), [], BROKEN_FRAME),
    "a reserved bit": (frame(0xC1, b"hi"), [], BROKEN_FRAME),
    "a reserved opcode": (frame(0x83, b"hi"), [], BROKEN_FRAME),
    "a reserved control opcode": (frame(0x8B), [], BROKEN_FRAME),
    "a pong in fragments": (frame(0x0A), [], BROKEN_FRAME),
    "a pong that is too long": (frame(PONG, b"x" * 126), [], BROKEN_FRAME),
    "text that is not UTF-8": (frame(TEXT, b"\xc3\x28"), [], NOT_UTF8),
    "fragments that are not UTF-8": (frame(0x01, b"\xc3") + frame(0x80, b"\x28"), [], NOT_UTF8),
    "a close": (frame(CLOSE, b"\x03\xe8bye") + frame(TEXT, b"after"), [], None),
    "a close without a code": (frame(CLOSE) + frame(TEXT, b"after"), [], None),
    "a close of one byte": (frame(CLOSE, b"\x03"), [], BROKEN_FRAME),
    "a close with a code that is never sent": (frame(CLOSE, b"\x03\xed"), [], BROKEN_FRAME),
    "a close whose reason is not UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), [], NOT_UTF8),
    "nothing after what was refused": (frame(0x83) + frame(TEXT, b"after"), [], BROKEN_FRAME),
}


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("piece", [1, 3, 2**20])
def test_what_arrives_is_heard_or_refused_however_it_is_cut(name: str, piece: int) -> None:
    data, heard, refused = SEQUENCES[name]
    peer = asyncio.run(Peer(data, piece).run())
    assert peer.messages == heard
    assert peer.refused == ([refused] if refused else [])


def test_who_is_gone_before_a_broken_frame_is_read_is_told_nothing() -> None:
    peer = Peer(frame(0x83))

    def refuse(problem: Close) -> None:
        peer.close()
        peer.socket = None  # type: ignore[assignment]

    peer.protocol._give_up = refuse
    assert asyncio.run(peer.run()).messages == []


def test_nothing_is_heard_of_a_client_that_was_cut_off() -> None:
    peer = Peer(frame(TEXT, b"flood") * 100)

    def on_message(message: str | bytes) -> None:
        peer.messages.append(message)
        peer.close()

    peer.on_message = on_message  # type: ignore[method-assign]
    assert len(asyncio.run(peer.run()).messages) <= FRAMES_A_TURN


def test_what_comes_after_a_broken_frame_is_read_for_a_while_and_in_turn() -> None:
    endless, one = Peer(frame(0x83) + bytes(4 * LINGERING)), Peer(frame(TEXT, b"one"))
    left_then: list[int] = []
    one.on_message = lambda _: left_then.append(len(endless._data))  # type: ignore[method-assign, assignment]

    async def read_all() -> None:
        await asyncio.gather(endless.run(), one.run())

    asyncio.run(read_all())
    assert left_then[0] > 3 * LINGERING
    assert 2 * LINGERING < len(endless._data) < 3.5 * LINGERING
    assert endless.gone


def test_a_long_frame_takes_the_whole_turn() -> None:
    heard: list[str] = []

    async def read_all() -> None:
        flood = Peer(frame(TEXT, b"x" * 65_536) * 3, heard=heard, most=65_536)
        await asyncio.gather(flood.run(), Peer(frame(TEXT, b"one"), heard=heard).run())

    asyncio.run(read_all())
    assert heard.index("one") == 1
    assert len(heard) == 4


def test_a_few_frames_of_each_client_are_read_in_turn() -> None:
    heard: list[str] = []

    async def read_all() -> None:
        flood = Peer(b"".join(frame(TEXT, b"flood") for _ in range(100)), heard=heard)
        one = Peer(frame(TEXT, b"one"), heard=heard)
        await asyncio.gather(flood.run(), one.run())

    asyncio.run(read_all())
    assert heard.count("flood") == 100
    assert heard.index("one") == FRAMES_A_TURN


def test_a_client_waits_until_its_last_message_was_handled() -> None:
    peer = Peer(frame(TEXT, b"first") + frame(TEXT, b"second"))
    gate = asyncio.Event()
    seen: list[str | bytes] = []

    async def handle(message: str | bytes) -> None:
        await gate.wait()
        seen.append(message)

    def on_message(message: str | bytes) -> object:
        seen.append(message)
        return handle(message)

    peer.on_message = on_message  # type: ignore[method-assign, assignment]

    async def run() -> None:
        reading = asyncio.create_task(peer.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert seen == ["first"]
        gate.set()
        await reading

    asyncio.run(run())
    assert seen == ["first", "first", "second", "second"]


def test_the_installed_tornado_is_the_one_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    is_known: Callable[[], bool] = reading.is_known.__wrapped__
    assert is_known()
    monkeypatch.setattr(tornado, "version_info", (6, 7, 0, 0))
    assert not is_known()
