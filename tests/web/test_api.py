"""Commands over HTTP: who asks, cookies, errors; and what monitors ask."""

from __future__ import annotations

import http.cookies
import logging
import socket
from contextlib import closing
from pathlib import Path

import pytest

from chatbox.chat.signin import SignedIn, SignedOutReply
from chatbox.live import throttle
from chatbox.live.throttle import Growth
from chatbox.store import users
from chatbox.store.base import Batch, Steps
from chatbox.web import dispatch
from tests.web.support import Person, Site, settings, until


def test_a_bearer_token_names_who_asks(site: Site, ada: Person) -> None:
    assert "heads" in site.command(ada, "ping")


def test_nobody_is_told_to_sign_in(site: Site) -> None:
    answer = site.ask("POST", "/api/ping", {})
    assert (answer.status, answer.json["error"]["code"]) == (401, "signed_out")
    assert answer.headers["cache-control"] == "no-store"


def test_a_token_that_is_void_is_refused_even_where_nobody_may_ask(site: Site) -> None:
    answer = site.ask("POST", "/api/server.info", {}, {"Authorization": "Bearer nonsense"})
    assert answer.status == 401


def test_a_cookie_that_is_void_is_nobody(site: Site) -> None:
    sent = {"Cookie": f"{site.cookie_name}=nonsense", "Origin": site.origin}
    assert site.ask("POST", "/api/server.info", {}, sent).status == 200


def test_a_bearer_token_wins_over_a_cookie(site: Site, ada: Person, ben: Person) -> None:
    sent = {"Cookie": f"{site.cookie_name}={ada.token}", "Origin": site.origin} | ben.bearer
    assert site.ask("POST", "/api/people.list", {}, sent).status == 403
    sent["Authorization"] = f"Bearer {ada.token}"
    assert site.ask("POST", "/api/people.list", {}, sent).status == 200


def test_a_cookie_of_a_neighbour_on_this_host_is_not_ours(site: Site, ada: Person) -> None:
    sent = {"Cookie": f"chatbox_other={ada.token}", "Origin": site.origin}
    assert site.ask("POST", "/api/ping", {}, sent).status == 401


def test_an_empty_body_is_an_empty_object(site: Site, ada: Person) -> None:
    assert site.ask("POST", "/api/ping", headers=ada.bearer).status == 200
    assert site.ask("POST", "/api/ping", b"  ", ada.bearer).status == 200


def test_strangers_send_short_commands_only(site: Site, ada: Person) -> None:
    long = b'{"name": "x", "password": "' + b"x" * 100_000 + b'"}'
    for body in (long, iter([long])):
        assert site.ask("POST", "/api/session.create", body).status == 413
    assert site.ask("POST", "/api/session.create", long, ada.bearer).json["error"]["field"] == "password"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_can_send_is_no_command(site: Site, ada: Person, kind: str) -> None:
    cookie = {"Cookie": f"{site.cookie_name}={ada.token}", "Origin": site.origin, "Content-Type": kind}
    assert site.ask("POST", "/api/ping", b"{}", cookie).status == 415


@pytest.mark.parametrize(
    ("name", "body", "status", "field"),
    [
        ("no.such", b"{}", 404, None),
        ("PING", b"{}", 404, None),
        ("ping", b"[]", 400, None),
        ("ping", b"{", 400, None),
        ("ping", b"\xff", 400, None),
        ("ping", b'{"more": 1}', 400, "more"),
        ("room.history", b'{"room": "x"}', 400, "room"),
        ("room.history", b'{"room": 1, "room": 2}', 400, "room"),
        ("search", b'{"text": "\\u0000"}', 400, "text"),
        ("search", b'{"text": "\\ud800"}', 400, None),
        ("ping", b"[" * 100_000, 400, None),
    ],
)
def test_a_wrong_command_is_answered(
    site: Site, ada: Person, name: str, body: bytes, status: int, field: str | None
) -> None:
    answer = site.ask("POST", f"/api/{name}", body, ada.bearer)
    assert answer.status == status
    error = answer.json["error"]
    assert error["message"]
    assert field is None or error["field"] == field


