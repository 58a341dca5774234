"""This server's own certificate authority: browsers trust it once a person has installed it, and only here.

Its name constraints (RFC 5280, 4.2.1.10) keep it to names and addresses of local networks, so whoever steals
its key can pose as no site of the internet. The server's own certificate is made anew at each start, and
lives for 397 days, because Apple's devices take none that lives much longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from chatbox import atomic
from chatbox.errors import CertificateError
from chatbox.kinds import read_host
from chatbox.lan import pem

FOLDER = "tls"
CERTIFICATE_FILE, KEY_FILE = "ca.crt", "ca.key"

AUTHORITY_DAYS = 3652
LEAF_DAYS = 397
RENEWED_BEFORE = timedelta(days=30)
BACKDATED = timedelta(days=3)  # clocks are wrong by hours, and by a day where somebody set the date by hand

_DOMAINS = ("local", "lan", "internal", "home.arpa", "localhost")
_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10"),
    *("fc00::/7", "fe80::/10", "::1/128"),
)


class Authority(Struct, frozen=True):
    """The authority, and its key. `der` is the certificate that devices are given."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def name(self) -> str:
        """As devices show it in their lists."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of it, as devices show it."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def thumbprint(self) -> str:
        """SHA-1 of it, the only one that Windows shows; nobody can make another certificate with it."""
        return self.certificate.fingerprint(hashes.SHA1()).hex(":").upper()

    def permits(self, host: str) -> bool:
        """Whether it may vouch for a name or an address. One that it may not would spoil a certificate for
        all the others in it."""
        address = _address(host)
        if address is not None:
            return any(address in network for network in _constraints(self.certificate, x509.IPAddress))
        return _is_name(host) and any(
            _is_below(host, domain) for domain in _constraints(self.certificate, x509.DNSName)
        )


def make_authority(server_name: str, hosts: Iterable[str], now: datetime) -> Authority:
    """A new authority for a server of this name, which may vouch for these names and addresses as well."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _authority_name(server_name, key)
    begins = now - BACKDATED
    certificate = (
        _builder(name, name, key, begins, begins + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(list(_permitted(hosts)), None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue(authority: Authority, hosts: Iterable[str], now: datetime) -> pem.Pair:
    """A certificate for those of these names and addresses that the authority may vouch for."""
    key, issuer = ec.generate_private_key(ec.SECP256R1()), authority.certificate
    permitted = sorted({host for host in hosts if authority.permits(host)})
    names = [host for host in permitted if _address(host) is None]
    addresses = [host for host in permitted if host not in names]
    own: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    own += [x509.IPAddress(ip_address(address)) for address in addresses]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Chatbox")])
    begins = now - BACKDATED
    ends = min(begins + timedelta(days=LEAF_DAYS), issuer.not_valid_after_utc)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    leaf = (
        _builder(subject, issuer.subject, key, begins, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(own), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    together = leaf.public_bytes(Encoding.PEM) + private
    return pem.Pair(together, tuple(names), tuple(addresses), leaf.not_valid_after_utc)


def serves(pair: pem.Pair, authority: Authority, hosts: Iterable[str], now: datetime) -> bool:
    """Whether a certificate still does: it has all that could be in it, and does not end soon."""
    wanted = {host for host in hosts if authority.permits(host)}
    last = authority.certificate.not_valid_after_utc
    ends = pair.not_after - RENEWED_BEFORE if pair.not_after < last else last
    begins = pair.not_after - timedelta(days=LEAF_DAYS)
    return wanted <= {*pair.names, *pair.addresses} and begins <= now < ends


# -- files ---------------------------------------------------------------------------------------------------


def load_authority(folder: Path) -> Authority | None:
    """The authority of a data folder; None where none was made. Raises CertificateError."""
    certificate, key = folder / FOLDER / CERTIFICATE_FILE, folder / FOLDER / KEY_FILE
    if not certificate.exists():
        return None
    found, private = pem.read_own(certificate, key)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not is_own(found):
        raise CertificateError(
            f"{certificate} was not made by Chatbox. Put back the one that was, or remove it."
        )
    return Authority(found, private)


def is_own(certificate: x509.Certificate) -> bool:
    """Whether it is one as `make_authority` makes them: an authority for local names only."""
    return bool(_constraints(certificate, x509.DNSName))


def save_authority(folder: Path, authority: Authority) -> None:
    """Write the authority into a data folder, its key for the owner only. Raises OSError."""
    (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
    key = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    atomic.write_text(folder / FOLDER / KEY_FILE, key.decode())
    certificate = authority.certificate.public_bytes(Encoding.PEM)
    atomic.write_text(folder / FOLDER / CERTIFICATE_FILE, certificate.decode(), mode=0o644)


def replace_authority(folder: Path, authority: Authority) -> Path | None:
    """Put another authority in the place of the one there; gives where that is kept. Raises OSError."""
    own, aside = folder / FOLDER, None
    if (own / CERTIFICATE_FILE).exists():
        mark = f"{pem.now():%Y-%m-%d_%H%M%S}"
        aside = own.rename(folder / f"{FOLDER}-before-{mark}")
    save_authority(folder, authority)
    return aside


# -- parts ---------------------------------------------------------------------------------------------------


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_name(server_name: str, key: ec.EllipticCurvePrivateKey) -> x509.Name:
    """Two authorities never have the same name: clients look them up by it. At most 64 characters (RFC 5280,
    ub-common-name), of which `cryptography` takes each byte of UTF-8 for one."""
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:6]
    name = f"Chatbox CA {mark} {server_name}".encode()[:64].decode(errors="ignore").rstrip()
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _permitted(hosts: Iterable[str]) -> Iterator[x509.GeneralName]:
    """Besides what is local by definition the given hosts, which may be public on a university's network.

    An empty name would permit every name, and one of one part may be a domain of the internet, such as
    .cloud: neither gets in. Public IPv6 addresses change too often to be listed."""
    local = [ip_network(network) for network in _NETWORKS]
    yield from map(x509.DNSName, _DOMAINS)
    for host in sorted(set(hosts)):
        if "." in host and _is_name(host) and not any(_is_below(host, domain) for domain in _DOMAINS):
            yield x509.DNSName(host)
    for network in local:
        yield x509.IPAddress(network)
    for address in map(_address, sorted(set(hosts))):
        if isinstance(address, IPv4Address) and not any(address in network for network in local):
            yield x509.IPAddress(ip_network(address))


def _constraints(certificate: x509.Certificate, kind: type[x509.GeneralName]) -> list[Any]:
    """The networks, or the domains, that an authority may vouch for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return []
    return [each.value for each in found.value.permitted_subtrees or () if isinstance(each, kind)]


def _is_name(host: str) -> bool:
    try:
        return read_host(host) == host and _address(host) is None
    except ValueError:
        return False


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
