"""Who goes away at an odd moment."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from chatbox.web import socket as web_socket
from tests.web.socket_support import line
from tests.web.support import Person, Site


def test_who_is_gone_before_the_handshake_is_answered_leaves_no_trace(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = web_socket.Socket.open

    def open_too_late(self: web_socket.Socket) -> None:
        assert self.ws_connection is not None
        assert self.ws_connection.stream is not None
        self.ws_connection.stream.close()
        whole(self)

    monkeypatch.setattr(web_socket.Socket, "open", open_too_late)
    with pytest.raises((ConnectionClosed, InvalidHandshake, EOFError, OSError)), line(site, ada) as there:
        there.call("ping")
    monkeypatch.undo()
    with line(site, ada) as there:
        there.call("ping")
    assert "failed" not in caplog.text
