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
