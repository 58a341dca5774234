"""`[tls] mode = files` in a server of its own: what it starts with, and what it takes over while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chatbox.lan import certificates, pem
from chatbox.settings import Tls
from chatbox.settings_parser import SettingsError, override, parse
from chatbox.tls import CertificateFiles, OwnCertificates
from tests.harness.certificates import TestAuthority, key_pem
from tests.harness.http import Http
from tests.harness.process import Server
from tests.harness.running import on_a_loop

AUTHORITY = TestAuthority()


def settings(certificate: Path, key: Path, mode: str = "files") -> dict[str, str]:
    return {"tls.mode": mode, "tls.certificate": str(certificate), "tls.key": str(key)}


async def ask(server: Server, authority: TestAuthority = AUTHORITY, trusted: str = "") -> bytes:
    """The first line of the answer over TLS, of a client that trusts the authority, or what is `trusted` in
    PEM format. Raises ssl.SSLError where it does not trust the answer."""
    context = authority.trusted()
    if trusted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=trusted)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=context, server_hostname="localhost"
    )
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await reader.readuntil(b"\r\n")
    finally:
        writer.transport.abort()


def lines(server: Server, text: str) -> list[str]:
    return [line for line in server.log.splitlines() if text in line]


@on_a_loop()
async def test_a_new_certificate_is_taken_over_and_a_bad_one_is_not(tmp_path: Path) -> None:
    certificate, key = AUTHORITY.write(tmp_path)
    server = Server(tmp_path, settings(certificate, key))
    await server.start()
    assert lines(server, "HTTPS answers on the same port, for localhost, 127.0.0.1 until 20")
    assert (await ask(server)).startswith(b"HTTP/1.1 200")

    key.write_text("spoilt")
    await server.told("server.key holds no private key in PEM format. The certificate from before is used")
    assert (await ask(server)).startswith(b"HTTP/1.1 200")

    second = TestAuthority("The second")
    second.write(tmp_path)
    await server.told("There is a new certificate, for localhost, 127.0.0.1 until 20")
    assert (await ask(server, second)).startswith(b"HTTP/1.1 200")
    with pytest.raises(ssl.SSLCertVerificationError):
        await ask(server)
    assert await server.stop() == 0
    assert len(lines(server, " WARNING ")) == 1
    assert not [each for each in server.data.iterdir() if each.suffix == ".pem"]  # no copy of the key


@pytest.mark.parametrize("mode", ["files", "required"])
@on_a_loop()
async def test_a_start_with_a_bad_pair_ends_with_2_and_the_reason(tmp_path: Path, mode: str) -> None:
    certificate, key = AUTHORITY.write(tmp_path, ends=-0.5)
    server = Server(tmp_path, settings(certificate, key, mode))
    process = await server.launch()
    assert await process.wait() == 2
    assert lines(server, f"The certificate in {certificate} ended on 20")
    assert "Traceback" not in server.log


async def certificate_of(server: Server) -> str:
    """What the server hands out to be trusted; empty where it has none."""
    http = Http(server.port)
    answer = await http.ask("GET", "/trust/chatbox-ca.crt")
    await http.close()
    return answer.body.decode() if answer.status == 200 else ""


@on_a_loop()
async def test_the_own_authority_is_made_after_the_setup_and_kept(tmp_path: Path) -> None:
    server = Server(tmp_path)
    await server.start()
    assert await certificate_of(server) == ""
    assert not (server.data / "tls").exists()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await ask(server)

    await server.set_up()
    await server.told("HTTPS answers on the same port, for ")
    trusted = await certificate_of(server)
    assert (await ask(server, trusted=trusted)).startswith(b"HTTP/1.1 200")
    with pytest.raises(ssl.SSLCertVerificationError):
        await ask(server)
    fingerprint = certificates.load_authority(server.data).fingerprint  # type: ignore[union-attr]
    assert fingerprint in server.said.replace(f"\n{'':<25}", "")

    assert await server.stop() == 0
    await server.start()
    assert await certificate_of(server) == trusted
    assert (await ask(server, trusted=trusted)).startswith(b"HTTP/1.1 200")
    assert await server.stop() == 0
    server.assert_quiet()
    assert server.said.replace(f"\n{'':<25}", "").count(fingerprint) == 2


@on_a_loop()
async def test_a_start_with_a_damaged_authority_ends_with_2_and_the_reason(tmp_path: Path) -> None:
    server = Server(tmp_path, {"tls.mode": "required"})
    await server.start()
    await server.stop()
    (server.data / "tls/ca.key").write_text("spoilt")
    process = await server.launch()
    assert await process.wait() == 2
    assert lines(server, "ca.key holds no private key in PEM format.")


@on_a_loop()
async def test_a_server_that_requires_encryption_is_set_up_over_it(tmp_path: Path) -> None:
    server = Server(tmp_path, {"tls.mode": "required"})
    await server.start()
    assert (await ask(server, trusted=await certificate_of(server))).startswith(b"HTTP/1.1 200")
    http = Http(server.port)
    assert (await http.command("setup.complete")).status == 307
    await http.close()
    assert await server.stop() == 0


@on_a_loop()
async def test_without_encryption_there_is_no_authority(tmp_path: Path) -> None:
    server = Server(tmp_path, {"tls.mode": "off"})
    await server.start()
    await server.set_up()
    await server.stop()
    await server.start()
    assert await certificate_of(server) == ""
    assert await server.stop() == 0
    assert not (server.data / "tls").exists()


@on_a_loop()
async def test_where_https_is_required_its_address_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path, settings(*AUTHORITY.write(tmp_path), "required"))
    await server.start()
    assert (await ask(server)).startswith(b"HTTP/1.1 200")
    assert await server.stop() == 0
    assert f"     Open  https://127.0.0.1:{server.port}" in server.said


def test_the_mode_that_needs_a_certificate_says_so() -> None:
    with pytest.raises(SettingsError, match=r"\[tls\] mode = files needs \[tls\] certificate"):
        parse([override("tls.mode=files")])
    parse([override("tls.mode=files"), override("tls.certificate=x.pem")])
    parse([override("tls.mode=required")])


class Clock:
    def __init__(self) -> None:
        self.at = pem.now()

    def __call__(self) -> datetime:
        return self.at


class Host:
    """A machine with addresses and a name, for `OwnCertificates`."""

    def __init__(self, folder: Path) -> None:
        self.addresses = ["localhost", "192.168.1.5"]
        self.name: str | None = None
        self.clock = Clock()
        self.own = OwnCertificates(folder, lambda: self.addresses, lambda: self.name, self.clock)

    def issued(self) -> tuple[str, ...]:
        """For which addresses the certificate is; none where there is none."""
        return self.own.pair.addresses if self.own.pair else ()


def test_the_certificate_follows_the_addresses(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert not host.own.look()
    host.name = "Attic"
    assert host.own.look()
    assert host.issued() == ("192.168.1.5",)
    first = host.own.context
    assert not host.own.look()
    host.addresses = ["localhost", "10.0.0.7", "example.com"]
    assert host.own.look()
    assert host.issued() == ("10.0.0.7",)
    assert host.own.context is not first
    assert not host.own.look()


def test_the_certificate_is_renewed_in_time_and_its_authority_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = Host(tmp_path)
    host.name = "Attic"
    host.own.look()
    start, renewals = host.clock.at, 0
    for day in range(3660):
        host.clock.at = start + timedelta(days=day)
        assert host.own.pair is not None
        renewals += host.own.look()
        if day < 3640:
            assert host.clock.at + timedelta(days=9) < host.own.pair.not_after
    assert renewals == 9
    warnings = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert set(warnings) == {warnings[0]}
    assert warnings[0].startswith("The certificate of this server's own authority ends on ")
    assert len(warnings) == 25  # fourteen days before the end, and as long as nobody has seen to it


def test_files_are_read_when_they_have_settled(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate, key = AUTHORITY.write(tmp_path)
    files = CertificateFiles(Tls(certificate="server.pem", key="server.key"), tmp_path)
    first = files.context
    assert not files.look()
    new_certificate, new_key = AUTHORITY.issue(["localhost"])
    certificate.write_text(new_certificate)
    assert not files.look()  # the key may still come
    key.write_text(key_pem(new_key))
    assert not files.look()
    assert files.look()
    assert files.context is not first
    assert files.pair.names == ("localhost",)
    assert not files.look()
    assert not caplog.records


def test_a_file_that_is_gone_keeps_what_was_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate, _ = AUTHORITY.write(tmp_path)
    files = CertificateFiles(Tls(certificate="server.pem", key="server.key"), tmp_path)
    kept = certificate.read_text()
    certificate.unlink()
    assert [files.look() for _ in range(5)] == [False] * 5
    (told,) = caplog.messages
    assert told.endswith("cannot be read: No such file or directory. The certificate from before is used on.")
    certificate.write_text(kept)
    assert [files.look() for _ in range(5)] == [False, True, False, False, False]


def test_a_link_to_another_file_is_followed(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        AUTHORITY.write(folder, [folder.name])
    live = tmp_path / "live"
    live.symlink_to(folders[0])
    files = CertificateFiles(Tls(certificate="live/server.pem", key="live/server.key"), tmp_path)
    (tmp_path / "next").symlink_to(folders[1])
    os.replace(tmp_path / "next", live)
    assert [files.look() for _ in range(2)] == [False, True]
    assert files.pair.names == ("two",)


def test_the_end_is_told_once_a_day_for_two_weeks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    AUTHORITY.write(tmp_path, ends=90)
    clock = Clock()
    files = CertificateFiles(Tls(certificate="server.pem", key="server.key"), tmp_path, clock)
    start = clock.at
    for hours in range(0, 78 * 24, 6):
        clock.at = start + timedelta(hours=hours)
        files.look()
    assert [message.partition(" ends on ")[0] for message in caplog.messages] == [
        f"The certificate in {tmp_path / 'server.pem'}"
    ] * 2
