"""Who may do what: every command and every address, tried by everybody."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatbox.web.dispatch import ROWS
from tests.access.stage import MISSING, ORIGIN, ROLES, Scene, Stage
from tests.access.table import ADDRESSES, COMMANDS, Line, lines
from tests.chat.support import PASSWORD
from tests.web.support import Answer, Site, settings

NEW = "walnut-harbour-kettle-4"
OUTCOMES = {
    "ok": (200, None),
    "up": (101, None),
    "out": (401, "signed_out"),
    "none": (404, "not_found"),
    "no": (403, "forbidden"),
    "clash": (409, "conflict"),
}
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

KEY_PASSWORD = b'{"password":"plum-trout-lantern"}'  # there is no key on this stage
AFAR = {"X-Forwarded-For": "192.168.1.2"}  # a proxy on this machine tells so
NO_FILE = f"/files/{'x' * 22}/a.bin"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    site = Site(tmp_path_factory.mktemp("site"), settings())
    yield Stage(site)
    site.close()


def _id() -> str:
    return secrets.token_hex(8)


def _mine(scene: Scene) -> dict[str, Any]:
    return {"room": scene.room, "seq": scene.own}


def _foreign(scene: Scene) -> dict[str, Any]:
    return {"room": scene.room, "seq": scene.foreign}


def _room(scene: Scene) -> dict[str, Any]:
    return {"room": scene.room}


def _nothing(scene: Scene) -> dict[str, Any]:
    return {}


def _target(scene: Scene) -> dict[str, Any]:
    return {"user": scene.target}


FIELDS: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "away": lambda scene: {"away": True},
    "message.post": lambda scene: _room(scene) | {"nonce": _id(), "text": "hi"},
    "message.edit": lambda scene: _mine(scene) | {"text": "new"},
    "message.edit:foreign": lambda scene: _foreign(scene) | {"text": "new"},
    "message.delete": _mine,
    "message.delete:foreign": _foreign,
    "room.create": lambda scene: {"name": _id(), "kind": "private"},
    "room.history": _room,
    "room.changes": lambda scene: _room(scene) | {"after": 0},
    "room.members": _room,
    "room.update": lambda scene: _room(scene) | {"topic": "new"},
    "room.update:archive": lambda scene: _room(scene) | {"archived": True},
    "room.join": _room,
    "room.leave": _room,
    "room.invite": lambda scene: _room(scene) | _target(scene),
    "room.remove": lambda scene: _room(scene) | _target(scene),
    "room.role": lambda scene: _room(scene) | _target(scene) | {"role": "moderator"},
    "room.read": lambda scene: _room(scene) | {"seq": 1, "unread": True},
    "room.typing": _room,
    "room.hide": _room,
    "direct.open": lambda scene: {"users": [scene.target]},
    "search": lambda scene: {"text": "findable"},
    "search:room": lambda scene: _room(scene) | {"text": "findable"},
    "setup.complete": lambda scene: {"name": _id(), "password": PASSWORD, "secret": "x"},
    "session.create": lambda scene: {"name": scene.target_name, "password": PASSWORD},
    "session.take": lambda scene: {"secret": "x"},
    "session.allow": lambda scene: {"allow": True},
    "session.allow:nobody": lambda scene: {"allow": False},
    "session.confirm": lambda scene: {"password": PASSWORD},
    "session.revoke": lambda scene: {"others": True},
    "session.revoke:foreign": lambda scene: {"session": scene.target_session},
    "user.register": lambda scene: {"name": _id(), "password": PASSWORD, "invite": scene.invite_secret},
    "user.register:uninvited": lambda scene: {"name": _id(), "password": PASSWORD},
    "link.check": lambda scene: {"secret": scene.invite_secret},
    "password.reset": lambda scene: {"secret": scene.reset_secret, "password": NEW},
    "token.create": lambda scene: {"label": "script", "password": PASSWORD},
    "user.update": lambda scene: {"status": "here"},
    "user.password": lambda scene: {"old": PASSWORD, "new": NEW},
    "account.delete": lambda scene: {"password": "wrong"},
    "user.disable": _target,
    "user.enable": _target,
    "user.role": lambda scene: _target(scene) | {"role": "admin"},
    "user.delete": _target,
    "user.reset_link": _target,
    "invite.revoke": lambda scene: {"invite": scene.invite},
    "server.update": lambda scene: {"join": "invite"},
    "admin.archive": lambda scene: _room(scene) | {"archived": True},
    "qr.make": lambda scene: {"text": f"{ORIGIN}/#invite=x"},
    "licenses.text": lambda scene: {"name": "Python"},
    "service.set": lambda scene: {"on": True},
    "settings.update": lambda scene: {"values": {"limits.text_bytes": None}},
}


# Where each address is, and with which body and headers it is asked for.
PLACES: dict[str, Callable[[Stage, Scene], tuple[str, bytes | None, dict[str, str]]]] = {
    "GET_/": lambda stage, scene: ("/", None, {}),
    "GET_/favicon.ico": lambda stage, scene: ("/favicon.ico", None, {}),
    "GET_/logo": lambda stage, scene: ("/logo/0123456789abcdef", None, {}),
    "GET_/assets": lambda stage, scene: (f"/assets/{stage.site.assets.hash}/js/main.js", None, {}),
    "GET_/trust": lambda stage, scene: ("/trust", None, {}),
    "GET_/trust/ping": lambda stage, scene: ("/trust/ping", None, {}),
    "GET_/trust/about": lambda stage, scene: ("/trust/about", None, {}),
    "GET_/healthz": lambda stage, scene: ("/healthz", None, {}),
    "GET_/readyz": lambda stage, scene: ("/readyz", None, {}),
    "GET_/metrics": lambda stage, scene: ("/metrics", None, {}),
    "GET_/metrics:afar": lambda stage, scene: ("/metrics", None, {"Host": "192.168.1.2"}),
    "GET_/metrics:bearer": lambda stage, scene: ("/metrics", None, {"Host": "192.168.1.2"} | _bearer(scene)),
    "GET_/files": lambda stage, scene: (f"/files/{scene.posted_file}/a.bin", None, {}),
    "HEAD_/files": lambda stage, scene: (f"/files/{scene.posted_file}/a.bin", None, {}),
    "GET_/files:unposted": lambda stage, scene: (f"/files/{scene.unposted_file}/a.bin", None, {}),
    "GET_/files:missing": lambda stage, scene: (NO_FILE, None, {}),
    "POST_/files": lambda stage, scene: ("/files?name=a.bin", b"content", {}),
    "GET_/backups": lambda stage, scene: (f"/backups/{stage.new_backup()}.zip", None, {}),
    "GET_/backups:afar": lambda stage, scene: (f"/backups/{stage.new_backup()}.zip", None, AFAR),
    "GET_/backups:missing": lambda stage, scene: ("/backups/2001-01-01_000000.zip", None, {}),
    "POST_/restore": lambda stage, scene: ("/restore", stage.zipped, {}),
    "POST_/restore:afar": lambda stage, scene: ("/restore", stage.zipped, AFAR),
    "POST_/restore:kept": lambda stage, scene: (f"/restore?backup={stage.new_backup()}", b"", {}),
    "POST_/restore:missing": lambda stage, scene: ("/restore?backup=2001-01-01_000000", b"", {}),
    "POST_/security-key": lambda stage, scene: ("/security-key", KEY_PASSWORD, {}),
    "POST_/security-key:afar": lambda stage, scene: ("/security-key", KEY_PASSWORD, AFAR),
    "GET_/ws": lambda stage, scene: ("/ws", None, HANDSHAKE),
    "POST_/api": lambda stage, scene: ("/api/no.such", b"{}", {"Content-Type": "application/json"}),
    "GET_/nowhere": lambda stage, scene: ("/nowhere", None, {}),
}


def _bearer(scene: Scene) -> dict[str, str]:
    return {} if scene.role == "nobody" else {"Authorization": f"Bearer {scene.token}"}


def _outcome(answer: Answer) -> str:
    """The word of the tables for an answer. Pages, and answers to HEAD, have a status only."""
    has_code = answer.body.startswith(b'{"error"')
    for word, (status, code) in OUTCOMES.items():
        if answer.status == status and (not has_code or answer.json["error"]["code"] == code):
            return word
    return f"{answer.status} {answer.body!r}"


def _same(one: Answer, other: Answer) -> bool:
    return (one.status, one.body) == (other.status, other.body) and one.headers.keys() == other.headers.keys()


def test_the_table_holds_every_command() -> None:
    named = [line[0].partition(":")[0] for line in lines(COMMANDS)]
    assert set(named) == set(ROWS)
    assert all(len(line[2]) == len(ROLES) for line in lines(COMMANDS) + lines(ADDRESSES))
    rooms = {(what.partition(":")[0], kind) for what, kind, _ in lines(COMMANDS) if kind != "-"}
    for command in {command for command, _ in rooms}:
        assert {(command, kind) for kind in ("public", "private", "direct")} <= rooms


@pytest.mark.parametrize("line", lines(COMMANDS), ids=str)
def test_a_command(stage: Stage, line: Line) -> None:
    what, kind, expected = line
    command = what.partition(":")[0]
    found = []
    for role in ROLES:
        scene = stage.scene(role, "private" if kind == "-" else kind)
        fields = FIELDS.get(what, _nothing)(scene)
        answer = stage.ask(scene, "POST", f"/api/{command}", fields)
        found.append(_outcome(answer))
        if "room" in fields and answer.status == 404:
            nowhere = stage.ask(scene, "POST", f"/api/{command}", fields | {"room": MISSING})
            assert _same(answer, nowhere), (role, answer, nowhere)
    assert tuple(found) == expected


@pytest.mark.parametrize("line", lines(ADDRESSES), ids=str)
def test_an_address(stage: Stage, line: Line) -> None:
    what, kind, expected = line
    found = []
    for role in ROLES:
        scene = stage.scene(role, "private" if kind == "-" else kind)
        method = what.partition("_")[0]
        path, body, headers = PLACES[what](stage, scene)
        answer = stage.ask(scene, method, path, body, headers)
        found.append(_outcome(answer))
        if "/files" in what and answer.status == 404:
            missing = stage.ask(scene, method, NO_FILE)
            assert _same(answer, missing), (role, answer, missing)
    assert tuple(found) == expected


@pytest.mark.parametrize("role", ["stranger", "former", "admin"])
def test_what_is_told_of_rooms_of_others(stage: Stage, role: str) -> None:
    known: dict[str, Any] = {}
    for kind in ("public", "private", "direct"):
        scene = stage.scene(role, kind)
        listed = {room["id"]: room for room in stage.ask(scene, "POST", "/api/room.list", {}).json["rooms"]}
        greeted = {room["id"] for room in stage.ask(scene, "POST", "/api/hello", {}).json["rooms"]}
        hits = stage.ask(scene, "POST", "/api/search", {"text": "findable"}).json["hits"]
        assert scene.room not in greeted
        assert scene.room not in {hit["message"]["room"] for hit in hits}
        assert str(scene.room) not in stage.ask(scene, "POST", "/api/ping", {}).json["heads"]
        known[kind] = listed.get(scene.room)
    assert known["private"] is known["direct"] is None
    assert known["public"]["member"] is False
    assert not known["public"].keys() & {"role", "read", "unread", "mentions", "messages", "members"}


def test_a_disabled_person_cannot_sign_in_nor_use_a_token(stage: Stage) -> None:
    scene = stage.scene("disabled", "public")
    signing_in = stage.site.ask("POST", "/api/session.create", {"name": "disabled", "password": PASSWORD})
    assert _outcome(signing_in) == "no"
    for path in ("/api/ping", "/api/server.info", "/files?name=a.bin"):
        assert _outcome(stage.site.ask("POST", path, {}, _bearer(scene))) == "out"


def test_an_admin_in_a_room_may_manage_it(stage: Stage) -> None:
    scene = stage.scene("admin", "public")
    assert _outcome(stage.ask(scene, "POST", "/api/room.join", {"room": scene.room})) == "ok"
    for what in ("room.update", "room.role", "message.delete:foreign", "room.remove"):
        answer = stage.ask(scene, "POST", f"/api/{what.partition(':')[0]}", FIELDS[what](scene))
        assert _outcome(answer) == "ok", what


def test_a_moderator_may_not_touch_an_owner(stage: Stage) -> None:
    scene = stage.scene("owner", "private")
    member = {"room": scene.room, "user": stage.id("member"), "role": "moderator"}
    assert _outcome(stage.ask(scene, "POST", "/api/room.role", member)) == "ok"
    other = stage.scene("member", "private")  # a sign-in of the member
    scene = scene._replace(role="member", token=other.token)
    owner = {"room": scene.room, "user": stage.id("owner")}
    assert _outcome(stage.ask(scene, "POST", "/api/room.remove", owner)) == "no"
    assert _outcome(stage.ask(scene, "POST", "/api/room.role", owner | {"role": "member"})) == "no"
    assert _outcome(stage.ask(scene, "POST", "/api/room.remove", _room(scene) | _target(scene))) == "ok"
