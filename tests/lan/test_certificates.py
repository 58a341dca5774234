"""The server's own authority: what it may vouch for, what it issues, and how long that lasts."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from chatbox.errors import CertificateError
from chatbox.lan import certificates, pem
from chatbox.lan.certificates import Authority, issue, load_authority, make_authority, save_authority, serves
from tests.harness.certificates import TestAuthority, key_pem

HOSTS = ["localhost", "desk", "desk.local", "desk.school.example", "127.0.0.1", "::1", "192.168.1.5"]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority("Office chat", HOSTS, pem.now())


def leaf_of(pair: pem.Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.pem)


def test_the_authority_is_one_for_ten_years_that_signs_no_other(authority: Authority) -> None:
    found = authority.certificate
    assert isinstance(authority.key.curve, ec.SECP256R1)
    assert authority.name.startswith("Chatbox CA ")
    assert authority.name.endswith(" Office chat")
    assert found.not_valid_before_utc < pem.now() - timedelta(days=2)
    assert timedelta(days=3640) < found.not_valid_after_utc - pem.now() < timedelta(days=3653)
    basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    usage = found.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (True, True, False)


@pytest.mark.parametrize(
    "name",
    ["x" * 60, "Образовательный центр «Восток»", "日" * 60, "😀" * 60],
    ids=["latin", "cyrillic", "han", "emoji"],
)
def test_a_long_name_of_any_script_is_shortened(name: str) -> None:
    shown = make_authority(name, [], pem.now()).name
    assert len(shown.encode()) <= 64
    assert name.startswith(shown.split(" ", 3)[3])


def test_its_name_constraints_are_critical_and_local(authority: Authority) -> None:
    found = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert found.critical
    assert found.value.excluded_subtrees is None
    assert [str(each.value) for each in found.value.permitted_subtrees or ()] == [
        *("local", "lan", "internal", "home.arpa", "localhost", "desk.school.example"),
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8"),
        *("100.64.0.0/10", "fc00::/7", "fe80::/10", "::1/128"),
    ]


@pytest.mark.parametrize(
    "host", ["", ".", ".example", "cloud", "desk", "my pc.example", "büro.example", "*.a"]
)
def test_a_name_that_would_permit_too_much_gets_into_no_authority(host: str) -> None:
    plain = make_authority("x", [], pem.now())
    given = make_authority("x", [host], pem.now())
    assert certificates._constraints(given.certificate, x509.DNSName) == certificates._constraints(
        plain.certificate, x509.DNSName
    )
    assert not given.permits(host)


def test_the_machines_own_public_address_is_permitted_and_its_neighbours_are_not() -> None:
    made = make_authority("x", ["8.8.8.8", "2001:db8::1"], pem.now())
    assert made.permits("8.8.8.8")
    assert not made.permits("8.8.8.9")
    assert not made.permits("2001:db8::1")


@pytest.mark.parametrize(
    ("host", "permitted"),
    [
        ("chatbox.local", True),
        ("a.b.lan", True),
        ("nas.home.arpa", True),
        ("chat.desk.school.example", True),
        ("school.example", False),
        ("evil-desk.school.example", False),
        ("notlocal", False),
        ("x.localhost.example", False),
        ("example.com", False),
        ("desk", False),
        ("10.255.255.255", True),
        ("172.32.0.1", False),
        ("192.169.0.1", False),
        ("100.127.0.1", True),
        ("fd00::2", True),
        ("::2", False),
        ("2001:db8::1", False),
        ("*.local", False),
        ("", False),
    ],
)
def test_what_it_may_vouch_for(authority: Authority, host: str, permitted: bool) -> None:
    assert authority.permits(host) is permitted


def test_a_certificate_holds_what_is_permitted_and_nothing_else(authority: Authority) -> None:
    pair = issue(authority, [*HOSTS, "example.com", "8.8.8.8", "fd00::2"], pem.now())
    assert pair.names == ("desk.local", "desk.school.example", "localhost")
    assert set(pair.addresses) == {"127.0.0.1", "192.168.1.5", "::1", "fd00::2"}
    leaf = leaf_of(pair)
    leaf.verify_directly_issued_by(authority.certificate)
    own = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(own.get_values_for_type(x509.DNSName)) == pair.names
    assert set(own.get_values_for_type(x509.IPAddress)) == {ip_address(each) for each in pair.addresses}
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert leaf.serial_number != leaf_of(issue(authority, HOSTS, pem.now())).serial_number


def test_a_certificate_lives_397_days_and_began_some_days_ago(authority: Authority) -> None:
    now = pem.now()
    leaf = leaf_of(issue(authority, HOSTS, now))
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=397)
    assert timedelta(days=2) < now - leaf.not_valid_before_utc < timedelta(days=4)


@pytest.mark.parametrize(
    ("days", "more", "does"),
    [
        (0, [], True),
        (0, ["example.com"], True),  # it could not be in there anyway
        (0, ["192.168.1.6"], False),
        (0, ["chatbox.local"], False),
        (363, [], True),
        (365, [], False),  # 30 days before the end
        (-4, [], False),  # the clock was set back
    ],
)
def test_when_a_certificate_has_to_be_issued_anew(
    authority: Authority, days: int, more: list[str], does: bool
) -> None:
    pair = issue(authority, HOSTS, pem.now())
    assert serves(pair, authority, [*HOSTS, *more], pem.now() + timedelta(days=days)) is does


def test_a_certificate_ends_with_its_authority_and_serves_until_then(authority: Authority) -> None:
    last = authority.certificate.not_valid_after_utc
    pair = issue(authority, HOSTS, last - timedelta(days=20))
    assert pair.not_after == last
    assert serves(pair, authority, HOSTS, last - timedelta(days=10))


def test_an_authority_is_stored_for_its_owner_only_and_found_again(
    authority: Authority, tmp_path: Path
) -> None:
    assert load_authority(tmp_path) is None
    save_authority(tmp_path, authority)
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "tls/ca.key").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "tls")) == ["ca.crt", "ca.key"]
    found = load_authority(tmp_path)
    assert found is not None
    assert found.der == authority.der
    leaf_of(issue(found, HOSTS, pem.now())).verify_directly_issued_by(authority.certificate)


def test_a_key_without_its_certificate_is_of_no_use(authority: Authority, tmp_path: Path) -> None:
    save_authority(tmp_path, authority)
    (tmp_path / "tls/ca.crt").unlink()  # the program was killed before it wrote that
    assert load_authority(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("ca.key", None, "ca.key cannot be read: No such file"),
        ("ca.key", "spoilt", "ca.key holds no private key"),
        ("ca.key", key_pem(ec.generate_private_key(ec.SECP256R1())), "is not the one of the certificate"),
        ("ca.crt", "spoilt", "ca.crt holds no certificate"),
    ],
)
def test_a_damaged_authority_is_told(
    authority: Authority, tmp_path: Path, name: str, text: str | None, told: str
) -> None:
    save_authority(tmp_path, authority)
    if text is None:
        (tmp_path / "tls" / name).unlink()
    else:
        (tmp_path / "tls" / name).write_text(text)
    with pytest.raises(CertificateError, match=told):
        load_authority(tmp_path)


def test_an_authority_without_constraints_is_not_used(tmp_path: Path) -> None:
    other = TestAuthority()
    save_authority(tmp_path, Authority(other.certificate, other.key))
    with pytest.raises(CertificateError, match="was not made by Chatbox"):
        load_authority(tmp_path)


@pytest.mark.parametrize("name", ["", "x" * 200, "Büro ☕", "a, CN=b"])
def test_any_name_of_a_server_makes_an_authority(name: str) -> None:
    made = make_authority(name, [], pem.now())
    assert len(made.name) <= 64
    assert made.name == f"Chatbox CA {made.name[11:17]} {name}"[:64].rstrip()
