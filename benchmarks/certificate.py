"""A certificate for 127.0.0.1, signed by itself: what the load generator trusts, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

VALID = timedelta(days=365)


class Certificate(NamedTuple):
    """Two PEM files."""

    certificate: Path
    key: Path


def prepare_certificate(folder: Path) -> Certificate:
    """The two files in this folder, made unless they are there already and valid for another day."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    if not made.certificate.exists() or not made.key.exists() or _expires(made.certificate):
        key = ec.generate_private_key(ec.SECP256R1())
        made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        made.key.chmod(0o600)
        made.certificate.write_bytes(_signed(key).public_bytes(Encoding.PEM))
    return made


def _signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Chatbox benchmarks")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )


def _expires(path: Path) -> bool:
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return found.not_valid_after_utc < datetime.now(UTC) + timedelta(days=1)
