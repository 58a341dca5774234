"""Text from people: which characters may come in, and how text is shown where a terminal reads it.

Invisible characters are Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) and the blank
braille pattern; bidi controls are those of UAX #9, table 3, which can make a line read as another one
(https://trojansource.codes).
"""

from __future__ import annotations

import re
import unicodedata

from chatbox.errors import Invalid, TooLarge

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"

_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)

_INVISIBLE = re.compile(f"[{_IGNORABLE}]")
_BLANK = re.compile(rf"[\s{_IGNORABLE}]*")
_REFUSED_IN_MESSAGES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED = re.compile(f"[{_CONTROL}{_BIDI}\ud800-\udfff]")

ZWNJ, ZWJ = "\u200c", "\u200d"
COMBINING_RUN = 4


def message_text(text: str, limit_bytes: int, *, has_files: bool = False) -> str:
    """The text of a message as it is stored: as it was typed.

    `limit_bytes` counts UTF-8. The text may be empty, or of invisible characters only, where files come
    with it.

    Raises Invalid (field "text") where it is empty or holds a control character other than tab and line
    ends, or a lone surrogate; TooLarge (field "text") where it is too long.
    """
    if bad := _REFUSED_IN_MESSAGES.search(text):
        code = f"U+{ord(bad[0]):04X}"
        raise Invalid(f"The text holds a character that cannot be sent ({code}). Remove it.", field="text")
    if not has_files and _BLANK.fullmatch(text):
        raise Invalid("The message is empty. Write something, or attach a file.", field="text")
    if len(text) > limit_bytes or len(text.encode()) > limit_bytes:
        raise TooLarge(
            f"The message is too long: at most {limit_bytes:,} bytes fit. Split it, or attach it as a file.",
            field="text",
        )
    return text


def escape_controls(text: str) -> str:
    """The text with control, bidi and surrogate characters spelled out (``\\x1b``, ``\\u202e``).

    For everything from outside that goes to a log or a terminal, where such characters would forge lines or
    drive the terminal. Line ends are spelled out as well, so the result is one line.
    """
    return _ESCAPED.sub(lambda found: _escape(found[0]), text)


def one_line(text: str, *, what: str, field: str, most: int, least: int = 0) -> str:
    """A line for people to read: NFC, trimmed, white space collapsed, `least` to `most` code points.

    Raises Invalid, naming `what` in its sentence, where it is too short or too long or holds a control or
    invisible character or more than four combining marks in a row.
    """
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(line) < least:
        raise Invalid(f"{what} is empty. Write at least {least} character{'s' * (least > 1)}.", field=field)
    if len(line) > most:
        raise Invalid(f"{what} is too long: at most {most} characters fit.", field=field)
    if any(_is_refused(line, at) for at in range(len(line))):
        raise Invalid(f"{what} holds an invisible or control character. Remove it.", field=field)
    if has_mark_pile(line):
        raise Invalid(f"{what} holds too many combining marks in a row.", field=field)
    return line


def is_invisible(character: str) -> bool:
    """Whether the character leaves no trace of its own on the screen."""
    return _INVISIBLE.match(character) is not None


def has_mark_pile(text: str) -> bool:
    """Whether more than four combining marks follow each other: they would run into the lines around."""
    run = 0
    for character in text:
        run = run + 1 if is_mark(character) else 0
        if run > COMBINING_RUN:
            return True
    return False


def is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _is_refused(line: str, at: int) -> bool:
    character = line[at]
    if unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"}:
        return True
    if not is_invisible(character):
        return False
    before, after = line[at - 1 : at], line[at + 1 : at + 2]
    if character in (ZWJ, ZWNJ):
        return not (_joins(before) and _joins(after))
    return not (_selects_variation(character) and before and not is_invisible(before) and before != " ")


def _joins(neighbour: str) -> bool:
    """Whether a joiner may stand beside it: letters and marks (Persian, Malayalam …) and emoji."""
    return bool(neighbour) and (unicodedata.category(neighbour)[0] in "LMS" or neighbour == "\ufe0f")


def _selects_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
