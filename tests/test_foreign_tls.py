"""The server's own authority in the hands of foreign clients: what they take with it, and what they refuse.

A certificate for an outside name, signed with the stolen key, must be refused by every one of them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chatbox.lan import certificates, pem
from tests.browser.site import Site
from tests.harness.impostor import Impostor

Command = Callable[[str, int, Path], list[str]]
NODE = """
const [host, port] = process.argv.slice(1);
const checkServerIdentity = (_, certificate) => require('tls').checkServerIdentity(host, certificate);
const there = { host: '127.0.0.1', port, path: '/trust/ping', headers: { Host: host }, checkServerIdentity };
require('https').get(there, (answer) => {
  answer.on('data', (part) => process.stdout.write(part));
}).on('error', (error) => { console.error(error.message); process.exitCode = 1; });
"""
PYTHON = """
import http.client, socket, ssl, sys
host, port, trusted = sys.argv[1:]
context = ssl.create_default_context(cafile=trusted or None)
raw = context.wrap_socket(socket.create_connection(("127.0.0.1", int(port))), server_hostname=host)
raw.sendall(b"GET /trust/ping HTTP/1.1\\r\\nHost: " + host.encode() + b"\\r\\nConnection: close\\r\\n\\r\\n")
while part := raw.recv(65536):
    sys.stdout.buffer.write(part)
"""


class Client(NamedTuple):
    """How a client is called that trusts the authority of a file, and one that does not."""

    trusting: Command
    strange: Command


def _openssl(host: str, port: int, *more: str) -> list[str]:
    kind = "-verify_ip" if host.replace(".", "").isdigit() else "-verify_hostname"
    return [
        *("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-verify_return_error", "-quiet"),
        *(kind, host, *more),
    ]


def _curl(host: str, port: int, *more: str) -> list[str]:
    place = f"{host}:{port}"
    return [
        *("curl", "--silent", "--show-error", "--max-time", "20", "--resolve", f"{place}:127.0.0.1", *more),
        f"https://{place}/trust/ping",
    ]


CLIENTS: dict[str, Client] = {
    "openssl": Client(
        lambda host, port, ca: _openssl(host, port, "-CAfile", str(ca)),
        lambda host, port, ca: _openssl(host, port),
    ),
    "curl": Client(
        lambda host, port, ca: _curl(host, port, "--cacert", str(ca)),
        lambda host, port, ca: _curl(host, port),
    ),
    "node": Client(
        lambda host, port, ca: ["env", f"NODE_EXTRA_CA_CERTS={ca}", "node", "-e", NODE, host, str(port)],
        lambda host, port, ca: ["node", "-e", NODE, host, str(port)],
    ),
    "python": Client(
        lambda host, port, ca: ["python3", "-c", PYTHON, host, str(port), str(ca)],
        lambda host, port, ca: ["python3", "-c", PYTHON, host, str(port), ""],
    ),
}


class Ended(NamedTuple):
    code: int
    said: str


def run(command: list[str]) -> Ended:
    """Run a client to its end; what it said, the answer and its complaints together."""
    environment = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
    request = b"GET /trust/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    done = subprocess.run(
        command, input=request, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env=environment,
        check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout.decode(errors="replace"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that is set up, with an authority of its own."""
    site = Site(tmp_path_factory.mktemp("foreign"), {"server.hosts": "chat.school.example"})
    site.start()
    site.set_up()
    site.run(site.server.told("HTTPS answers on the same port"))
    yield site
    site.close()


@pytest.fixture(scope="module")
def ca(site: Site) -> Path:
    return site.server.data / "tls/ca.crt"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "chat.school.example"])
@pytest.mark.parametrize("client", CLIENTS)
def test_who_trusts_the_authority_takes_the_server(site: Site, ca: Path, client: str, host: str) -> None:
    ended = run(CLIENTS[client].trusting(host, site.server.port, ca))
    assert '{"id":"' in ended.said
    assert ended.code == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_who_does_not_trust_it_refuses_the_server(site: Site, ca: Path, client: str) -> None:
    ended = run(CLIENTS[client].strange("localhost", site.server.port, ca))
    assert ended.code != 0
    assert '{"id":"' not in ended.said


@pytest.fixture(scope="module")
def impostor(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Impostor]:
    """Somebody who has stolen the authority's key."""
    made = Impostor(site, tmp_path_factory.mktemp("impostor"))
    yield made
    made.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_stolen_key_can_pose_as_no_site_outside(impostor: Impostor, ca: Path, client: str) -> None:
    trusting = CLIENTS[client].trusting
    port = impostor.pose_as("nas.lan", "10.0.0.7")
    for host in ("nas.lan", "10.0.0.7"):  # inside it would be believed, so that it is the name that decides
        assert '{"id":"impostor"}' in run(trusting(host, port, ca)).said
    for outside in ("bank.example", "8.8.8.8", "school.example", "local.example"):
        port = impostor.pose_as(outside)
        ended = run(trusting(outside, port, ca))
        assert ended.code != 0, outside
        assert "impostor" not in ended.said
        assert "permitted subtree violation" in ended.said
    port = impostor.pose_as("nas.lan", "bank.example")  # one name outside spoils the whole
    assert run(trusting("nas.lan", port, ca)).code != 0


OLD = ["-cipher", "ALL:@SECLEVEL=0"]
WEAK: dict[str, tuple[list[str], str]] = {  # what a client insists on, and what it is told
    "TLS 1.0": (["-tls1", *OLD], "alert protocol version"),
    "TLS 1.1": (["-tls1_1", *OLD], "alert protocol version"),
    **{
        suites: (["-tls1_2", "-cipher", f"{suites}:@SECLEVEL=0"], "alert handshake failure")
        for suites in ("aNULL", "eNULL", "kRSA", "DHE", "CBC", "SHA1", "CAMELLIA")
    },
}


def insist(site: Site, words: list[str], says: bytes = b"") -> str:
    """What openssl reports of a connection on which it offers this alone, and says that."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{site.server.port}", *words]
    done = subprocess.run(
        command, input=says, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("case", WEAK)
def test_what_is_weak_is_refused(site: Site, case: str) -> None:
    words, told = WEAK[case]
    said = insist(site, words)
    assert told in said
    assert "Cipher is (NONE)" in said


def test_nothing_is_compressed_and_no_client_negotiates_anew(site: Site) -> None:
    said = insist(site, ["-tls1_2", "-comp"], b"R\n")  # R asks for it
    assert "Cipher is ECDHE-ECDSA-AES" in said
    assert "Compression: NONE" in said
    assert "Secure Renegotiation IS supported" in said
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said


def test_pages_are_compressed_over_http_alone(site: Site, ca: Path) -> None:
    heads = {
        scheme: run(
            ["curl", "--silent", "--cacert", str(ca), "--head", "--header", "Accept-Encoding: gzip",
             f"{scheme}://localhost:{site.server.port}/"]
        ).said.lower()
        for scheme in ("http", "https")
    }  # fmt: skip
    assert "content-encoding: gzip" in heads["http"]
    assert "200 ok" in heads["https"]
    assert "content-encoding" not in heads["https"]
    assert "strict-transport-security" not in heads["https"]  # it would bind every port of the name


def test_a_certificate_for_a_name_of_one_part_is_not_issued(site: Site) -> None:
    authority = certificates.load_authority(site.server.data)
    assert authority is not None
    pair = certificates.issue(authority, ["cloud", "localhost"], pem.now())
    assert pair.names == ("localhost",)
