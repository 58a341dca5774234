"""Monitors and balancers get an answer in time, also where the data gives none."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

import pytest

from chatbox.errors import Unavailable
from chatbox.web import health
from tests.web.support import Site


class Silent:
    """Reads that fail when the test says so, and not before."""

    def __init__(self) -> None:
        self.count = 0
        self._last: asyncio.Future[Any]

    def read(self, *_: object, **__: object) -> asyncio.Future[Any]:
        self.count += 1
        self._last = asyncio.get_running_loop().create_future()
        return self._last

    async def fail(self) -> None:
        self._last.set_exception(Unavailable("The data does not answer."))


def test_checks_that_come_while_the_data_is_silent_are_answered_and_read_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    silent = Silent()
    with patch.object(site.ctx.store, "read", silent.read), patch.object(health, "_PATIENCE", 0.05):
        for _ in range(3):
            answer = site.ask("GET", "/readyz")
            assert (answer.status, answer.json) == (503, {"status": "the data cannot be read"})
        assert silent.count == 1
        site.run(silent.fail())
        assert site.ask("GET", "/readyz").status == 503
        assert silent.count == 2
        site.run(silent.fail())
    assert site.ask("GET", "/readyz").json == {"status": "ok"}
    assert not [record for record in caplog.records if record.name == "asyncio"]
