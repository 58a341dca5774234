"""docs/api.md: every command, from its struct, its reply and the table that carries it out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping

from msgspec import NODEFAULT, json, structs
from msgspec import inspect as types

from chatbox.errors import ChatboxError
from chatbox.protocol.commands import all_commands
from chatbox.protocol.events import PROTOCOL
from chatbox.protocol.fields import Command
from chatbox.protocol.replies import REPLIES
from chatbox.web.dispatch import ROWS, Row

_WHO = {"anyone": "anyone", "user": "whoever is signed in", "admin": "admins"}
_GROUPS = {
    "hello": "The connection",
    "message.post": "Messages",
    "room.history": "Rooms",
    "server.info": "Signing in",
    "user.update": "People",
    "admin.overview": "Administration",
}

_HEAD = f"""# The commands

<!-- Made by `python -m chatbox.docs` from chatbox/protocol/{{commands,replies}}.py; do not edit. -->

How to sign in, follow a room and act on errors, and what the shapes in the replies hold (*message*, *room*,
*person*, *me*): [protocol.md](protocol.md).

Each command can be sent as `POST /api/<command>` with its fields as a JSON object (a GET answers 405), or
over the WebSocket `/ws` as `{{"id": 1, "do": "<command>", …}}`; those marked "HTTP only" over HTTP alone. A
program sends `Authorization: Bearer TOKEN`, with a token made by `chatbox user token NAME --label TEXT` or
`token.create`. Unknown fields are refused. Replies may gain fields: ignore those that you do not know. The
protocol's version is {PROTOCOL}.

    curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
        -d '{{"room": 1, "nonce": "hello-00000001", "text": "Hello!"}}' http://localhost:8642/api/message.post

"Cost" counts against the rate limit (`[limits] messages_per_second`), in messages. What "asks for the
password" is taken from a browser's sign-in only within ten minutes of its password: else it is refused with
`forbidden` and the field `confirm`, and `session.confirm` helps. A program with a token is never asked.
"""


def api_page(rows: Mapping[str, Row] = ROWS) -> str:
    """docs/api.md."""
    return "\n".join(_page(rows)) + "\n"


def _page(rows: Mapping[str, Row]) -> Iterator[str]:
    yield _HEAD
    for name, kind in all_commands().items():
        if name in _GROUPS:
            yield f"## {_GROUPS[name]}\n"
        yield from _command(name, kind, rows[name], REPLIES[name])
    yield "## Errors\n"
    yield '`{"error": {"code", "message", "field"?, "retry_in"?}}`; `retry_in` is in seconds.\n'
    yield "| code | HTTP status |"
    yield "|---|---|"
    for code, status in sorted(set(_errors(ChatboxError)), key=lambda row: (row[1], row[0])):
        yield f"| `{code}` | {status} |"


def _command(name: str, kind: type[Command], row: Row, reply: str) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{' '.join(inspect.cleandoc(kind.__doc__ or '').split())}\n"
    notes = [f"For {_WHO[row.who]}.", f"Cost {row.cost:g}."] + ["HTTP only."] * row.http
    notes += ["Asks for the password."] * row.sure
    yield f"{' '.join(notes)}\n"
    fields = [field for field in structs.fields(kind) if field.name != "id"]
    if fields:
        yield "| field | type | default |"
        yield "|---|---|---|"
        for field in fields:
            yield f"| `{field.encode_name}` | {_type(types.type_info(field.type))} | {_default(field)} |"
        yield ""
    yield f"Replies {reply}.\n"


def _default(field: structs.FieldInfo) -> str:
    if field.default_factory is not NODEFAULT:
        return f"`{json.encode(field.default_factory()).decode()}`"
    if field.default is NODEFAULT:
        return "required"
    return "none" if field.default is None else f"`{json.encode(field.default).decode()}`"


def _type(info: types.Type) -> str:
    if isinstance(info, types.Metadata):
        return _type(info.type)
    if isinstance(info, types.UnionType):
        return " or ".join(_type(part) for part in info.types if not isinstance(part, types.NoneType))
    if isinstance(info, types.IntType):
        return f"integer{_span(info.ge, info.le)}"
    if isinstance(info, types.BytesType):
        return f"Base64{_span(info.min_length, info.max_length, ' bytes')}"
    if isinstance(info, types.StrType):
        shown = (info.pattern or "").replace(r"\Z", "$").replace("|", r"\|")
        pattern = f" like `{shown}`" if shown else ""
        return f"string{_span(info.min_length, info.max_length, ' characters')}{pattern}"
    if isinstance(info, types.ListType):
        return f"list{_span(info.min_length, info.max_length, ' items')} of {_type(info.item_type)}"
    if isinstance(info, types.DictType):
        return f"object of {_type(info.value_type)} by {_type(info.key_type)}"
    return "true or false" if isinstance(info, types.BoolType) else "any"


def _span(low: int | None, high: int | None, unit: str = "") -> str:
    shown = "2^53 - 1" if high == 2**53 - 1 else f"{high:,}" if high is not None else ""
    if low is None:
        return f", at most {shown}{unit}" if high is not None else ""
    return f", {low} to {shown}{unit}" if high is not None else f", at least {low}{unit}"


def _errors(kind: type[ChatboxError]) -> Iterator[tuple[str, int]]:
    yield kind.code, kind.status
    for child in kind.__subclasses__():
        if child.__module__ == kind.__module__:
            yield from _errors(child)
