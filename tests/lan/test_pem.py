"""Certificates and keys from files: what is taken, and what each bad pair is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from chatbox.errors import CertificateError
from chatbox.lan.pem import make_context, now, read_pair
from tests.harness.certificates import TestAuthority, key_pem

AUTHORITY = TestAuthority()
BROKEN = "-----BEGIN {0}-----\nAAAA{1}\n-----END {0}-----\n"


class Files:
    """A good pair, for a test to spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate, self.key = AUTHORITY.write(folder)

    def load(self) -> None:
        make_context(read_pair(self.certificate, self.key, now()), self.folder)


def _missing(files: Files) -> None:
    files.certificate.unlink()


def _key_missing(files: Files) -> None:
    files.key.unlink()


def _folder(files: Files) -> None:
    files.certificate = files.folder


def _empty(files: Files) -> None:
    files.certificate.write_text("")


def _text(files: Files) -> None:
    files.certificate.write_text("my certificate\n")


def _der(files: Files) -> None:
    files.certificate.write_bytes(bytes.fromhex("308201f1308201"))


def _swapped(files: Files) -> None:
    files.certificate, files.key = files.key, files.certificate


def _cut_off(files: Files) -> None:
    files.certificate.write_text(files.certificate.read_text()[:300])


def _beginnings(files: Files) -> None:
    """For which a reader that looks for the end of each takes minutes."""
    files.certificate.write_text("-----BEGIN CERTIFICATE-----\n" * 2**15)


def _damaged(files: Files) -> None:
    files.certificate.write_text(BROKEN.format("CERTIFICATE", "not base64!"))


def _key_damaged(files: Files) -> None:
    files.key.write_text(BROKEN.format("PRIVATE KEY", "AAAA"))


def _no_key(files: Files) -> None:
    files.key = files.certificate


def _password(files: Files) -> None:
    _, key = AUTHORITY.issue()
    files.key.write_text(key_pem(key, "lantern"))


def _other_key(files: Files) -> None:
    files.key.write_text(key_pem(ec.generate_private_key(ec.SECP256R1())))


def _odd_key(files: Files) -> None:
    files.key.write_text(key_pem(x25519.X25519PrivateKey.generate()))


def _ended(files: Files) -> None:
    AUTHORITY.write(files.folder, begins=-10, ends=-1)


def _not_yet(files: Files) -> None:
    AUTHORITY.write(files.folder, begins=2)


def _nameless(files: Files) -> None:
    AUTHORITY.write(files.folder, hosts=())


def _for_clients(files: Files) -> None:
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    AUTHORITY.write(files.folder, extensions=[uses])


def _weak(files: Files) -> None:
    AUTHORITY.write(files.folder, key=rsa.generate_private_key(65537, 1024))


BAD: list[tuple[Callable[[Files], None], str]] = [
    (_missing, "server.pem cannot be read: No such file or directory."),
    (_key_missing, "server.key cannot be read: No such file or directory."),
    (_folder, "cannot be read: Is a directory."),
    (_empty, "server.pem holds no certificate in PEM format."),
    (_text, "server.pem holds no certificate in PEM format."),
    (_der, "server.pem is not in PEM format, but in DER or PKCS#12. Convert it: openssl x509"),
    (_swapped, "server.key holds no certificate in PEM format."),
    (_cut_off, "server.pem holds no certificate in PEM format."),
    (_beginnings, "server.pem holds no certificate in PEM format."),
    (_damaged, "server.pem holds a certificate that is damaged."),
    (_key_damaged, "server.key holds a private key that is damaged."),
    (_no_key, "server.pem holds no private key in PEM format."),
    (_password, "server.key is protected by a password, which nobody could type at a start."),
    (_other_key, "is not the one of the certificate in"),
    (_odd_key, "server.key is of a kind that browsers do not know."),
    (_ended, "server.pem ended on 20"),
    (_not_yet, "and this computer's clock says 20"),
    (_nameless, "server.pem names no server (it has no subject alternative name)"),
    (_for_clients, "server.pem is not meant for servers."),
    (_weak, "The certificate cannot be used: OpenSSL says ee key too small."),
]


@pytest.mark.parametrize(("spoil", "told"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_pair_is_refused_with_a_sentence(
    tmp_path: Path, spoil: Callable[[Files], None], told: str
) -> None:
    files = Files(tmp_path)
    files.load()
    spoil(files)
    with pytest.raises(CertificateError) as caught:
        files.load()
    assert told in str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_key_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.key.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(CertificateError, match="cannot be read: Permission denied"):
            files.load()
    finally:
        os.seteuid(user)


def test_the_certificate_may_come_after_its_authoritys_and_the_key(tmp_path: Path) -> None:
    pem, key = AUTHORITY.issue(["Chat.Example", "192.168.1.5"])
    path = tmp_path / "all.pem"
    path.write_text(f"Bag Attributes\n{key_pem(key)}\n{AUTHORITY.pem}\n{pem}")
    pair = read_pair(path, path, now())
    assert pair.names == ("chat.example",)
    assert pair.addresses == ("192.168.1.5",)
    blocks = [block.partition("-----")[0] for block in pair.pem.decode().split("-----BEGIN ")[1:]]
    assert blocks == ["CERTIFICATE", "CERTIFICATE", "PRIVATE KEY"]
    assert pair.pem.decode().startswith(pem)
    make_context(pair, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["all.pem"]  # the key is nowhere else


@pytest.mark.parametrize("kind", ["rsa:2048", "ec", "ed25519"])
def test_what_openssl_makes_is_taken(tmp_path: Path, kind: str) -> None:
    new = ["-newkey", kind, *(["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else [])]
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", *new, "-subj", "/CN=x", "-days", "30",
         "-addext", "subjectAltName=DNS:chat.example", "-out", certificate, "-keyout", key],
        check=True, capture_output=True,
    )  # fmt: skip
    make_context(read_pair(certificate, key, now()), tmp_path)
