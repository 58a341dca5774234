"""The port: what a first start takes instead, what is said where none is to be had, and port 80."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chatbox.errors import NetworkError
from chatbox.settings import Settings
from chatbox.settings_parser import override, parse
from chatbox.web import listener as web_listener
from chatbox.web import ports
from chatbox.web.listener import Listener
from chatbox.web.ports import explain, listen
from tests.harness.needs import need
from tests.web.support import Site

INI = Path("chatbox.ini")
HERE = "127.0.0.1"


def settings(port: int, host: str = HERE) -> Settings:
    return parse([], [override(f"server.host={host}"), override(f"server.port={port}")])


@contextmanager
def taken(*busy: int) -> Iterator[None]:
    """Have another program at these ports."""
    with ExitStack() as stack:
        for port in busy:
            other = stack.enter_context(socket.create_server((HERE, port)))
            assert other.getsockname()[1] == port
        yield


def row_of_ports() -> int:
    """The first of twelve ports that are free; each process of the tests looks in another place."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for start in range(20_000 + 1000 * process, 60_000, 20):
        with ExitStack() as stack:
            try:
                for port in range(start, start + 12):
                    stack.enter_context(socket.create_server((HERE, port)))
            except OSError:
                continue
            return start
    raise AssertionError("no twelve ports in a row are free")


def listened(port: int, spare: int = 0) -> int:
    """The port that is taken."""
    sockets = listen(settings(port), INI, spare)
    found: int = sockets[0].getsockname()[1]
    for each in sockets:
        each.close()
    return found


def test_the_port_of_the_settings_is_taken_where_it_is_free() -> None:
    start = row_of_ports()
    assert listened(start, spare=10) == start


def test_a_first_start_takes_the_next_free_one() -> None:
    start = row_of_ports()
    with taken(start, start + 1, start + 2):
        assert listened(start, spare=10) == start + 3


def test_after_ten_it_gives_up_and_speaks_of_its_own() -> None:
    start = row_of_ports()
    with taken(*range(start, start + 11)), pytest.raises(NetworkError, match=f"port {start} is already used"):
        listened(start, spare=10)


def test_a_later_start_does_not_move() -> None:
    start = row_of_ports()
    with taken(start), pytest.raises(NetworkError) as refused:
        listened(start)
    assert refused.value.exit_code == 3
    assert f"[server] port = {start + 1}" in str(refused.value)


def test_a_port_that_one_of_the_addresses_lacks_is_given_back_on_the_others() -> None:
    start = row_of_ports()
    both = parse([], [override("server.host=127.0.0.2, 127.0.0.1"), override(f"server.port={start}")])
    with taken(start):
        (first, second) = listen(both, INI, 1)
        assert first.getsockname() == ("127.0.0.2", start + 1)
        assert second.getsockname() == (HERE, start + 1)
        first.close()
        second.close()
        socket.create_server(("127.0.0.2", start)).close()


@pytest.mark.parametrize("hosts", ["::", "::, 0.0.0.0"])
def test_every_address_is_every_address(hosts: str) -> None:
    need(socket.has_ipv6 and Path("/proc/net/if_inet6").exists(), "IPv6")
    sockets = listen(parse([], [override(f"server.host={hosts}"), override("server.port=0")]), INI)
    port = sockets[0].getsockname()[1]
    for address in (HERE, "::1"):
        socket.create_connection((address, port), timeout=20).close()
    for each in sockets:
        each.close()


RESERVED = OSError(errno.EACCES, "Permission denied")
RESERVED.winerror = 10013  # type: ignore[attr-defined]  # as on Windows


