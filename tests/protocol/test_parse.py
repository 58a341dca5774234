"""What is not a command never becomes one: hostile JSON is refused with an error that names the field."""

from __future__ import annotations

import json as stdlib_json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from chatbox.errors import ChatboxError, Invalid, NotFound
from chatbox.protocol import commands, events
from chatbox.protocol.fields import Command
from chatbox.protocol.parse import id_of, parse, parse_named

# For each: the bytes of one WebSocket message, and the field that the error names.
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "blank": (b" \n", None),
    "cut short": (b'{"do":"ping"', None),
    "trailing garbage": (b'{"do":"ping"} x', None),
    "two objects": (b'{"do":"ping"}{"do":"ping"}', None),
    "trailing comma": (b'{"do":"ping",}', None),
    "comment": (b'{"do":"ping"} // x', None),
    "byte order mark": (b'\xef\xbb\xbf{"do":"ping"}', None),
    "UTF-16": ('{"do":"ping"}'.encode("utf-16"), None),
    "single quotes": (b"{'do':'ping'}", None),
    "a list": (b'[{"do":"ping"}]', None),
    "null": (b"null", None),
    "a string": (b'"ping"', None),
    "no command": (b"{}", "do"),
    "command null": (b'{"do":null}', "do"),
    "command a number": (b'{"do":1}', "do"),
    "unknown command": (b'{"do":"room.destroy"}', "do"),
    "command in capitals": (b'{"do":"PING"}', "do"),
    "command with a space": (b'{"do":"ping "}', "do"),
    "unknown field": (b'{"do":"ping","more":1}', "more"),
    "unknown field in capitals": (b'{"do":"away","away":true,"Away":true}', "Away"),
    "field missing": (b'{"do":"away"}', "away"),
    "twin": (b'{"do":"room.history","room":1,"room":2}', "room"),
    "twin, same value": (b'{"do":"room.history","room":1,"room":1}', "room"),
    "twin, escaped key": (b'{"do":"room.history","room":1,"r\\u006fom":2}', "room"),
    "twin command": (b'{"do":"ping","do":"ping"}', "do"),
    "twin command, escaped key": (b'{"do":"ping","d\\u006f":"ping"}', "do"),
    "twin id": (b'{"id":1,"do":"ping","id":2}', "id"),
    "twin in an object": (b'{"do":"hello","heads":{"7":1,"7":2}}', "7"),
    "twin in an object, escaped": (b'{"do":"hello","heads":{"7":1,"\\u0037":2}}', "7"),
    "raw U+0000": (b'{"do":"search","text":"a\x00b"}', None),
    "raw line end": (b'{"do":"search","text":"a\nb"}', None),
    "raw escape": (b'{"do":"search","text":"a\x1bb"}', None),
    "high half alone": (b'{"do":"search","text":"\\ud800"}', None),
    "low half alone": (b'{"do":"search","text":"\\udc00"}', None),
    "halves in the wrong order": (b'{"do":"search","text":"\\udc00\\ud800"}', None),
    "high half and a letter": (b'{"do":"search","text":"\\ud800x"}', None),
    "half alone in a key": (b'{"do":"ping","\\ud800":1}', None),
    "half as UTF-8": (b'{"do":"search","text":"\xed\xa0\x80"}', None),
    "broken UTF-8": (b'{"do":"search","text":"\xff"}', None),
    "overlong UTF-8": (b'{"do":"search","text":"\xc0\xaf"}', None),
    "UTF-8 cut short": (b'{"do":"search","text":"\xe2\x82"}', None),
    "beyond Unicode": (b'{"do":"search","text":"\xf4\x90\x80\x80"}', None),
    "unknown escape": (b'{"do":"search","text":"\\x41"}', None),
    "NaN": (b'{"do":"room.history","room":NaN}', None),
    "Infinity": (b'{"do":"room.history","room":Infinity}', None),
    "-Infinity": (b'{"do":"room.history","room":-Infinity}', None),
    "NaN as id": (b'{"do":"ping","id":NaN}', None),
    "leading zero": (b'{"do":"room.history","room":01}', None),
    "plus sign": (b'{"do":"room.history","room":+1}', None),
    "hexadecimal": (b'{"do":"room.history","room":0x1}', "room"),
    "fraction for integer": (b'{"do":"room.history","room":1.5}', "room"),
    "float for integer": (b'{"do":"room.history","room":1.0}', "room"),
    "exponent for integer": (b'{"do":"room.history","room":1e2}', "room"),
    "string for integer": (b'{"do":"room.history","room":"1"}', "room"),
    "true for integer": (b'{"do":"room.history","room":true}', "room"),
    "null for integer": (b'{"do":"room.history","room":null}', "room"),
    "true as id": (b'{"do":"ping","id":true}', "id"),
    "1 for true": (b'{"do":"away","away":1}', "away"),
    "string for true": (b'{"do":"away","away":"true"}', "away"),
    "number for string": (b'{"do":"search","text":1}', "text"),
    "object for string": (b'{"do":"search","text":{}}', "text"),
    "list for object": (b'{"do":"hello","heads":[]}', "heads"),
    "integer over 2^53": (b'{"do":"room.history","room":9007199254740992}', "room"),
    "integer of 30 digits": (b'{"do":"room.history","room":%s}' % (b"9" * 30), "room"),
    "integer of 5,000 digits": (b'{"do":"room.history","room":%s}' % (b"9" * 5000), "room"),
    "id of 5,000 digits": (b'{"do":"ping","id":%s}' % (b"9" * 5000), "id"),
    "zero for an id": (b'{"do":"room.history","room":0}', "room"),
    "negative": (b'{"do":"room.changes","room":1,"after":-1}', "after"),
    "nested 33 deep": (b'{"do":"ping","more":' + b"[" * 33 + b"]" * 33 + b"}", "more"),
    "nested 33 deep in a field": (b'{"do":"search","text":' + b"[" * 33 + b"]" * 33 + b"}", "text"),
    "100,000 lists": (b"[" * 100_000, None),
    "100,000 lists in a field": (b'{"do":"hello","heads":' + b"[" * 100_000, "heads"),
    "100,000 objects": (b'{"do":' * 100_000, None),
    "100,000 objects in a field": (b'{"do":"ping","id":' + b'{"id":' * 100_000, "id"),
    "nonce with a line end": (b'{"do":"message.post","room":1,"nonce":"abcdefgh\\n","text":""}', "nonce"),
    "nonce too short": (b'{"do":"message.post","room":1,"nonce":"abcdefg","text":""}', "nonce"),
    "nonce of other letters": ('{"do":"message.post","room":1,"nonce":"äbcdefghi"}'.encode(), "nonce"),
    "kind with a line end": (b'{"do":"room.create","name":"x","kind":"public\\n"}', "kind"),
    "kind in the middle": (b'{"do":"room.create","name":"x","kind":"xpublic"}', "kind"),
    "role with a line end": (b'{"do":"room.role","room":1,"user":1,"role":"owner\\n"}', "role"),
    "head of no room": (b'{"do":"hello","heads":{"07":1}}', "heads"),
    "head with a line end": (b'{"do":"hello","heads":{"7\\n":1}}', "heads"),
}  # fmt: skip

