"""Certificates and keys from PEM files (RFC 7468), checked before they are used."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from chatbox.errors import CertificateError

# A block ends before the next begins: else a file of beginnings alone would be read through for each.
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----BEGIN ).)*?-----END \1-----", re.DOTALL)
_ANY_USE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
_LARGEST = 2**20  # bytes of a file
# What browsers know, without what is weak by now (RFC 9325, 4.2); TLS 1.3 has no weak ones.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


class Pair(Struct, frozen=True):
    """A certificate that fits its key. `pem` holds both, the server's own certificate before the others."""

    pem: bytes
    names: tuple[str, ...]  # DNS names, lower case; may hold wildcards
    addresses: tuple[str, ...]
    not_after: datetime

    @property
    def shown(self) -> str:
        """For whom it is, and how long, for a person."""
        return f"{', '.join((*self.names, *self.addresses))} until {self.not_after:%Y-%m-%d}"


def read_pair(certificate: Path, key: Path, now: datetime) -> Pair:
    """Read a certificate with its key, which may be in one file. Raises CertificateError."""
    chain = _certificates(certificate)
    leaf = _owned(chain, certificate, _private_key(key), key)
    _check_dates(leaf, certificate, now)
    names, addresses = _hosts(leaf, certificate)
    _check_use(leaf, certificate)
    ordered = [leaf, *(found for found in chain if found is not leaf)]
    blocks = [each.public_bytes(Encoding.PEM) for each in ordered]
    return Pair(b"".join([*blocks, _key_block(key)]), names, addresses, leaf.not_valid_after_utc)


def read_own(certificate: Path, key: Path) -> tuple[x509.Certificate, Key]:
    """Read a certificate with its key, whatever it is for. Raises CertificateError."""
    private = _private_key(key)
    return _owned(_certificates(certificate), certificate, private, key), private


def make_context(pair: Pair, folder: Path) -> ssl.SSLContext:
    """What connections are encrypted with. OpenSSL reads keys from files only, so one is made in the folder
    for a moment. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    handle, name = tempfile.mkstemp(prefix=".tls-", suffix=".pem", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pair.pem)
        context.load_cert_chain(name)
    except ssl.SSLError as error:
        reason = (error.reason or "unknown").replace("_", " ").lower()
        raise CertificateError(f"The certificate cannot be used: OpenSSL says {reason}.") from error
    finally:
        os.unlink(name)
    return context


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}.") from error


def _certificates(path: Path) -> list[x509.Certificate]:
    raw = _read(path)
    blocks = [found[0] for found in _BLOCK.finditer(raw) if found[1].endswith(b"CERTIFICATE")]
    if not blocks:
        if raw[:1] == b"\x30":  # a sequence of ASN.1
            raise CertificateError(
                f"{path} is not in PEM format, but in DER or PKCS#12. Convert it: "
                "openssl x509 -inform der -in FILE -out FILE.pem"
            )
        raise CertificateError(f"{path} holds no certificate in PEM format.")
    try:
        return [x509.load_pem_x509_certificate(block) for block in blocks]
    except ValueError as error:
        raise CertificateError(f"{path} holds a certificate that is damaged.") from error


def _key_block(path: Path) -> bytes:
    for found in _BLOCK.finditer(_read(path)):
        if found[1].endswith(b"PRIVATE KEY"):
            return found[0] + b"\n"
    raise CertificateError(f"{path} holds no private key in PEM format.")


def _private_key(path: Path) -> Key:
    try:
        found = load_pem_private_key(_key_block(path), None)
    except TypeError as error:
        raise CertificateError(
            f"The key in {path} is protected by a password, which nobody could type at a start. Write it "
            "without one: openssl pkey -in FILE -out FILE.key"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{path} holds a private key that is damaged.") from error
    if not isinstance(found, Key):
        raise CertificateError(f"The key in {path} is of a kind that browsers do not know.")
    return found


def _owned(chain: list[x509.Certificate], path: Path, private: Key, key: Path) -> x509.Certificate:
    """The certificate that the key belongs to, wherever it stands."""
    wanted = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for found in chain:
        if _public_bytes(found) == wanted:
            return found
    raise CertificateError(f"The key in {key} is not the one of the certificate in {path}.")


def _public_bytes(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _check_dates(leaf: x509.Certificate, path: Path, now: datetime) -> None:
    if now > leaf.not_valid_after_utc:
        raise CertificateError(f"The certificate in {path} ended on {leaf.not_valid_after_utc:%Y-%m-%d}.")
    if now < leaf.not_valid_before_utc:
        raise CertificateError(
            f"The certificate in {path} begins on {leaf.not_valid_before_utc:%Y-%m-%d}, and this computer's "
            f"clock says {now:%Y-%m-%d}."
        )


def _check_use(leaf: x509.Certificate, path: Path) -> None:
    uses = _extension(leaf, x509.ExtendedKeyUsage, path)
    if uses is not None and not {ExtendedKeyUsageOID.SERVER_AUTH, _ANY_USE}.intersection(uses):
        raise CertificateError(f"The certificate in {path} is not meant for servers.")


def _hosts(leaf: x509.Certificate, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = _extension(leaf, x509.SubjectAlternativeName, path)
    names = tuple(name.lower() for name in found.get_values_for_type(x509.DNSName)) if found else ()
    addresses = tuple(map(str, found.get_values_for_type(x509.IPAddress))) if found else ()
    if not names and not addresses:
        raise CertificateError(
            f"The certificate in {path} names no server (it has no subject alternative name), and browsers "
            "accept none such."
        )
    return names, addresses


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _extension(leaf: x509.Certificate, kind: type[_Extension], path: Path) -> _Extension | None:
    try:
        return leaf.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateError(f"{path} holds a certificate that is damaged.") from error


def now() -> datetime:
    """The time that certificates are checked against."""
    return datetime.now(UTC)
