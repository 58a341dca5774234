"""One connection that sends without end: it is slowed down, and the others notice nothing."""

from __future__ import annotations

import gc
import logging
import socket
import struct
import time
import weakref
from collections.abc import Iterator

import pytest

from chatbox.settings import Settings
from chatbox.web import socket as web_socket
from tests.harness.raw import frame_bytes
from tests.web.support import Person, Site, until

FIN, TEXT, PING, PONG = 0x80, 1, 9, 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("floods"), Settings())
    yield made
    made.close()


def handshake(who: Person) -> bytes:
    return (
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {who.token}\r\n\r\n"
    ).encode()


def connect(site: Site, who: Person) -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", site.port), timeout=10)
    raw.sendall(handshake(who))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += raw.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    return raw


def frame(opcode: int, payload: bytes) -> bytes:
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


def answers_within(raw: socket.socket, seconds: float, mark: bytes) -> int:
    """How often the mark comes within this time."""
    raw.settimeout(0.1)
    end, found = time.monotonic() + seconds, b""
    while time.monotonic() < end:
        try:
            found += raw.recv(2**20)
        except TimeoutError:
            continue
    return found.count(mark)


@pytest.mark.parametrize(
    "message",
    [b"x", b'{"do":"no.such"}', b'{"do":"session.end"}', b'{"do":"server.info"}', b'{"do":"people.list"}'],
)
def test_nonsense_and_what_anybody_may_ask_is_slowed_down(site: Site, message: bytes) -> None:
    who = site.add_person(f"p{time.monotonic_ns()}")
    with connect(site, who) as raw:
        raw.sendall(frame(TEXT, message) * 2000)
        answered = answers_within(raw, 1.0, b'{"re":')
    assert 200 <= answered < 400


def test_who_is_slowed_down_and_goes_away_is_missed_soon(site: Site) -> None:
    who = site.add_person("gone")
    raw = connect(site, who)
    raw.sendall(frame_bytes(FIN | PONG, b"") * 100_000)
    with connect(site, site.add_person("other")) as neighbour:  # what was sent has arrived
        neighbour.sendall(frame(TEXT, b'{"do":"ping"}'))
        assert b'"heads"' in neighbour.recv(65536)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    until(lambda: not site.ctx.hub.of_user(who.id))


def test_long_nonsense_is_slowed_down_sooner(site: Site) -> None:
    who = site.add_person("long")
    with connect(site, who) as raw:
        raw.sendall(frame_bytes(FIN | TEXT, b"x" * 8000) * 100)
        answered = answers_within(raw, 1.0, b'{"re":')
    assert 1 <= answered < 100


@pytest.mark.parametrize(
    "flood",
    [
        frame_bytes(FIN | PONG, b"") * 2000,
        (frame_bytes(TEXT, b"x") + frame_bytes(0, b"") * 1000 + frame_bytes(FIN, b"")) * 2,
    ],
    ids=["pongs", "fragments"],
)
def test_frames_that_are_no_commands_are_slowed_down(site: Site, flood: bytes) -> None:
    who, other = (site.add_person(f"p{time.monotonic_ns()}") for _ in range(2))
    with connect(site, who) as raw, connect(site, other) as neighbour:
        raw.sendall(flood + frame(TEXT, b'{"do":"ping"}'))
        neighbour.sendall(frame(TEXT, b'{"do":"ping"}'))
        assert b'"heads"' in neighbour.recv(65536)
        assert answers_within(raw, 1.0, b'"heads"') == 0


def test_heartbeats_are_never_refused_but_slowed_down(site: Site) -> None:
    who = site.add_person("heart")
    with connect(site, who) as raw:
        raw.sendall(frame(TEXT, b'{"do":"away","away":true}') * 1200)
        answers_within(raw, 0.5, b"")
        with connect(site, who) as other:
            other.sendall(frame(TEXT, b'{"do":"ping"}'))
            other.settimeout(10)
            assert b'"heads"' in other.recv(65536)


def test_who_is_refused_for_being_too_fast_is_read_no_faster(site: Site) -> None:
    who = site.add_person("hasty")
    flooding = [connect(site, who) for _ in range(15)]
    for raw in flooding:
        raw.sendall(frame(TEXT, b'{"do":"room.join","room":1}') * 2000)
    refused = sum(answers_within(raw, 0.1, b'"rate_limited"') for raw in flooding)
    for raw in flooding:
        raw.close()
    assert 1 <= refused < 1000


def test_a_flood_of_protocol_pings_ends_the_connection(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    who = site.add_person("pinger")
    with connect(site, who) as raw:
        raw.sendall(frame(PING, b"1"))
        assert raw.recv(100)[0] == 0x8A
        try:
            raw.sendall(frame(PING, b"") * 10 * web_socket.PINGS_A_SECOND)
            assert raw.recv(2**20).count(b"\x8a\x00") <= 2 * web_socket.PINGS_A_SECOND
            while raw.recv(2**20):
                pass
        except ConnectionError:
            pass  # it was closed with pings unread
    until(lambda: not site.ctx.hub.of_user(who.id))
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_healthy_ping_is_answered(site: Site) -> None:
    who = site.add_person("calm")
    with connect(site, who) as raw:
        for _ in range(50):
            raw.sendall(frame(PING, b"beat"))
            assert raw.recv(100) == b"\x8a\x04beat"


def test_handshakes_that_overlap_do_not_exceed_the_limit(site: Site) -> None:
    who = site.add_person("many")
    knocking = [socket.create_connection(("127.0.0.1", site.port), timeout=10) for _ in range(60)]
    for raw in knocking:
        raw.sendall(handshake(who))
    for raw in knocking:
        assert raw.recv(12) in (b"HTTP/1.1 101", b"HTTP/1.1 429")
    assert len(site.ctx.hub.of_user(who.id)) <= 20
    for raw in knocking:
        raw.close()
    until(lambda: not site.ctx.hub.of_user(who.id))


def test_what_is_not_read_yet_waits_with_whoever_sent_it(site: Site) -> None:
    who = site.add_person("full")
    with connect(site, who):
        until(lambda: len(site.ctx.hub.of_user(who.id)) == 1)
        sink = site.ctx.hub.of_user(who.id)[0]._sink
        assert isinstance(sink, web_socket.StreamSink)
        buffer = sink._stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert buffer <= 2 * web_socket.RECEIVE_BUFFER  # Linux doubles it, for its own overhead


def test_pings_of_many_connections_are_slowed_down_sooner(site: Site) -> None:
    who = site.add_person("pingers")
    pinging = [connect(site, who) for _ in range(10)]
    for raw in pinging:
        raw.sendall(frame(PING, b"1") * 150)
    answered = sum(answers_within(raw, 0.1, b"\x8a\x011") for raw in pinging)
    for raw in pinging:
        raw.close()
    assert 200 <= answered < 900  # of the 1,000 that what is not answered may be


def test_what_was_read_of_who_is_reset_does_not_wait_for_the_collection_of_garbage(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams: list[weakref.ref[object]] = []
    opened = web_socket.Socket.open

    def note(self: web_socket.Socket) -> None:
        assert self.ws_connection is not None
        streams.append(weakref.ref(self.ws_connection.stream))
        opened(self)

    monkeypatch.setattr(web_socket.Socket, "open", note)
    gc.disable()
    try:
        with connect(site, site.add_person("reset")) as raw:
            raw.sendall(frame_bytes(FIN | TEXT, bytes(60_000), size=65_536))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until(lambda: bool(streams) and streams[0]() is None)
    finally:
        gc.enable()