@pytest.mark.parametrize(
    ("error", "system", "said"),
    [
        (
            OSError(errno.EADDRINUSE, ""),
            "linux",
            ("already used", "lsof -i :8642", "port = 8643", "address of"),
        ),
        (OSError(errno.EADDRINUSE, ""), "win32", ("already used", "netstat -ano | findstr :8642", "8643")),
        (RESERVED, "win32", ("Windows does not allow port 8642", "excludedportrange", "port = 8643")),
        (OSError(10013, ""), "win32", ("Windows does not allow port 8642", "excludedportrange")),
        (OSError(errno.EACCES, ""), "linux", ("Port 8642 needs permission", "above 1023")),
        (OSError(errno.EADDRNOTAVAIL, ""), "linux", ("127.0.0.9 is no address of this machine", "--host")),
        (OSError(errno.ENOBUFS, "No room"), "linux", ("127.0.0.9 port 8642 cannot be listened on: No room",)),
    ],
)
def test_each_hindrance_comes_with_its_remedy(error: OSError, system: str, said: tuple[str, ...]) -> None:
    text = explain(error, "127.0.0.9", 8642, INI, system)
    assert all(part in text for part in said), text


# -- port 80 -------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, parse([], [override("server.host=127.0.0.1, 0.0.0.0")]))
    yield made
    made.close()


@contextmanager
def short_way(site: Site, port: int, short: int) -> Iterator[bool]:
    """Open it; gives whether there is one."""

    async def open_it() -> Listener | None:
        return ports.open_short_way(site.edge, port, site._listener, short)

    async def close_it() -> None:
        if listener is not None:
            listener.stop()
            await listener.close_all_connections()

    listener = site.run(open_it())
    yield listener is not None
    site.run(close_it())


@pytest.mark.parametrize(
    ("target", "host", "location"),
    [
        ("/", "192.168.1.5", "http://192.168.1.5:8642/"),
        ("/trust?x=1", "192.168.1.5:80", "http://192.168.1.5:8642/trust?x=1"),
        ("/", "[fd00::5]", "http://[fd00::5]:8642/"),
        ("//evil.example/", "localhost", "http://localhost:8642//evil.example/"),
        ("http://evil.example/x", "localhost", "http://localhost:8642/"),
    ],
)
def test_whoever_leaves_the_port_out_is_led_to_it(site: Site, target: str, host: str, location: str) -> None:
    short = row_of_ports()
    with short_way(site, 8642, short) as there:
        assert there
        answer = site.ask("GET", target, headers={"Host": host}, port=short)
    assert (answer.status, answer.headers["location"]) == (307, location)
    assert answer.headers["cache-control"] == "no-store"


def test_it_leads_nobody_who_asks_for_another_server_and_does_nothing_else(site: Site) -> None:
    short = row_of_ports()
    with short_way(site, 8642, short):
        assert site.ask("GET", "/", headers={"Host": "evil.example"}, port=short).status == 421
        assert site.ask("POST", "/api/ping", {}, port=short).status == 405


def test_its_connections_count_where_the_system_takes_so_many(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows' select fails for good where both together have more than it takes."""
    monkeypatch.setattr(web_listener, "SELECT_HAS_ROOM_FOR", 3)
    short = row_of_ports()
    with short_way(site, 8642, short), ExitStack() as held:
        for port in (short, short, site.port):
            one = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 ")
        for port in (short, site.port):
            assert site.ask("GET", "/", port=port).status == 503


def test_a_port_that_is_taken_is_no_error(site: Site) -> None:
    short = row_of_ports()
    with taken(short), short_way(site, 8642, short) as there:
        assert not there


@pytest.mark.parametrize(
    "given", [("server.short_address=no",), ("server.host=127.0.0.1",), ("server.port=80",)]
)
def test_it_is_off_where_it_is_not_wanted_or_nobody_could_come(
    tmp_path: Path, given: tuple[str, ...]
) -> None:
    made = Site(tmp_path, parse([], [override(each) for each in given]))
    short = row_of_ports()
    try:
        with short_way(made, short if given == ("server.port=80",) else 8642, short) as there:
            assert not there
    finally:
        made.close()
