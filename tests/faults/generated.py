"""Commands and frames that nobody would send in earnest: made from the table of commands, then damaged.

What is made knows what must become of it: an answer, the end of the connection, or whichever of the two.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from random import Random
from typing import Any, NamedTuple

from msgspec.inspect import (
    BoolType,
    BytesType,
    DictType,
    IntType,
    ListType,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from chatbox.protocol.commands import all_commands
from tests.harness.raw import BINARY, CLOSE, PING, PONG, TEXT, frame_bytes

FRAME_BYTES = 65_536  # that a message may have, as the settings are shipped
FIN = 0x80
# Whole ones of these make something that stays for ever, or hash a password: they are damaged nearly always.
DEAR = {
    "room.create", "direct.open", "invite.create", "token.create", "user.password", "user.register",
    "session.confirm", "account.delete",
}  # fmt: skip
_PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000040000000400806000000")

Fields = dict[str, Any]


class Outcome(Enum):
    """What must become of an item."""

    REPLY = "one reply"
    END = "the end of the connection"
    ANY = "a reply, the end, or waiting for the rest"


class Item(NamedTuple):
    """Bytes to send, and what must become of them."""

    data: bytes
    outcome: Outcome


class Generator:
    """An endless source of them. Everything random in it comes from `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._kinds = [
            kind for kind in map(type_info, all_commands().values()) if isinstance(kind, StructType)
        ]
        self._damages: list[Callable[[Fields], bytes]] = [
            *(self._after(damage) for damage in (self._drop, self._add, self._retype, self._oversize) * 2),
            self._twice, self._cut, self._flip, self._insert, self._escape, self._nest, self._literal,
        ]  # fmt: skip

    def item(self) -> Item:
        """A command in one message, mostly; sometimes frames that are broken themselves."""
        way = self._random.random()
        if way < 0.96:
            return self._message(self.command())
        if way < 0.98:
            return Item(self._broken(), Outcome.END)
        return Item(self._scrambled(), Outcome.ANY)

    def command(self) -> bytes:
        """The text of a command: whole, or damaged in one way or several."""
        kind = self._random.choice(self._kinds)
        return self._damaged(kind, self._fields(kind) | {"do": kind.tag})

    def request(self, headers: Mapping[str, str]) -> bytes:
        """A request over HTTP, mostly damaged, with a command as its body; `headers` tell who asks."""
        random = self._random
        kind = random.choice(self._kinds)
        body = self._damaged(kind, self._fields(kind))
        lines = [
            f"{random.choice(_METHODS)} {random.choice([f'/api/{kind.tag}'] * 20 + _PATHS)} HTTP/1.1",
            f"Host: {headers['Origin'].removeprefix('http://')}",
            random.choice(_LENGTHS) or f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
            *random.sample(_HEADERS, random.choice([0, 0, 0, 0, 1, 2])),
        ]
        data = bytearray("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        for _ in range(random.choice([0, 0, 0, 0, 1, 3])):
            data[random.randrange(min(len(data), 150))] ^= 1 << random.randrange(8)
        return bytes(data)

    def _damaged(self, kind: StructType, fields: Fields) -> bytes:
        if self._random.random() < (0.02 if kind.tag in DEAR else 0.5):
            return json.dumps(fields).encode()
        return self._random.choice(self._damages)(fields)

    # -- whole commands ------------------------------------------------------------------------------------

    def _fields(self, kind: StructType) -> Fields:
        chosen = [field for field in kind.fields if field.required or self._random.random() < 0.3]
        fields = {field.encode_name: self._value(field.type) for field in chosen}
        return fields | {"id": self._random.randrange(1000)}

    def _value(self, kind: Type) -> Any:
        random = self._random
        if isinstance(kind, UnionType):
            return self._value(random.choice(kind.types))
        if isinstance(kind, IntType):
            low, high = kind.ge or 0, kind.le or 2**62
            return random.choice([low, low + random.randrange(4), low + random.randrange(40), high])
        if isinstance(kind, BoolType):
            return random.random() < 0.5
        if isinstance(kind, ListType):
            return [self._value(kind.item_type) for _ in range(random.randrange(4))]
        if isinstance(kind, DictType):
            return {
                self._value(kind.key_type): self._value(kind.value_type) for _ in range(random.randrange(4))
            }
        if isinstance(kind, BytesType):
            return b64encode(random.choice([_PNG, b"", random.randbytes(40)])).decode()
        if isinstance(kind, StrType):
            return self._string(kind)
        assert isinstance(kind, NoneType), kind
        return None

    def _string(self, kind: StrType) -> str:
        random, pattern = self._random, kind.pattern or ""
        if pattern.startswith("^("):
            return random.choice(pattern[2 : pattern.index(")")].split("|"))
        if pattern.startswith("^[1-9]"):
            return str(random.randint(1, 30))
        if pattern:
            return f"{random.getrandbits(96):024x}"
        return random.choice(_TEXTS) * random.choice([1, 1, 1, 3, 200])

    # -- damage to fields ----------------------------------------------------------------------------------

    def _after(self, damage: Callable[[Fields], None]) -> Callable[[Fields], bytes]:
        def damaged(fields: Fields) -> bytes:
            for _ in range(self._random.randint(1, 2)):
                damage(fields)
            return json.dumps(fields, ensure_ascii=self._random.random() < 0.5).encode(
                "utf-8", "surrogatepass"
            )

        return damaged

    def _drop(self, fields: Fields) -> None:
        if fields:
            del fields[self._random.choice(list(fields))]

    def _add(self, fields: Fields) -> None:
        fields[self._random.choice(["x", "do ", "room", "user", "", "__proto__", "\ud800"])] = self._wrong()

    def _retype(self, fields: Fields) -> None:
        fields[self._random.choice([*fields, "id"])] = self._wrong()

    def _oversize(self, fields: Fields) -> None:
        size = self._random.choice([401, 1025, 16_385, FRAME_BYTES + 1])
        fields[self._random.choice([*fields, "text"])] = self._random.choice("ä[*x@") * size

    def _wrong(self) -> Any:
        return self._random.choice(_WRONG)

    # -- damage to bytes -----------------------------------------------------------------------------------

    def _twice(self, fields: Fields) -> bytes:
        name = self._random.choice(list(fields))
        return b"{%s:%s,%s" % (
            json.dumps(name).encode(), json.dumps(self._wrong()).encode("utf-8", "surrogatepass"),
            json.dumps(fields).encode()[1:],
        )  # fmt: skip

    def _cut(self, fields: Fields) -> bytes:
        data = json.dumps(fields).encode()
        return data[self._random.randrange(3) : self._random.randrange(len(data))]

    def _flip(self, fields: Fields) -> bytes:
        data = bytearray(json.dumps(fields).encode())
        for _ in range(self._random.randint(1, 4)):
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
        return bytes(data)

    def _insert(self, fields: Fields) -> bytes:
        data = json.dumps(fields).encode()
        at = self._random.randrange(len(data) + 1)
        return data[:at] + self._random.randbytes(self._random.randint(1, 8)) + data[at:]

    def _escape(self, fields: Fields) -> bytes:
        name = self._random.choice(["text", "name", "nonce", "do", "topic"])
        escape = self._random.choice([r"\u0000", r"\ud800", r"\udc00\ud800", r"\x", r"\u12", r"\u001b[2J"])
        return json.dumps(fields | {name: "a#b"}).encode().replace(b"#", escape.encode())

    def _nest(self, fields: Fields) -> bytes:
        depth = self._random.choice([31, 33, 1000, 30_000])
        opening, closing = self._random.choice([(b"[", b"]"), (b'{"a":', b"}")])
        shut = closing * (depth if self._random.random() < 0.5 else 0)
        return json.dumps(fields | {"x": "#"}).encode().replace(b'"#"', opening * depth + b"1" + shut)

    def _literal(self, fields: Fields) -> bytes:
        data = json.dumps(fields | {self._random.choice([*fields, "seq"]): "#"}).encode()
        return data.replace(b'"#"', self._random.choice(_LITERALS))

    # -- frames --------------------------------------------------------------------------------------------

    def _message(self, text: bytes) -> Item:
        """A message in one frame or in fragments, with other frames between them."""
        random = self._random
        opcode, outcome = TEXT, Outcome.REPLY
        if random.random() < 0.02:
            opcode = BINARY
        elif not _is_text(text):
            outcome = Outcome.END
        if len(text) > FRAME_BYTES:
            outcome = Outcome.END
        if random.random() < 0.9:
            return Item(frame_bytes(FIN | opcode, text), outcome)
        cuts = sorted(random.randint(0, len(text)) for _ in range(random.randint(1, 5)))
        parts = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        data = b""
        for number, part in enumerate(parts):
            last = FIN if number == len(parts) - 1 else 0
            data += frame_bytes(last | (0 if number else opcode), part)
            if not last and random.random() < 0.3:
                data += frame_bytes(
                    FIN | random.choice([PING, PONG]), random.randbytes(random.randrange(126))
                )
        return Item(data, outcome)

    def _broken(self) -> bytes:
        """What RFC 6455 forbids, or a close."""
        random, payload = self._random, self._random.randbytes(self._random.randrange(126))
        return random.choice(
            [
                frame_bytes(FIN | random.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload),
                frame_bytes(FIN | random.choice([0x10, 0x20, 0x40, 0x70]) | TEXT, payload),
                frame_bytes(FIN | TEXT, payload, masked=False),
                frame_bytes(random.choice([FIN, 0]), payload),
                frame_bytes(random.choice([PING, PONG, CLOSE]), payload),
                frame_bytes(FIN | random.choice([PING, PONG, CLOSE]), payload + bytes(126)),
                frame_bytes(TEXT, b"{") + frame_bytes(FIN | TEXT, b"}"),
                frame_bytes(FIN | TEXT, b"x", size=random.choice([FRAME_BYTES + 1, 2**31, 2**63, 2**64 - 1])),
                frame_bytes(FIN | CLOSE, struct.pack(">H", random.randrange(2**16)) + payload[:123]),
                frame_bytes(TEXT, b"") + frame_bytes(0, b"") * 1024,
            ]
        )

    def _scrambled(self) -> bytes:
        """Bytes that may be anything."""
        if self._random.random() < 0.3:
            return self._random.randbytes(self._random.randint(1, 300))
        data = bytearray(frame_bytes(FIN | TEXT, self.command()))
        for _ in range(self._random.randint(1, 3)):
            data[self._random.randrange(min(14, len(data)))] ^= 1 << self._random.randrange(8)
        return bytes(data)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


_TEXTS = (
    "", " ", "plain words", "**bold** _slanted_ `code`", "@person1 @person2 @all", "![[]()", "[" * 20,
    "> " * 20, "\u202ereversed", "a\u0301" * 10, "👩\u200d👩\u200d👧", "<script>alert(1)</script>", '"(',
    "NEAR(a b)", "'; DROP TABLE messages; --", "../../etc/passwd", "line\nline\r\n", "\u2028\u2029",
    "\x7f\x1b[31m", "%s {0}",
)  # fmt: skip
_METHODS = [*["POST"] * 20, "GET", "HEAD", "PUT", "OPTIONS", "TRACE", "CONNECT", "post", ""]
_PATHS = [
    "/", "/ws", "/files?name=x", "/files/" + "a" * 24 + "/x", "/metrics", "/assets/" + "0" * 12 + "/main.js",
    "*", "http://127.0.0.1/", "//x/..", "/%00", "/%ff%fe", "/api/" + "x" * 5000, "/?" + "&" * 3000, "/\xa0",
]  # fmt: skip
_LENGTHS = [
    *[""] * 20, "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 1, 2",
    "Content-Length: 0x10", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
]  # fmt: skip
_HEADERS = [
    "Content-Type: application/json", "Content-Encoding: gzip", "Origin: http://127.0.0.1", "Origin: null",
    "Authorization: Bearer x", "Authorization: Bearer", 'Cookie: =;;="; chatbox=\xff', "Upgrade: websocket",
    "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x", "Content-Length: 7",
    "Sec-WebSocket-Extensions: ;=", "Range: bytes=9-1,0-0", "If-Modified-Since: never", "Host: two",
    "X-Forwarded-For: ,,::::", " folded", "No colon", ": no name", "X: " + "y" * 17_000,
    "Accept-Encoding: *;q=NaN", "Expect: 100-continue",
]  # fmt: skip
_WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 2**53, 2**63, -(2**64), 1.5, "", "x", "\ud800", [], [None], ["x"] * 600, {}, {"1": -1},
    {"": {}}, 1e308, "1", [[[]]], "a" * 500,
)  # fmt: skip
_LITERALS = (
    b"NaN", b"Infinity", b"-0", b"1e999999", b"9" * 5000, b"01", b"0x10", b"'x'", b"undefined", b"\xff", b"",
    b"/**/1", b"tru", b"1.", b"--1", b"\xef\xbb\xbf1",
)  # fmt: skip
