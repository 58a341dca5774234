"""The cases of the Autobahn test suite, run by kosoku, against the handler of `/ws` with its own settings.

A route that only these tests have gives every message back; all else is as on `/ws`: how frames are read,
what is refused with which close code, how frames are written, and how connections end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kosoku import FailureError, run_fuzzingclient
from kosoku._kosoku import CaseResult

from chatbox.protocol.frames import text_frame
from chatbox.settings import Limits, Settings
from chatbox.web.socket import Socket
from tests.harness.figures import record
from tests.web.support import Site

PROTOCOL = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
SIZES = ["9.*"]
DEFLATE = ["12.*", "13.*"]
# Messages of 4 MiB in fragments of 64, 256 and 1,024 bytes: more fragments than a message may have.
TOO_MANY_FRAGMENTS = {"9.3.1", "9.3.2", "9.3.3", "9.4.1", "9.4.2", "9.4.3"}
# Those of section 9 whose messages are no longer than 64 KiB.
SMALL = {"9.1.1", "9.2.1", *(f"9.{part}.{case}" for part in (7, 8) for case in range(1, 7))}
AT_ONCE = 4
TRIES = 3  # the suite waits one second for some things, which a busy machine may take


class Echo(Socket):
    """Anybody may come, and hears what they say."""

    async def admit(self) -> None:
        pass

    def on_message(self, message: str | bytes) -> None:
        frame = text_frame(message.encode() if isinstance(message, str) else message)
        if isinstance(message, bytes):
            frame = b"\x82" + frame[1:]
        assert self.connection is not None
        if self.connection.send(frame):
            self.connection.flush(self.ctx.clock.monotonic())


@contextmanager
def echoing(folder: Path, limits: Limits) -> Iterator[str]:
    """A site with these limits and such a route; gives the route's address."""
    site = Site(folder, Settings(limits=limits))
    try:
        site.app.add_handlers(".*", [("/echo", Echo)])
        yield f"ws://127.0.0.1:{site.port}/echo"
    finally:
        site.close()


def run(
    address: str, cases: list[str], without: Iterable[str] = (), tries: int = TRIES
) -> dict[str, CaseResult]:
    """The result of every case; one that fails is tried again, alone."""

    async def fuzz(cases: list[str], at_once: int) -> list[CaseResult]:
        try:
            return await run_fuzzingclient(address, cases, sorted(without), concurrency=at_once)
        except FailureError as error:
            return error.results

    results = {result.case_id: result for result in asyncio.run(fuzz(cases, AT_ONCE))}
    for _ in range(1, tries):
        if again := sorted(failed(results)):
            results |= {result.case_id: result for result in asyncio.run(fuzz(again, 1))}
    return results


def refusals(address: str, cases: list[str], without: Iterable[str] = ()) -> dict[str, int | None]:
    """With which code each case is refused; all must be."""
    results = run(address, cases, without, tries=1)
    assert failed(results).keys() == results.keys()
    return {id: result.remote_close_code for id, result in results.items()}


def assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


def failed(results: dict[str, CaseResult]) -> dict[str, str]:
    return {id: f"{one.result} {one.result_close}" for id, one in results.items() if not one.passed}


def test_the_protocol_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with echoing(tmp_path, Limits()) as address:
        results = run(address, PROTOCOL)
    assert len(results) == 247
    assert failed(results) == {}
    lax = {one.case_id for one in results.values() if one.behavior.value == "NON-STRICT"}
    assert lax <= {"6.4.1", "6.4.2", "6.4.3", "6.4.4"}, "what is not UTF-8 ends the message, not its fragment"
    record("Autobahn cases of the protocol passed", len(results))
    assert_quiet(caplog)


def test_messages_of_any_size_come_back_where_they_may(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with echoing(tmp_path, Limits(frame_bytes=0, messages_per_second=0)) as address:
        results = run(address, SIZES, without=TOO_MANY_FRAGMENTS)
        assert failed(results) == {}
        assert len(results) == 48
        assert refusals(address, sorted(TOO_MANY_FRAGMENTS)) == dict.fromkeys(TOO_MANY_FRAGMENTS, 1009)
    record("Autobahn cases of sizes passed", len(results))
    assert_quiet(caplog)


def test_messages_over_the_usual_limit_are_refused_as_too_big(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with echoing(tmp_path, Limits(messages_per_second=0)) as address:
        assert failed(run(address, sorted(SMALL))) == {}
        refused = refusals(address, SIZES, without=SMALL)
        assert len(refused) == 40
        assert set(refused.values()) == {1009}
    assert_quiet(caplog)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the suite leaves its files to be closed by chance
def test_compression_is_not_taken_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with echoing(tmp_path, Limits()) as address:
        results = run(address, DEFLATE, tries=1)
    assert {one.behavior.value for one in results.values()} == {"UNIMPLEMENTED"}
    assert_quiet(caplog)
