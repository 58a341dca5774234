"""The server's name on its network: resolved, kept and disputed by machines of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatbox.lan import mdns
from chatbox.settings_file import read
from tests.harness.needs import need, works
from tests.harness.network import Desk, Host, hosts
from tests.harness.process import PASSWORD, ROOT
from tests.harness.running import on_a_loop

DESK, PHONE, OTHER = "192.168.77.2", "192.168.77.3", "192.168.77.4"

# Another machine that has a name, by the library itself, which asks nobody for the name of a host.
HOLD = """
import socket, sys, zeroconf
responder = zeroconf.Zeroconf(interfaces=[sys.argv[2]], ip_version=zeroconf.IPVersion.V4Only)
responder.register_service(zeroconf.ServiceInfo("_http._tcp.local.", "Other._http._tcp.local.", 80,
    addresses=[socket.inet_aton(sys.argv[2])], server=sys.argv[1] + "."))
print("held", flush=True)
sys.stdin.read()
responder.close()
"""


PHONE_ASKS = r"""
import socket, struct, sys
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
labels = b"".join(bytes([len(label)]) + label.encode() for label in sys.argv[1].split("."))
question = labels + b"\0" + struct.pack("!HH", 1, 1)
asking.sendto(struct.pack("!6H", 7, 0, 1, 0, 0, 0) + question, ("224.0.0.251", 5353))
asking.settimeout(1)
try:
    while True:
        answer, (source, port) = asking.recvfrom(9000)
        number, flags, questions, answers = struct.unpack("!4H", answer[:8])
        assert (number, questions, answer[12 : 12 + len(question)], port) == (7, 1, question, 5353)
        at = 12 + len(question)
        for _ in range(answers):
            at += 2 if answer[at] >= 192 else len(labels) + 1
            kind, _, _, size = struct.unpack("!HHIH", answer[at : at + 10])
            if kind == 1:
                print(socket.inet_ntoa(answer[at + 10 : at + 14]))
            at += 10 + size
except TimeoutError:
    pass
