"""`[tls] mode = files` in a server of its own: what it starts with, and what it takes over while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chatbox.lan import pem
from chatbox.settings import SettingsError, Tls, override, parse
from chatbox.tls import CertificateFiles
from tests.harness.certificates import TestAuthority, key_pem
from tests.harness.process import STARTS_WITHIN, Server
from tests.harness.running import on_a_loop

AUTHORITY = TestAuthority()


def settings(certificate: Path, key: Path, mode: str = "files") -> dict[str, str]:
    return {"tls.mode": mode, "tls.certificate": str(certificate), "tls.key": str(key)}


async def ask(server: Server, authority: TestAuthority = AUTHORITY) -> bytes:
    """The first line of the answer over TLS. Raises ssl.SSLError where the authority did not sign."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=authority.trusted(), server_hostname="localhost"
    )
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await reader.readuntil(b"\r\n")
    finally:
        writer.transport.abort()


def lines(server: Server, text: str) -> list[str]:
    return [line for line in server.log.splitlines() if text in line]


async def told(server: Server, text: str) -> None:
    """Wait until the log says so."""
    async with asyncio.timeout(STARTS_WITHIN):
        while True:
            if lines(server, text):
                return
            await asyncio.sleep(0.05)


@on_a_loop()
async def test_a_new_certificate_is_taken_over_and_a_bad_one_is_not(tmp_path: Path) -> None:
    certificate, key = AUTHORITY.write(tmp_path)
    server = Server(tmp_path, settings(certificate, key))
    await server.start()
    assert lines(server, "HTTPS answers on the same port: for localhost, 127.0.0.1 until 20")
    assert (await ask(server)).startswith(b"HTTP/1.1 200")

    key.write_text("spoilt")
    await told(server, "server.key holds no private key in PEM format. The certificate from before is used")
    assert (await ask(server)).startswith(b"HTTP/1.1 200")

    second = TestAuthority("The second")
    second.write(tmp_path)
    await told(server, "There is a new certificate: for localhost, 127.0.0.1 until 20")
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


@on_a_loop()
async def test_where_https_is_required_its_address_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path, settings(*AUTHORITY.write(tmp_path), "required"))
    await server.start()
    assert (await ask(server)).startswith(b"HTTP/1.1 200")
    assert await server.stop() == 0
    assert f"On this computer:   https://127.0.0.1:{server.port}" in server.said


@pytest.mark.parametrize("mode", ["files", "required"])
def test_a_mode_that_needs_a_certificate_says_so(mode: str) -> None:
    with pytest.raises(SettingsError, match=rf"\[tls\] mode = {mode} needs \[tls\] certificate"):
        parse([override(f"tls.mode={mode}")])
    parse([override(f"tls.mode={mode}"), override("tls.certificate=x.pem")])


class Clock:
    def __init__(self) -> None:
        self.at = pem.now()

    def __call__(self) -> datetime:
        return self.at


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
