"""The security key as a file: locked, unlocked, and what is none."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest

from chatbox.errors import Invalid
from chatbox.lan import pem, security_key
from chatbox.lan.certificates import Authority, make_authority
from chatbox.lan.security_key import lock, unlock
from tests.harness.certificates import TestAuthority

PASSWORD = "plum-trout-lantern-9"


@pytest.fixture(scope="module", autouse=True)
def quick() -> object:
    """What takes a second elsewhere takes none here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(security_key, "_MEMORY", 64)
        patch.setattr(security_key, "_PASSES", 1)
        yield


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority("Office chat", ["localhost"], pem.now())


@pytest.fixture(scope="module")
def text(authority: Authority) -> str:
    return lock(authority, PASSWORD)


def block(raw: bytes) -> str:
    begin, end = (f"-----{word} CHATBOX SECURITY KEY-----\n" for word in ("BEGIN", "END"))
    return f"{begin}{b64encode(raw).decode()}\n{end}"


def test_what_was_locked_is_unlocked_with_its_password(authority: Authority, text: str) -> None:
    found = unlock(text, PASSWORD, pem.now())
    assert found.fingerprint == authority.fingerprint
    assert found.key.private_numbers() == authority.key.private_numbers()


def test_the_file_says_what_it_is_for_and_holds_nothing_in_the_open(authority: Authority, text: str) -> None:
    assert text.startswith(f"This is the security key of a Chatbox server: {authority.name}\n")
    assert "chatbox security-key use FILE" in text
    assert "PRIVATE KEY" not in text
    assert text != lock(authority, PASSWORD)


def test_line_ends_and_words_around_it_do_no_harm(authority: Authority, text: str) -> None:
    mailed = "Hello,\r\n\r\n" + text.replace("\n", "\r\n") + "\r\nSent from my phone"
    assert unlock(mailed, PASSWORD, pem.now()).fingerprint == authority.fingerprint


def test_a_short_password_is_refused(authority: Authority) -> None:
    with pytest.raises(Invalid, match="10 characters or more") as caught:
        lock(authority, "short")
    assert caught.value.field == "password"


def flip(text: str) -> str:
    at = text.index("\n-----END") - 40
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "password", "words", "field"),
    [
        (str, "plum-trout-lantern-8", "password does not fit", "password"),
        (str, "", "password does not fit", "password"),
        (flip, PASSWORD, "or the file is damaged", "password"),
        (lambda text: text[: len(text) // 2], PASSWORD, "holds no security key", "file"),
        (lambda _: "", PASSWORD, "holds no security key", "file"),
        (lambda _: block(b""), PASSWORD, "holds no security key|damaged", "file"),
        (lambda _: block(b"\x01"), PASSWORD, "is damaged", "file"),
        (lambda _: block(b"\x02" * 99), PASSWORD, "of a newer Chatbox", "file"),
        (lambda _: block(b"\x01" * 99), PASSWORD, "password does not fit", "password"),
        (
            lambda text: text.replace("CHATBOX SECURITY KEY", "PRIVATE KEY"),
            PASSWORD,
            "holds no security",
            "file",
        ),
    ],
)
def test_what_is_none_is_refused_with_words(
    damage: object, password: str, words: str, field: str, text: str
) -> None:
    assert callable(damage)
    with pytest.raises(Invalid, match=words) as caught:
        unlock(damage(text), password, pem.now())
    assert caught.value.field == field


def test_one_that_has_ended_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="ended on"):
        unlock(text, PASSWORD, pem.now() + timedelta(days=4000))


def test_an_authority_without_constraints_is_refused() -> None:
    """One that could vouch for any site of the internet must never come to sign here."""
    foreign = TestAuthority()
    with pytest.raises(Invalid, match="not made by Chatbox"):
        unlock(lock(Authority(foreign.certificate, foreign.key), PASSWORD), PASSWORD, pem.now())
