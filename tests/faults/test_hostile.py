"""Hostile bytes are answered or end their connection; they reach nobody else and never make a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.harness.client import Client
from tests.harness.http import Http
from tests.harness.process import serving
from tests.harness.raw import BINARY, CLOSE, PING, TEXT, RawSocket
from tests.harness.running import on_a_loop

POST = '{"id": 5, "do": "message.post", "room": 1, "nonce": "hostile-nonce", "text": "%s"}'


def nested(depth: int) -> str:
    return '{"id": 5, "do": "ping", "x": ' + "[" * depth + "]" * depth + "}"


REFUSED: dict[str, str] = {
    "a lone high surrogate": POST % r"hostile \ud800",
    "a lone low surrogate": POST % r"hostile \udc00 x",
    "surrogates the wrong way round": POST % r"hostile \udc00\ud800",
    "U+0000": POST % r"hostile \u0000",
    "U+0000 in the nonce": POST.replace("hostile-nonce", r"hostile\u0000abc") % "hostile",
    "a raw control character": POST % "hostile \x01",
    "an escaped control character": POST % r"hostile \u001b[2J",
    "NaN": '{"id": 5, "do": "room.history", "room": NaN}',
    "Infinity": '{"id": 5, "do": "room.history", "room": Infinity}',
    "a duplicate key": POST.replace('"room": 1', '"room": 1, "room": 2') % "hostile",
    "a duplicate key, spelled differently": '{"id": 5, "do": "room.list", "d\\u006f": "ping"}',
    "nesting of 33": nested(33),
    "nesting of 20,000": nested(20_000),
    "open brackets only": "[" * 60_000,
    "an unknown command": '{"id": 5, "do": "message.burn", "room": 1}',
    "an unknown field": '{"id": 5, "do": "ping", "hostile": 1}',
    "no command": '{"id": 5}',
    "a command that is a number": '{"id": 5, "do": 7}',
    "a wrong type": POST.replace('"%s"', '["hostile"]'),
    "a missing field": '{"id": 5, "do": "message.post", "room": 1}',
    "a fractional id of a room": '{"id": 5, "do": "room.history", "room": 1.5}',
    "a room below zero": '{"id": 5, "do": "room.history", "room": -1}',
    "a room of 2**63": f'{{"id": 5, "do": "room.history", "room": {2**63}}}',
    "a huge number": '{"id": 5, "do": "room.history", "room": ' + "9" * 5000 + "}",
    "a huge exponent": '{"id": 5, "do": "room.history", "room": 1e999999}',
    "a huge id": '{"id": ' + "9" * 5000 + ', "do": "ping"}',
    "an id that is text": '{"id": "5", "do": "ping"}',
    "an array": '["ping"]',
    "a number": "7",
    "null": "null",
    "nothing": "",
    "half a command": '{"id": 5, "do": "ping"',
    "two commands": '{"id": 5, "do": "ping"}{"id": 6, "do": "ping"}',
    "a comment": '{"id": 5, "do": "ping" /* hostile */}',
    "a byte order mark": '\ufeff{"id": 5, "do": "ping"}',
    "heads that are no numbers": '{"id": 5, "do": "hello", "heads": {"hostile": 1}}',
    "a head below zero": '{"id": 5, "do": "hello", "heads": {"1": -1}}',
    "a nonce with spaces": POST.replace("hostile-nonce", "hostile nonce") % "hostile",
    "an empty text": POST % " ",
    "a text of invisible characters": POST % "\u200b\u2800\u00ad",
    "a search of quotes": '{"id": 5, "do": "search", "text": ""}',
    "a command for HTTP": '{"id": 5, "do": "session.create", "name": "hostile", "password": "h"}',
}

INVALID_UTF8 = {
    "a broken sequence": b'{"id": 5, "do": "ping", "x": "\xc3\x28"}',
    "an encoded surrogate": b'{"id": 5, "do": "ping", "x": "\xed\xa0\x80"}',
    "an overlong slash": b'{"id": 5, "do": "ping", "x": "\xc0\xaf"}',
    "beyond U+10FFFF": b'{"id": 5, "do": "ping", "x": "\xf5\x80\x80\x80"}',
    "a cut sequence": b'{"id": 5, "do": "ping", "x": "\xe2\x82',
}

COMMANDS = ("message.post", "room.history")

BROKEN: dict[str, Callable[[RawSocket], None]] = {
    "a reserved opcode": lambda raw: raw.frame(3, b"hostile"),
    "a reserved control opcode": lambda raw: raw.frame(11, b"hostile"),
    "an unmasked frame": lambda raw: raw.frame(TEXT, b'{"id": 5, "do": "ping"}', masked=False),
    "a reserved bit": lambda raw: raw.frame(TEXT, b'{"id": 5, "do": "ping"}', first=0xC0),
    "a continuation of nothing": lambda raw: raw.frame(0, b"hostile"),
    "a fragmented ping": lambda raw: raw.frame(PING, b"hostile", first=0),
    "a ping that is too long": lambda raw: raw.frame(PING, b"h" * 126),
    "a frame that is too big": lambda raw: raw.frame(TEXT, b"h" * 70_000),
    "a frame said to have 2**62 bytes": lambda raw: raw.bytes(
        bytes((0x81, 0xFF)) + (2**62).to_bytes(8, "big") + b"abcd"
    ),
    "a close frame of one byte": lambda raw: raw.frame(CLOSE, b"h"),
    "a close with invalid text": lambda raw: raw.frame(CLOSE, b"\x03\xe8\xff\xff"),
}


async def _is_refused(raw: RawSocket) -> None:
    """The next reply is an error, and the connection lives on."""
    while True:
        frame = await raw.read()
        assert frame is not None
        assert frame.opcode != CLOSE, f"closed with {frame.close_code}"
        if frame.opcode == TEXT and "re" in (found := json.loads(frame.payload)):
            assert found["re"] in (None, 5), found
            assert found["error"]["code"] in ("bad_request", "too_large", "forbidden"), found
            assert found["error"]["message"]
            break
    raw.command(77, "ping")
    assert "ok" in await raw.reply(77)


@on_a_loop()
async def test_hostile_bytes_stay_with_whoever_sent_them(tmp_path: Path) -> None:
    async with serving(tmp_path, people=3) as (server, people):
        neighbour, talker = Client(server, people[1]), Client(server, people[2])
        neighbour.keep_events = True
        await neighbour.connect()
        await talker.connect()
        raw = await RawSocket.open(server, people[0])
        for name, text in REFUSED.items():
            print(name)
            raw.frame(TEXT, text.encode("utf-8", "surrogatepass"))
            await _is_refused(raw)
        print("a binary frame")
        raw.frame(BINARY, b'{"id": 5, "do": "ping"}')
        await _is_refused(raw)
        raw.abort()
        for name, data in INVALID_UTF8.items():
            print(name)
            raw = await RawSocket.open(server, people[0])
            raw.frame(TEXT, data)
            raw.command(77, "ping")
            await _answered_or_closed(raw)
            await talker.post(1, f"talking on after {name}")
        for name, send in BROKEN.items():
            print(name)
            raw = await RawSocket.open(server, people[0])
            send(raw)
            raw.command(77, "ping")
            assert await raw.close_code() in (None, 1000, 1002, 1003, 1007, 1009), name
            raw.abort()
            await talker.post(1, f"talking on after {name}")
        await neighbour.barrier()
        heard = [event for event in neighbour.events if event["ev"] not in ("presence", "people")]
        assert "hostile" not in json.dumps(heard)
        assert sum(len(event["messages"]) for event in heard) == len(INVALID_UTF8) + len(BROKEN)
        assert server.rows("SELECT count(*) FROM messages WHERE text LIKE '%hostile%'") == [(0,)]
        await neighbour.close()
        await talker.close()


async def _answered_or_closed(raw: RawSocket) -> None:
    while (frame := await raw.read()) is not None:
        if frame.opcode == CLOSE:
            assert frame.close_code == 1007
            break
        if frame.opcode == TEXT and "re" in (found := json.loads(frame.payload)):
            assert "error" in found, found
            break
    raw.abort()


@on_a_loop()
async def test_hostile_bodies_over_http_are_refused(tmp_path: Path) -> None:
    bodies = [text.encode("utf-8", "surrogatepass") for text in REFUSED.values()] + [*INVALID_UTF8.values()]
    async with serving(tmp_path) as (server, people):
        http = Http(server.port, people[0].headers)
        for body in bodies:
            for command in (*COMMANDS, "no.such", "%00", "..", "message.post/x"):
                answer = await http.ask("POST", f"/api/{command}", body, {"Content-Type": "application/json"})
                assert 400 <= answer.status < 500, (command, body[:80], answer)
                if command not in COMMANDS:
                    await http.close()
                assert answer.headers["content-type"].startswith(("application/json", "text/html"))
        assert server.rows("SELECT count(*) FROM messages") == [(0,)]
        await http.close()
