"""Certificates for tests, made on the spot: from a test's own authority, or wrong in one way."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

LOCAL = ("127.0.0.1", "localhost")


class TestAuthority:
    """An authority that signs whatever it is asked to."""

    __test__ = False

    def __init__(self, name: str = "An authority of a test") -> None:
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self.name, self.name, self.key, -1, 3650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self, hosts: Sequence[str] = LOCAL, *, key: Any = None, begins: float = -1, ends: float = 90,
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> tuple[str, Any]:  # fmt: skip
        """A certificate in PEM format that begins and ends so many days from now, and its key."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server of a test")])
        builder = _builder(subject, self.name, key, begins, ends)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode(), key

    def write(self, folder: Path, hosts: Sequence[str] = LOCAL, **fields: Any) -> tuple[Path, Path]:
        """Issue a certificate into `server.pem` and `server.key`; gives both paths."""
        certificate, key = folder / "server.pem", folder / "server.key"
        pem, private = self.issue(hosts, **fields)
        certificate.write_text(pem)
        key.write_text(key_pem(private))
        return certificate, key

    def trusted(self) -> ssl.SSLContext:
        """What a client uses that trusts this authority, and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.pem)
        return context


def key_pem(key: Any, password: str = "") -> str:
    """A private key in PEM format."""
    hidden: KeySerializationEncryption = (
        BestAvailableEncryption(password.encode()) if password else NoEncryption()
    )
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)
    return pem.decode()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, begins: float, ends: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
    )


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names