"""


@pytest.fixture
def network() -> Iterator[tuple[Host, Host, Host]]:
    """A desk, a phone and another computer on one network."""
    need(works("dig", "-v"), "dig: apt-get install bind9-dnsutils")
    with hosts("desk", "phone", "other") as (desk, phone, other):
        desk.bridge("wlan0", f"{DESK}/24")
        for host, address in ((phone, PHONE), (other, OTHER)):
            host.pair("eth0", f"{address}/24", desk, f"port{address[-1]}")
            desk.ip("link", "set", f"port{address[-1]}", "master", "wlan0")
            host.ip("route", "add", "default", "via", DESK)
        desk.ip("route", "add", "default", "via", PHONE)
        yield desk, phone, other


def resolve(host: Host, name: str) -> list[str]:
    """The addresses that a machine finds by asking everybody on its network, as phones do: from a port of its
    own (RFC 6762, 6.7), in plain DNS."""
    return host.run(sys.executable, "-c", PHONE_ASKS, name).split()


def resolves(host: Host, name: str) -> list[str]:
    """The same, patiently: announcing takes a moment."""
    for _ in range(15):
        if found := resolve(host, name):
            return found
    return []


def dig(host: Host, name: str) -> list[str]:
    """The addresses that a foreign resolver is told by the desk; it takes answers only from whom it asked."""
    words = ["dig", "+short", "+tries=2", "+time=2", "-p", "5353", f"@{DESK}", name, "A"]
    done = subprocess.run(host.words(*words), capture_output=True, text=True, timeout=30, check=False)
    return [line for line in done.stdout.splitlines() if line[0].isdigit()]


@contextmanager
def held(host: Host, name: str, address: str) -> Iterator[None]:
    """Have another machine answer for a name."""
    with subprocess.Popen(
        host.words(sys.executable, "-c", HOLD, name, address),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield


def get(host: Host, url: str, *words: str) -> str:
    return host.run("curl", "-s", "--max-time", "20", *words, url)


@on_a_loop()
async def test_a_foreign_resolver_on_another_machine_finds_the_name_until_the_server_ends(
    tmp_path: Path, network: tuple[Host, Host, Host]
) -> None:
    desk, phone, _ = network
    desk.bridge("docker0", "172.17.0.1/16")
    server = Desk(tmp_path, desk)
    await server.start()
    assert f"http://{DESK}:8642   or   http://chatbox.local:8642\n" in server.said, server.said
    assert resolves(phone, "chatbox.local") == [DESK]  # and not that of Docker
    assert dig(phone, "chatbox.local") == [DESK]
    there = ("--resolve", f"chatbox.local:8642:{DESK}")
    assert "Chatbox" in get(phone, "http://chatbox.local:8642/", *there)
    assert await server.stop() == 0
    assert resolve(phone, "chatbox.local") == []
    server.assert_quiet()


@on_a_loop()
async def test_the_certificate_holds_the_name(tmp_path: Path, network: tuple[Host, Host, Host]) -> None:
    desk, phone, _ = network
    server = Desk(tmp_path, desk)
    await server.start()
    set_up(server, tmp_path)
    await server.told("HTTPS answers on the same port, for chatbox.local, ")
    there = ("--resolve", f"chatbox.local:8642:{DESK}", "--cacert", str(server.data / "tls/ca.crt"))
    assert '{"id":' in get(phone, "https://chatbox.local:8642/trust/ping", *there)
    assert await server.stop() == 0


@on_a_loop()
async def test_a_first_start_takes_a_name_that_nobody_has_and_keeps_it(
    tmp_path: Path, network: tuple[Host, Host, Host]
) -> None:
    desk, phone, other = network
    server = Desk(tmp_path, desk)
    with held(other, "chatbox.local", OTHER):
        await server.start()
        assert (
            "Another machine is chatbox.local; this one is chatbox-2.local (saved in chatbox.ini)."
            in server.log
        )
        assert resolves(phone, "chatbox-2.local") == [DESK]
        assert await server.stop() == 0
        assert [(item.key, item.value) for item in read(server.data / "chatbox.ini").items if item.value] == [
            ("local_name", "chatbox-2")
        ]
    await server.start()  # the other is gone, and others have been told the name
    assert "http://chatbox-2.local:8642" in server.said
    assert resolves(phone, "chatbox-2.local") == [DESK]
    assert resolve(phone, "chatbox.local") == []
    assert await server.stop() == 0
    server.assert_quiet()


@on_a_loop()
async def test_a_later_start_never_takes_another_name_but_tells_the_admin(
    tmp_path: Path, network: tuple[Host, Host, Host]
) -> None:
    desk, phone, other = network
    server = Desk(tmp_path, desk)
    server.expected = ("another machine",)
    await server.start()
    token = set_up(server, tmp_path)
    assert await server.stop() == 0
    with held(other, "chatbox.local", OTHER):
        await server.start()
        await server.told(f"another machine ({OTHER}) answers for chatbox.local: give the others the address")
        assert resolve(phone, "chatbox.local") == [OTHER]
        notice = await until_noticed(desk, token)
        assert (notice["kind"], notice["name"], notice["address"]) == ("local_name", "chatbox.local", OTHER)
        assert "chatbox.local" not in get(desk, "http://127.0.0.1:8642/", "-D", "-", "-o", "/dev/null")
        assert await server.stop() == 0


@on_a_loop()
async def test_whoever_takes_the_name_later_is_told_and_does_not_get_it_from_us(
    tmp_path: Path, network: tuple[Host, Host, Host]
) -> None:
    desk, phone, other = network
    server = Desk(tmp_path, desk)
    server.expected = ("another machine",)
    server.hurry()
    await server.start()
    assert resolves(phone, "chatbox.local") == [DESK]
    with held(other, "chatbox.local", OTHER):
        await server.told(f"another machine ({OTHER}) answers for chatbox.local")
        assert DESK in dig(phone, "chatbox.local")
    await server.says("chatbox.local is this server's alone again.")
    assert await server.stop() == 0


@on_a_loop()
async def test_an_address_that_goes_while_it_is_asked_about_is_no_other_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[frozenset[str]] = []
    watched = asyncio.Event()
    here = {DESK}

    async def asked(*_: object) -> set[str]:
        here.clear()
        here.add(OTHER)  # the router gives this machine another address just now
        watched.set()
        return {DESK}

    name = mdns.LocalName("chatbox.local", 8642, "Attic", list, told.append)
    monkeypatch.setattr(mdns.LocalName, "ours", True)
    monkeypatch.setattr(mdns, "every_address", lambda: set(here))
    monkeypatch.setattr(mdns, "who_answers", asked)
    keeping = asyncio.create_task(name.keep())
    await watched.wait()
    await asyncio.sleep(0)
    keeping.cancel()
    assert told == []


@on_a_loop()
async def test_where_it_is_switched_off_nothing_is_announced(
    tmp_path: Path, network: tuple[Host, Host, Host]
) -> None:
    server = Desk(tmp_path, network[0], {"server.local_name": ""})
    await server.start()
    assert ".local" not in server.said
    assert resolve(network[1], "chatbox.local") == []
    assert await server.stop() == 0


def set_up(server: Desk, folder: Path) -> str:
    """Make an admin on the command line; gives a token of hers."""
    (folder / "password").write_text(PASSWORD)
    server.command_line("user", "add", "ada", "--admin", "--password-file", str(folder / "password"))
    return server.command_line("user", "token", "ada", "--label", "test").splitlines()[0]


async def until_noticed(host: Host, token: str) -> dict[str, str]:
    """The notice that the admin finds."""
    for _ in range(100):
        head = ("-H", f"Authorization: Bearer {token}", "-d", "{}")
        me = json.loads(get(host, "http://127.0.0.1:8642/api/hello", *head))["me"]
        if "notice" in me:
            found: dict[str, str] = me["notice"]
            return found
    raise AssertionError("there is no notice")
