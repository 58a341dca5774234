"""`/ws`: who is let in, what is answered and in which order, and how connections end."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import tornado
from tornado.iostream import IOStream

from chatbox.bus.base import Publication
from chatbox.errors import RateLimited
from chatbox.settings import Limits, Settings
from chatbox.web import dispatch
from chatbox.web import socket as web_socket
from chatbox.web.socket import READS_AT_ONCE, MessageSink, StreamSink
from tests.web.file_support import private_room
from tests.web.socket_support import line
from tests.web.support import Answer, Person, Site, settings, until

GENERAL = 1
HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def _knock(site: Site, **headers: str) -> Answer:
    return site.ask("GET", "/ws", headers=HANDSHAKE | headers)


def _cookie(site: Site, who: Person) -> dict[str, str]:
    return {"Cookie": f"{site.cookie_name}={who.token}", "Origin": site.origin}


# -- who is let in -------------------------------------------------------------------------------------------


def test_nobody_is_let_in_signed_out(site: Site, ada: Person) -> None:
    void = {"Cookie": f"{site.cookie_name}=nonsense", "Origin": site.origin}
    for headers in ({}, {"Origin": site.origin}, void, {"Authorization": "Bearer nonsense"}):
        answer = _knock(site, **headers)
        assert (answer.status, answer.json["error"]["code"]) == (401, "signed_out")


def test_a_foreign_page_is_not_let_in(site: Site, ada: Person) -> None:
    cookie = _cookie(site, ada)
    for origin in ("http://evil.example", "null", f"{site.origin}0", f"https{site.origin[4:]}"):
        assert _knock(site, **cookie | {"Origin": origin}).status == 403
        assert _knock(site, Authorization=f"Bearer {ada.token}", Origin=origin).status == 403
    del cookie["Origin"]
    assert _knock(site, **cookie).status == 403


def test_a_name_of_another_server_is_misdirected(site: Site, ada: Person) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert _knock(site, **_cookie(site, ada) | headers).status == 421


def test_a_cookie_with_the_own_origin_is_let_in(site: Site, ada: Person) -> None:
    with line(site, headers=_cookie(site, ada)) as there:
        assert there.call("hello")["me"]["id"] == ada.id


def test_a_bearer_token_needs_no_origin(site: Site, ada: Person) -> None:
    with line(site, ada) as there:
        assert there.call("hello")["me"]["id"] == ada.id


def test_one_person_has_so_many_connections(tmp_path: Path) -> None:
    site = Site(tmp_path, settings(connections_per_user=2))
    try:
        ada, ben = site.add_person("ada"), site.add_person("ben")
        with line(site, ada) as first, line(site, ben):
            first.call("ping")
            with line(site, ada) as second:
                second.call("ping")
                answer = _knock(site, **ada.bearer)
                assert (answer.status, answer.json["error"]["code"]) == (429, "rate_limited")
                assert answer.json["error"]["retry_in"] == float(answer.headers["retry-after"]) == 5
            until(lambda: _knock(site, **ada.bearer).status == 101)
    finally:
        site.close()


def test_a_server_that_stops_lets_nobody_in(tmp_path: Path) -> None:
    site = Site(tmp_path, settings())
    try:
        ada = site.add_person("ada")
        site.ctx.server.stopping = True
        answer = _knock(site, **ada.bearer)
        assert (answer.status, answer.json["error"]["code"]) == (503, "restarting")
        assert answer.json["error"]["retry_in"] > 0
    finally:
        site.close()


# -- what is answered ----------------------------------------------------------------------------------------


def test_before_hello_commands_are_answered_and_no_events_come(site: Site, ada: Person, ben: Person) -> None:
    with line(site, ada) as there, line(site, ben) as other:
        other.call("hello")
        posted = there.answer(there.post(GENERAL))["ok"]
        other.answer(other.post(GENERAL))
        there.call("ping")
        assert not any("ev" in json.loads(text) for text in there.texts)
        hello = there.call("hello")
        assert hello["rooms"][0]["head"] > posted["seq"]
        other.post(GENERAL, "after hello")
        event = there.event("messages")
        assert (event["messages"][0]["text"], event["after"]) == ("after hello", hello["rooms"][0]["head"])


def test_what_cannot_be_read_is_answered_and_the_connection_lives_on(site: Site, ada: Person) -> None:
    with line(site, ada) as there:
        for sent, id, field in (
            ("", None, None),
            ("nonsense", None, None),
            ('{"id":7,"do":"no.such"}', 7, "do"),
            ('{"id":8,"do":"ping","more":1}', 8, "more"),
            ('{"id":"x","do":"ping"}', None, "id"),
            ('{"id":9,"do":"search","text":"\\u0000"}', 9, "text"),
            ('{"id":10,"do":"search","text":"\\ud800"}', 10, None),
            ("[" * 50_000, None, None),
            (b'{"id":11,"do":"ping"}', 11, None),
        ):
            there.socket.send(sent)
            answer = there.answer(id)
            assert answer["error"]["code"] == "bad_request", sent
            assert answer["error"].get("field") == field
        there.call("ping")


def test_a_frame_that_is_too_big_ends_the_connection(site: Site, ada: Person) -> None:
    most = site.settings.limits.frame_bytes
    with line(site, ada) as there:
        there.socket.send(" " * most)
        assert there.answer(None)["error"]["code"] == "bad_request"
        there.socket.send(" " * (most + 1))
        assert there.closed()[0] == 1009


@pytest.mark.parametrize("name", [name for name, row in dispatch.ROWS.items() if row.http])
def test_what_sets_a_cookie_or_hashes_is_answered_over_http_only(site: Site, ada: Person, name: str) -> None:
    fields: dict[str, dict[str, Any]] = {
        "setup.complete": {"name": "x", "password": "x", "secret": "x"},
        "session.create": {"name": "x", "password": "x"},
        "session.take": {"secret": "x"},
        "user.register": {"name": "x", "password": "x"},
        "password.reset": {"secret": "x", "password": "x"},
        "token.create": {"label": "x", "password": "x"},
        "session.confirm": {"password": "x"},
        "account.delete": {"password": "x"},
        "user.password": {"old": "x", "new": "x"},
        "service.set": {"on": True},
    }
    with line(site, ada) as there:
        error = there.refused(name, **fields.get(name, {}))
        assert (error["code"], error["field"]) == ("bad_request", "do")
        there.call("ping")


def test_what_is_for_admins_is_refused_to_others(site: Site, ada: Person, ben: Person) -> None:
    with line(site, ada) as admin, line(site, ben) as other:
        assert admin.call("people.list")["people"]
        assert other.refused("people.list")["code"] == "forbidden"


def test_writes_take_effect_in_the_order_in_which_they_were_sent(site: Site, ada: Person) -> None:
    room = private_room(site, ada)
    with line(site, ada) as there:
        there.call("hello")
        sent = []
        for number in range(40):
            sent.append(there.post(room, f"text {number}"))
            there.send("room.update", room=room, topic=f"topic {number}")
        seqs = [there.answer(id)["ok"]["seq"] for id in sent]
        assert [later - earlier for earlier, later in pairwise(seqs)] == [2] * 39
        there.call("ping")
        rooms = {each["id"]: each for each in there.call("room.list")["rooms"]}
        assert rooms[room]["topic"] == "topic 39"
        page = there.call("room.history", room=room)["messages"]
        assert [message["text"] for message in page] == [f"text {number}" for number in range(40)]


def test_a_change_of_mine_reaches_my_other_connection(site: Site, ada: Person, ben: Person) -> None:
    seq = site.command(ben, "message.post", room=GENERAL, nonce=secrets.token_hex(8), text="hi")["seq"]
    with line(site, ada) as here, line(site, ada) as there:
        here.call("hello")
        there.call("hello")
        here.send("room.read", room=GENERAL, seq=seq)
        for one in (here, there):
            event = one.event("read")
            assert (event["room"], event["read"], event["unread"]) == (GENERAL, seq, 0)


# -- how much, and how fast ----------------------------------------------------------------------------------


@pytest.fixture
def paced(tmp_path: Path) -> Iterator[Site]:
    """A site on which people may post twenty times a second, and twice at once."""
    made = Site(tmp_path, Settings(limits=Limits(messages_per_second=20, messages_burst=2)))
    yield made
    made.close()


def test_over_the_rate_it_gets_slower_and_is_then_refused(paced: Site) -> None:
    ada, ben = paced.add_person("ada"), paced.add_person("ben")
    with line(paced, ada) as there:
        begun = time.monotonic()
        answers = [there.answer(id) for id in [there.post(GENERAL) for _ in range(8)]]
        assert all("ok" in answer for answer in answers)
        assert time.monotonic() - begun > 5 / 20
        while True:  # all that may be owed
            try:
                paced.ctx.rate.take(ada.id, 1)
            except RateLimited:
                break
        error = there.answer(there.post(GENERAL, "too much"))["error"]
        assert (error["code"], error["retry_in"] > 1.5) == ("rate_limited", True)
    history = paced.command(ben, "room.history", room=GENERAL)["messages"]
    assert len(history) == 8


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Future[Any]]:
    """`room.list` does not end; gives one future for each that began."""
    waiting: list[asyncio.Future[Any]] = []

    async def wait(*parts: object) -> Any:
        waiting.append(asyncio.get_running_loop().create_future())
        return await waiting[-1]

    monkeypatch.setitem(dispatch.ROWS, "room.list", dispatch.Row(wait, cost=0))
    return waiting


def test_one_connection_reads_so_much_at_once(
    site: Site, ada: Person, stuck: list[asyncio.Future[Any]]
) -> None:
    async def let_go() -> None:
        for future in stuck:
            future.set_result({"rooms": []})

    with line(site, ada) as there:
        waiting = [there.send("room.list") for _ in range(READS_AT_ONCE)]
        error = there.refused("room.list")
        assert (error["code"], error["retry_in"]) == ("busy", 1.0)
        assert "ok" in there.answer(there.post(GENERAL))  # writes do not wait for reads
        assert site.command(ada, "ping")
        site.run(let_go())
        assert all(there.answer(id)["ok"] == {"rooms": []} for id in waiting)
        there.call("ping")


def test_a_read_ends_with_its_connection(site: Site, ada: Person, stuck: list[asyncio.Future[Any]]) -> None:
    with line(site, ada) as there:
        there.send("room.list")
        until(lambda: len(stuck) == 1)
    until(stuck[0].cancelled)


def test_an_answer_is_queued_in_the_step_that_looked_at_the_rights(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> None:
        site.ctx.hub.receive(Publication(f"user:{ada.id}", b'{"ev":"room.gone"}'))

    async def read(*parts: object) -> Any:
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(told)
        return {"rooms": []}

    monkeypatch.setitem(dispatch.ROWS, "room.list", dispatch.Row(read, cost=0))
    with line(site, ada) as there:
        there.call("hello")
        there.send("room.list")
        while "ev" in (first := there.next()):
            assert first["ev"] != "room.gone"
        assert there.event("room.gone")


# -- how connections end -------------------------------------------------------------------------------------


def _session(site: Site, who: Person) -> int:
    sessions = site.command(who, "session.list")["sessions"]
    return next(int(session["id"]) for session in sessions if session.get("current"))


def test_a_revoked_sign_in_closes_its_connections_and_no_others(site: Site, ada: Person) -> None:
    cleo = site.add_person(f"cleo{secrets.token_hex(4)}")
    with ExitStack() as stack:
        mine, other = (stack.enter_context(line(site, who)) for who in (cleo, ada))
        for each in (mine, other):
            each.call("hello")
        mine.send("session.revoke", session=_session(site, cleo))
        assert mine.closed() == (4001, "signed out")
        other.call("ping")
    assert _knock(site, **cleo.bearer).status == 401


def test_signing_out_over_http_closes_the_connection(site: Site) -> None:
    cleo = site.add_person(f"cleo{secrets.token_hex(4)}")
    with line(site, cleo) as there:
        there.call("hello")
        site.command(cleo, "session.end")
        assert there.closed() == (4001, "signed out")


def test_who_is_disabled_is_cut_off_in_the_middle(site: Site, ada: Person) -> None:
    cleo = site.add_person(f"cleo{secrets.token_hex(4)}")
    with line(site, cleo) as there, line(site, ada) as admin:
        there.call("hello")
        admin.call("user.disable", user=cleo.id)
        site.command(ada, "message.post", room=GENERAL, nonce=secrets.token_hex(8), text="cleo is gone")
        assert there.closed() == (4001, "signed out")
        assert not any("cleo is gone" in text for text in there.texts)


# -- Tornado's stream ----------------------------------------------------------------------------------------


def test_the_stream_of_the_installed_tornado_is_known(site: Site, ada: Person) -> None:
    assert tornado.version_info[:2] == (6, 6)
    assert not web_socket.stream_is_known(object())
    with line(site, ada) as there:
        there.call("ping")
        (connection,) = site.ctx.hub.of_user(ada.id)
        assert isinstance(connection._sink, StreamSink)
        assert web_socket.stream_is_known(connection._sink._stream)
        until(lambda: connection._sink.unsent()[0] == 0)
        assert connection._sink.unsent()[1] > 0


def test_what_a_socket_does_not_take_waits_without_being_copied() -> None:
    async def scenario() -> None:
        here, there = socket.socketpair()
        stream = IOStream(here)
        data = bytes(2**22)
        waiting = StreamSink(cast(Any, None), stream).write(data)
        assert 0 < waiting < len(data)
        ((_, kept),) = stream._write_buffer._buffers
        assert isinstance(kept, memoryview)
        assert kept.obj is data
        stream.close()
        there.close()

    asyncio.run(scenario())


def test_without_its_attributes_the_same_frames_go_out(
    site: Site, ada: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = private_room(site, ada)
    until(lambda: not site.ctx.hub.of_user(ada.id))
    with line(site, ada) as plain:
        plain.call("ping")  # it has its sink
        monkeypatch.setattr(web_socket, "stream_is_known", lambda stream: False)
        with line(site, ada) as careful:
            careful.call("ping")
            known = [type(connection._sink) for connection in site.ctx.hub.of_user(ada.id)]
            assert known == [StreamSink, MessageSink]
            for one in (plain, careful):
                one.call("hello")
                one.texts.clear()
            texts = ["x" * size for size in (1, 60, 120, 300, 16_000)] + ["ä😀\u2028" * 500]
            for text in texts * 8:
                site.command(ada, "message.post", room=room, nonce=secrets.token_hex(8), text=text)
            site.command(ada, "room.update", room=room, topic="the end")
            for one in (plain, careful):
                while one.event("room")["room"].get("topic") != "the end":
                    pass
            assert plain.texts == careful.texts
            page, same = (one.call("room.changes", room=room, after=0) for one in (plain, careful))
            assert page == same
            assert len(plain.texts[-1]) > 65_536  # its frame has eight bytes of length
            sink = site.ctx.hub.of_user(ada.id)[1]._sink
            sent = sum(len(text.encode()) for text in careful.texts)
            until(lambda: sink.unsent()[0] == 0 and sink.unsent()[1] > sent)
