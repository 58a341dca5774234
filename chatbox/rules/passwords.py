"""Which passwords are refused: short ones, and those that are tried first.

Length and a list of common ones instead of rules about kinds of characters, as NIST SP 800-63B (5.1.1.2)
and the OWASP Authentication Cheat Sheet ask. The list is kept as bases: of ``P@ssw0rd2024!!`` nothing but
``password`` remains once what people add to a word is taken away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from chatbox.errors import Invalid
from chatbox.rules.common_passwords import BASES

SHORTEST = 10
LONGEST = 128

_LEET = str.maketrans("@4301!|$5782+9", "aaeoiiisstbztg")
_ADDITIONS = "0123456789!?.,;:#*+-_/ "
_DOUBLED = re.compile(r"(.)\1+", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]+")
_ROWS = (
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "йцукенгшщзхъ",
    "фывапролджэ",
    "ячсмитьбю",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "a1b2c3d4e5f6g7h8i9j0",
)
_RUN = 3


def check(password: str, *known: str, field: str = "password") -> None:
    """Accepts a password of 10 to 128 characters (NFC code points) that is not easily guessed.

    `known` are words that an attacker tries first: the person's name, their full name, the server's name.

    Raises Invalid where it is too short, too long, common, a repetition, a run along the alphabet or the
    keyboard, or no more than one of the known words with digits.
    """
    password = normalise(password)
    if len(password) < SHORTEST:
        raise Invalid(f"The password is too short: at least {SHORTEST} characters are needed.", field=field)
    if len(password) > LONGEST:
        raise Invalid(f"The password is too long: at most {LONGEST} characters fit.", field=field)
    if _is_pattern(password.casefold()):
        raise Invalid("The password is a simple pattern. Choose one that is harder to guess.", field=field)
    if _says_only(password, {_plain(word) for word in known if len(word) >= _RUN}):
        raise Invalid("The password says only a name. Choose one that is harder to guess.", field=field)
    if _says_only(password, BASES):
        raise Invalid("The password is a common one. Choose one that is harder to guess.", field=field)


def normalise(password: str) -> str:
    """The password as it is hashed: NFC, because keyboards differ in how they compose (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


def _is_pattern(password: str) -> bool:
    """Whether it repeats a short piece (``abcdabcdab``), or is made of runs along a row of keys."""
    return len(set(password)) <= 3 or len(_pieces(password)[0]) <= 4 or _outside_runs(password) <= 2


def _outside_runs(password: str) -> int:
    """How many characters belong to no run of three or more neighbours on a row, forwards or backwards."""
    password = _DOUBLED.sub(r"\1", password)
    outside = at = 0
    while at < len(password):
        length = max(_run_length(password, at, row) for row in _DIRECTIONS)
        outside += length < _RUN
        at += length if length >= _RUN else 1
    return outside


def _run_length(password: str, at: int, row: str) -> int:
    start = row.find(password[at])
    if start < 0:
        return 0
    pairs = zip(password[at:], row[start:], strict=False)
    return next((length for length, (typed, key) in enumerate(pairs) if typed != key), len(row) - start)


def _says_only(password: str, words: Collection[str]) -> bool:
    """Whether it says no more than one of the words, maybe repeated, with additions."""
    return any(_is_made_of(text, words) for text in _readings(password) if text)


def _readings(password: str) -> set[str]:
    """What it may say: its letters alone, the same with digits read as letters, and all but punctuation."""
    lowered = unicodedata.normalize("NFKC", password).casefold()
    disguised = lowered.strip(_ADDITIONS)
    return {
        _letters(lowered),
        _letters(lowered.translate(_LEET)),
        _letters(disguised.translate(_LEET)),
        _plain(disguised),
        _plain(lowered),
    }


def _is_made_of(text: str, words: Collection[str]) -> bool:
    return any(piece in words for piece in _pieces(text))


def _pieces(text: str) -> list[str]:
    """Each beginning whose repetition gives the text (its last copy may be cut), the shortest first."""
    sizes = range(1, len(text) + 1)
    return [text[:size] for size in sizes if text.startswith(text[size:])]


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text))


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


_DIRECTIONS = tuple(row for forth in _ROWS for row in (forth, forth[::-1]))