def test_a_cookie_is_set_and_cleared(site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*parts: object) -> object:
        return replies.pop(0)

    replies: list[object] = [
        SignedIn("secret", {"user": 1}, False),
        SignedIn("secret", {"user": 1}, True),
        SignedOutReply(),
    ]
    monkeypatch.setattr(dispatch, "run", answer)
    kept, shared, ended = (site.ask("POST", "/api/session.end", {}, ada.bearer) for _ in range(3))
    cookie = http.cookies.SimpleCookie(kept.headers["set-cookie"])[site.cookie_name]
    assert (cookie.value, cookie["path"], cookie["samesite"]) == ("secret", "/", "Strict")
    assert cookie["httponly"]
    assert cookie["max-age"]
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert kept.json == {"user": 1}
    assert not http.cookies.SimpleCookie(shared.headers["set-cookie"])[site.cookie_name]["max-age"]
    assert http.cookies.SimpleCookie(ended.headers["set-cookie"])[site.cookie_name].value == ""
    assert ended.json == {}


def test_what_nobody_thought_of_is_logged_and_not_shown(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*parts: object) -> object:
        raise ZeroDivisionError("a secret of the server")

    monkeypatch.setattr(dispatch, "run", broken)
    answer = site.ask("POST", "/api/ping", {}, ada.bearer)
    assert (answer.status, answer.json["error"]["code"]) == (500, "internal")
    assert b"secret" not in answer.body
    mark = answer.json["error"]["message"].rstrip(".").rpartition(" ")[2]
    assert any(mark in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_request_is_one_line_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chatbox.web")
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
        raw.sendall("GET /x\x1b[31m\x9d?secret=1 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1"))
        raw.recv(65536)
    site.ask("GET", "/nowhere?secret=1")

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "chatbox.web"]

    until(lambda: any(line.startswith("GET /nowhere 404 from 127.0.0.1") for line in lines()))
    assert all(line.isprintable() and "secret" not in line for line in lines())


def test_monitors_are_answered(site: Site) -> None:
    assert site.ask("GET", "/healthz").json == {"status": "ok"}
    assert site.ask("GET", "/readyz").json == {"status": "ok"}
    assert site.ask("HEAD", "/healthz").status == 200


def test_metrics_are_for_this_machine_and_who_has_a_token(site: Site, ada: Person, ben: Person) -> None:
    own = site.ask("GET", "/metrics")
    assert own.status == 200
    assert b"\nchatbox_messages_total " in own.body
    for sent in ({"Host": "192.168.1.2"}, {"Host": "desk.local"}, {"X-Forwarded-For": "10.0.0.9"}):
        assert site.ask("GET", "/metrics", headers=sent).status == 404
        assert site.ask("GET", "/metrics", headers=sent | ben.bearer).status == 200
        void = {"Authorization": "Bearer nonsense"}
        assert site.ask("GET", "/metrics", headers=sent | void).status == 401


def test_accounts_made_at_this_computer_are_not_slowed_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "REGISTRATION", Growth(free=1, longest=30.0))
    site = Site(tmp_path, settings())
    site.ctx.server.join, site.ctx.server.setup_open = "network", False

    def set_up(batch: Batch) -> Steps[None]:
        yield from users.set_meta("setup", "done")
        yield from users.set_meta("join", "network")

    async def submit() -> None:
        await site.ctx.committer.submit(set_up)

    def register(name: str, more: dict[str, str]) -> int:
        fields = {"name": name, "password": "a good long sentence"}
        return site.ask("POST", "/api/user.register", fields, {"Origin": site.origin} | more).status

    with closing(site):
        site.run(submit())
        assert [register(f"here{number}", {}) for number in range(4)] == [200] * 4
        through = {"X-Forwarded-For": "192.168.1.9"}
        assert [register(f"there{number}", through) for number in range(2)] == [200, 429]