# U+0000 in every position that takes a string.
WITH_NUL: dict[str, bytes] = {
    "text": b'{"do":"message.post","room":1,"nonce":"abcdefgh","text":"a\\u0000"}',
    "nonce": b'{"do":"message.post","room":1,"nonce":"abcdefgh\\u0000","text":"a"}',
    "files": b'{"do":"message.post","room":1,"nonce":"abcdefgh","text":"","files":["a\\u0000"]}',
    "heads": b'{"do":"hello","heads":{"7\\u0000":1}}',
    "epoch": b'{"do":"hello","epoch":"\\u0000"}',
    "name": b'{"do":"room.create","name":"\\u0000","kind":"public"}',
    "kind": b'{"do":"room.create","name":"x","kind":"public\\u0000"}',
    "topic": b'{"do":"room.create","name":"x","kind":"public","topic":"\\u0000"}',
    "password": b'{"do":"session.create","name":"x","password":"\\u0000"}',
    "secret": b'{"do":"link.check","secret":"\\u0000"}',
    "label": b'{"do":"token.create","label":"\\u0000","password":"x"}',
    "status": b'{"do":"user.update","status":"\\u0000"}',
    "do": b'{"do":"ping\\u0000"}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_json_is_refused(what: str) -> None:
    data, field = HOSTILE[what]
    with pytest.raises(Invalid) as refused:
        parse(data)
    assert (refused.value.code, refused.value.field) == ("bad_request", field)
    assert refused.value.message.endswith(".")
    assert refused.value.__cause__ is None
    assert json.decode(events.refusal(id_of(data), refused.value))["error"]["code"] == "bad_request"


@pytest.mark.parametrize("field", WITH_NUL)
def test_u0000_is_refused_wherever_a_string_stands(field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(WITH_NUL[field])
    assert refused.value.field == field


def test_u0000_is_told_from_text_about_it() -> None:
    command = parse(b'{"do":"search","text":"a \\\\u0000 in the text"}')
    assert command == commands.Search(text="a \\u0000 in the text")


def test_a_lone_surrogate_in_text_is_refused() -> None:
    for text in ('{"do":"search","text":"\ud800"}', '{"do":"search","text":"\udfff"}', "\ud83d"):
        with pytest.raises(Invalid):
            parse(text)
        assert id_of(text) is None


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert parse(b'{"do":"search","text":"\\ud83d\\ude00"}') == commands.Search(text="😀")


def test_every_command_is_read_under_its_name() -> None:
    kinds = commands.all_commands()
    assert len(kinds) == len(Command.__subclasses__())
    assert parse_named("ping", b'{"id":7}') == parse(b'{"do":"ping","id":7}') == commands.Ping(id=7)
    assert parse_named("ping", b'{"do":"ping"}') == commands.Ping()
    for name in kinds:
        with pytest.raises(Invalid):
            parse_named(name, b'{"no_such_field":1}')


def test_a_named_command_is_no_other_one() -> None:
    with pytest.raises(Invalid) as refused:
        parse_named("ping", b'{"do":"session.end"}')
    assert refused.value.field == "do"
    with pytest.raises(NotFound):
        parse_named("no.such", b"{}")


def test_any_integer_is_an_id_and_comes_back() -> None:
    for id in (0, -1, 2**53, 2**64, -(2**64), 10**400, None):
        command = parse(json.encode({"do": "ping"}) if id is None else b'{"do":"ping","id":%d}' % id)
        reply = events.reply(command.id, {})
        assert reply == (b'{"re":null,"ok":{}}' if id is None else b'{"re":%d,"ok":{}}' % id)


def test_the_id_of_what_cannot_be_read_is_found_where_there_is_one() -> None:
    assert id_of(b'{"do":"no.such","id":5,"more":[1,{"a":"b"}]}') == 5
    assert id_of('{"id":5}') == 5
    assert id_of('{"id":5,"do":7}') == 5
    assert id_of('{ "id" : -5 , "do":"search","text":"\ud800"}') == -5
    assert id_of(b'{"id":5,"x":' + b"[" * 5000) == 5
    for broken in (b'{"id":"5"}', b'{"id":5', b"[5]", b'{"id":1e400}', b'{"id":' * 100_000, b"\xff"):
        assert id_of(broken) is None


def test_a_mebibyte_of_twins_is_refused_at_once() -> None:
    heads = b",".join(b'"%d":1' % room for room in range(1, 5000)) + b',"4999":1' * 90_000
    begun = time.process_time()
    with pytest.raises(Invalid):
        parse_named("hello", b'{"heads":{' + heads + b"}}")
    assert time.process_time() - begun < 1


def test_what_the_error_says_fits_on_a_line() -> None:
    for data in (b'{"do":"ping","%s":1}' % (b"x" * 60_000), '{"do":"ping","\u202e\\n\\u0007":1}'.encode()):
        with pytest.raises(Invalid) as refused:
            parse(data)
        assert len(refused.value.message) < 120
        assert refused.value.message.isprintable()
        assert refused.value.message.isascii()


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_FIELDS = sorted({name for kind in commands.all_commands().values() for name in kind.__struct_fields__})
_NAMES = st.sampled_from([*commands.all_commands(), "no.such"])
_SOME_FIELDS = st.dictionaries(st.sampled_from([*_FIELDS, "no_such"]), _ANY_JSON, max_size=3)


def _reads_or_refuses(data: bytes | str) -> None:
    try:
        command = parse(data)
    except ChatboxError as error:
        events.refusal(id_of(data), error).decode()
    else:
        assert command.id == id_of(data)
        events.reply(command.id, command).decode()


@settings(max_examples=150, deadline=None, print_blob=True)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    _reads_or_refuses(data)


@settings(max_examples=150, deadline=None, print_blob=True)
@given(st.text(st.characters(exclude_categories=()), max_size=100))
def test_no_text_raises_anything_else(text: str) -> None:
    _reads_or_refuses(text)


@settings(max_examples=150, deadline=None, print_blob=True)
@given(_NAMES, _SOME_FIELDS, st.data())
def test_no_json_raises_anything_else(name: str, fields: dict[str, Any], data: st.DataObject) -> None:
    text = stdlib_json.dumps(
        {"do": name} | fields
    )  # with NaN and lone surrogates, as a careless program writes it
    cut = data.draw(st.integers(0, len(text)))
    for spelling in (text, text[:cut], text[cut:], text[:cut] + "\0" + text[cut:]):
        _reads_or_refuses(spelling)
        _reads_or_refuses(spelling.encode("utf-8", "surrogatepass"))
