"""Protocol pings, by which dead peers are found."""

from __future__ import annotations

import time

import pytest
from tornado.ioloop import IOLoop

from chatbox.web import socket as web_socket
from tests.web.support import Person, Site
from tests.web.test_floods import PONG, connect, frame


@pytest.mark.parametrize("step", [-86_400, 86_400])
def test_pings_go_on_when_the_clock_is_set(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(web_socket, "PING_SECONDS", 0.3)
    monkeypatch.setattr(web_socket, "PONG_SECONDS", 0.2)
    with connect(site, ada) as raw:
        for round in range(4):
            assert raw.recv(2) == b"\x89\x00"
            raw.sendall(frame(PONG, b""))
            if round == 1:
                monkeypatch.setattr(IOLoop, "time", lambda loop: time.time() + step)


def ping_all(site: Site) -> None:
    async def ask() -> None:
        for connection in site.ctx.hub.connections:
            connection.ping()

    site.run(ask())


def test_everybody_can_be_asked_at_once_and_whoever_is_silent_is_cut_off(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_socket, "PONG_SECONDS", 0.5)
    with connect(site, ada) as there, connect(site, ada) as gone:
        for _ in range(2):  # asked once more before they could answer
            ping_all(site)
        for raw in (there, gone):
            assert raw.recv(100) == b"\x89\x00"
        there.sendall(frame(PONG, b""))
        assert gone.recv(100) == b""
        ping_all(site)
        assert there.recv(100) == b"\x89\x00"
