"""Names of people, rooms and the server: what they may look like, and when two are the same.

Names are stored as typed (NFC) beside a key that decides whether two are the same: NFKC and casefold until
nothing changes, as in Unicode's compatibility caseless match (The Unicode Standard, 3.13, D146).
"""

from __future__ import annotations

import re
import unicodedata

from chatbox.errors import Invalid
from chatbox.rules.text import has_mark_pile, is_invisible, one_line

USER_NAME_LENGTH = 40
RESERVED = frozenset({"all", "here", "everyone", "room", "channel", "chatbox"})

_PUNCTUATION = "._-"
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def user_name(text: str, *, field: str = "name") -> str:
    """The name that a person signs in with and is mentioned by, as typed but NFC.

    1 to 40 letters, digits and marks of any script and ``. _ -``; it begins with a letter or a digit and
    does not end with a dot, which ends a sentence after a mention.

    Raises Invalid, saying which of these rules it breaks, or that the name is reserved.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise Invalid("Choose a name of at least one letter.", field=field)
    if len(name) > USER_NAME_LENGTH:
        raise Invalid(f"The name is too long: at most {USER_NAME_LENGTH} characters fit.", field=field)
    for form in (name, name_key(name)):
        _check_characters(form, field)
    if name_key(name) in RESERVED:
        raise Invalid("This name is reserved. Choose another one.", field=field)
    return name


def name_key(text: str) -> str:
    """What makes a name unique: equal for names that differ only in case, width or composition."""
    if text.isascii():
        return text.lower()
    key = unicodedata.normalize("NFKC", text)
    while (folded := unicodedata.normalize("NFKC", key.casefold())) != key:
        key = folded
    return key


def full_name(text: str, *, field: str = "full_name") -> str:
    """The name shown beside messages; it may repeat, and may be empty. At most 80 characters."""
    return one_line(text, what="The full name", field=field, most=80)


def room_name(text: str, *, field: str = "name") -> str:
    """The name of a room, without the ``#`` that people put before it. 1 to 40 characters.

    Raises Invalid where it is empty or too long, holds no letter or digit, or begins with a second ``#``.
    """
    name = one_line(text.strip().removeprefix("#"), what="The room's name", field=field, least=1, most=40)
    if name.startswith("#") or not any(character.isalnum() for character in name):
        raise Invalid("A room's name begins without # and holds a letter or a digit.", field=field)
    return name


def topic(text: str, *, field: str = "topic") -> str:
    """What a room is about, in one line of at most 250 characters; may be empty."""
    return one_line(text, what="The topic", field=field, most=250)


def status_text(text: str, *, field: str = "status") -> str:
    """What a person says about themselves, in one line of at most 100 characters; may be empty."""
    return one_line(text, what="The status", field=field, most=100)


def server_name(text: str, *, field: str = "name") -> str:
    """The name of the server: one line of 1 to 60 characters."""
    return one_line(text, what="The server's name", field=field, least=1, most=60)


def is_name_character(character: str) -> bool:
    """Whether it may stand in a user name: a letter, digit or mark of any script, or ``. _ -``."""
    if character in _PUNCTUATION:
        return True
    category = unicodedata.category(character)
    return (category[0] in "LM" or category == "Nd") and not is_invisible(character)


def _check_characters(name: str, field: str) -> None:
    if _PLAIN_NAME.fullmatch(name) and not name.endswith("."):
        return
    if not all(is_name_character(character) for character in name):
        raise Invalid("A name holds letters, digits, dots, hyphens and underscores only.", field=field)
    if not name[0].isalnum():
        raise Invalid("A name begins with a letter or a digit.", field=field)
    if name.endswith("."):
        raise Invalid("A name does not end with a dot.", field=field)
    if has_mark_pile(name):
        raise Invalid("The name holds too many combining marks in a row.", field=field)
