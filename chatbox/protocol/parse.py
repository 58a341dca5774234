"""Bytes to commands. Whatever is wrong with them becomes an error that names the field.

msgspec refuses invalid UTF-8, lone surrogates, NaN, wrong types and unknown fields; what it lets pass (a key
given twice, U+0000) is refused here (RFC 8259, section 4; RFC 7493, section 2).
"""

from __future__ import annotations

import json as stdlib_json
import re
from typing import Any, Union

import msgspec
from msgspec import Struct

from chatbox.errors import Invalid, NotFound
from chatbox.protocol.commands import all_commands
from chatbox.protocol.fields import Command

_COMMANDS = all_commands()
_ANY = msgspec.json.Decoder(Union[tuple(_COMMANDS.values())])  # noqa: UP007
_ONE = {name: msgspec.json.Decoder(kind) for name, kind in _COMMANDS.items()}
_FIELD = re.compile(r"\$\.([A-Za-z_]+)")
_QUOTED = re.compile(r"field `([^`]*)`")
_FIRST_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*(-?(?:0|[1-9]\d{0,18}))\s*,')


class _Envelope(Struct):
    id: int | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def parse(data: bytes | str) -> Command:
    """The command in one WebSocket message. Raises `Invalid`."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        command: Command = _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(error, raw) from None
    _check_rest(raw, command)
    return command


def parse_named(name: str, data: bytes) -> Command:
    """The command of this name with its fields as a JSON object; nothing counts as an empty one.

    Raises `NotFound` for an unknown command, else `Invalid`."""
    decoder = _ONE.get(name)
    if decoder is None:
        raise NotFound("There is no such command.")
    raw = data if data.strip() else b"{}"
    try:
        command = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(error, raw) from None
    _check_rest(raw, command)
    return command


def id_of(data: bytes | str) -> int | None:
    """The id of a command that could not be read, if that at least can be."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    try:
        return _ENVELOPE.decode(raw).id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        first = _FIRST_ID.match(raw)  # what comes after it cannot be read
        return int(first[1]) if first else None


def _explain(error: Exception, raw: bytes) -> Invalid:
    text = str(error) if isinstance(error, msgspec.ValidationError) else ""
    if "Invalid value" in text and text.endswith("`$.do`"):
        return Invalid("There is no such command.", field="do")
    if "missing required field `do`" in text:
        return Invalid("The command does not say what to do.", field="do")
    found = _QUOTED.search(text) or _FIELD.search(text)
    if found:
        problem = (
            "unknown" if "unknown field" in text else "missing" if "missing required" in text else "not valid"
        )
        return Invalid(f"The field {found[1][:40]!a} is {problem}.", field=found[1][:40])
    return Invalid("This is not a command: one JSON object is expected.")


def _check_rest(raw: bytes, command: Command) -> None:
    try:
        stdlib_json.loads(raw, object_pairs_hook=_no_twins)
    except RecursionError:
        raise Invalid("This is nested too deeply.") from None
    if b"\\u0000" in raw:
        for name in command.__struct_fields__:
            if _has_nul(getattr(command, name)):
                raise Invalid("The text holds a character that cannot be stored (U+0000).", field=name)


def _no_twins(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Invalid("A field is given twice.", field=name[:40])
        seen.add(name)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, list):
        return any(_has_nul(item) for item in value)
    return isinstance(value, dict) and any(_has_nul(key) for key in value)
