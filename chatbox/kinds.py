"""Kinds of setting: how a value is read from text, what is allowed, and how it is shown.

`Kind.read` raises ValueError with the end of a sentence about the setting, such as "must be true or false".
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

# The name by the rules of Amazon, which the others keep as well; "." and ".." would lead elsewhere.
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)*/?")
_HIDDEN_WORD = re.compile(r"(?<=[?&]password=)[^&]*")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that is closest to a misspelt one, if any is close."""
    return next(iter(difflib.get_close_matches(word.casefold(), list(known), 1)), None)


class Kind(Struct, frozen=True):
    """One way to read a value."""

    @property
    def allowed(self) -> str:
        """What a value may be, for a person."""
        raise NotImplementedError

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def show(self, value: Any) -> str:
        """The value as it would stand in the file, but for what only those may see who can read the file."""
        return str(value)

    def quote(self, text: str) -> str:
        """What was typed, as it may be repeated to a person."""
        return text


class Whole(Kind, frozen=True):
    """A whole number from `low` to `high`; where `lifts`, 0 means "no limit"."""

    low: int
    high: int
    lifts: bool = False
    unit: str = ""

    @property
    def allowed(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        span = f"{self.spell(self.low)} to {self.spell(self.high)}{unit}"
        return f"{span}, or 0 for no limit" if self.lifts else span

    def read(self, text: str) -> int:
        value = self.count(text)
        if self.low <= value <= self.high or (self.lifts and value == 0):
            return value
        raise ValueError(f"must be {self.allowed}")

    def spell(self, value: int) -> str:
        """The value for a person."""
        return self.show(value)

    def count(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise ValueError(f"must be a whole number, {self.allowed}")
        return int(text)


# People write MB and mean what their computer shows, which counts in steps of 1024; KiB says the same.
_STEPS = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_SUFFIXES = _STEPS | {f"{step}{end}": _STEPS[step] for step in "kmg" for end in ("b", "ib")}


class Size(Whole, frozen=True):
    """A number of bytes, with or without a suffix."""

    def count(self, text: str) -> int:
        found = re.fullmatch(r"([0-9]{1,15})\s*([A-Za-z]*)", text)
        if not found or found[2].casefold() not in _SUFFIXES:
            raise ValueError(f"must be a number of bytes such as 65536, 64 KB or 25 MB, {self.allowed}")
        return int(found[1]) * _SUFFIXES[found[2].casefold()]

    def show(self, value: int) -> str:
        for suffix, factor in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
            if value and value % factor == 0:
                return f"{value // factor} {suffix}"
        return str(value)

    def spell(self, value: int) -> str:
        shown = self.show(value)
        return shown if not shown.isdecimal() else f"{shown} byte" if value == 1 else f"{shown} bytes"


class Flag(Kind, frozen=True):
    """Yes or no."""

    words: ClassVar[Mapping[str, bool]] = {
        **dict.fromkeys(("true", "yes", "on", "1"), True),
        **dict.fromkeys(("false", "no", "off", "0"), False),
    }

    @property
    def allowed(self) -> str:
        return "true or false"

    def read(self, text: str) -> bool:
        if text.casefold() not in self.words:
            raise ValueError("must be true or false")
        return self.words[text.casefold()]

    def show(self, value: bool) -> str:
        return "true" if value else "false"


class Choice(Kind, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return " or ".join(self.words)

    def read(self, text: str) -> str:
        if text.casefold() not in self.words:
            guess = did_you_mean(text, self.words) if len(self.words) > 1 else None
            raise ValueError(f"must be {self.allowed}" + (f' (did you mean "{guess}"?)' if guess else ""))
        return text.casefold()


class Text(Kind, frozen=True):
    """One line of at most `longest` characters; may be empty."""

    longest: int

    @property
    def allowed(self) -> str:
        return f"at most {self.longest} characters, or empty"

    def read(self, text: str) -> str:
        if len(text) > self.longest or not text.isprintable():
            raise ValueError(f"must be one line of at most {self.longest} visible characters")
        return text


class Place(Text, frozen=True):
    """A folder, or a bucket and the first part of all names in it; may be empty."""

    @property
    def allowed(self) -> str:
        return "a folder, or a bucket such as s3://chatbox/uploads; or empty"

    def read(self, text: str) -> str:
        place = super().read(text)
        if place.casefold().startswith("s3:") and not _BUCKET.fullmatch(place):
            raise ValueError(f"must be {self.allowed}")
        return place.rstrip("/") if place.startswith("s3:") else place


class Reached(Kind, frozen=True):
    """Where others reach this server; may be empty. An IPv6 address gets its brackets."""

    @property
    def allowed(self) -> str:
        return "an address, a host name, a whole address such as https://chat.example.org, or empty"

    def read(self, text: str) -> str:
        if not text:
            return text
        if "://" not in text:
            return in_brackets(read_address(text))
        try:
            parts = urlsplit(text)
            host, port = read_address(parts.hostname or ""), parts.port
        except ValueError:
            raise ValueError(f"must be {self.allowed}") from None
        if (
            parts.scheme not in ("http", "https")
            or parts.path not in ("", "/")
            or parts.query + parts.fragment
        ):
            raise ValueError(f"must be {self.allowed}")
        return f"{parts.scheme}://{in_brackets(host)}" + ("" if port is None else f":{port}")


class Label(Kind, frozen=True):
    """One part of a host name (RFC 1123, 2.1); may be empty."""

    @property
    def allowed(self) -> str:
        return "a word of letters, digits and hyphens, or empty"

    def read(self, text: str) -> str:
        label = text.casefold().removesuffix(".local")
        if label and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", label):
            raise ValueError(f"must be {self.allowed}")
        return label


class Key(Kind, frozen=True):
    """A secret of one line with at least so many characters; may be empty. It is shown to nobody."""

    least: int

    @property
    def allowed(self) -> str:
        return f"at least {self.least} characters, or empty"

    def read(self, text: str) -> str:
        if text and not (self.least <= len(text) <= 4096 and text.isprintable()):
            raise ValueError(f"must be one line of at least {self.least} characters")
        return text

    def show(self, value: str) -> str:
        return self.quote(value)

    def quote(self, text: str) -> str:
        return "***" if text else ""


class Service(Kind, frozen=True):
    """The address of another program, whose path `path` matches; may be empty. A password in it is shown to
    nobody."""

    schemes: tuple[str, ...]
    path: str
    example: str

    @property
    def allowed(self) -> str:
        return f"an address such as {self.example}, or empty"

    def read(self, text: str) -> str:
        if not text:
            return text
        try:
            parts = urlsplit(text)
            sound = parts.scheme in self.schemes and parts.hostname and (parts.port or 1)
        except ValueError:
            sound = None
        if not sound or not text.isprintable() or not re.fullmatch(self.path, parts.path):
            raise ValueError(f"must be {self.allowed}")
        return text

    def show(self, value: str) -> str:
        return _HIDDEN_WORD.sub("***", re.sub(r"(//[^@/:]*:)[^/]*@", r"\g<1>***@", value))

    def quote(self, text: str) -> str:
        return _HIDDEN_WORD.sub("***", re.sub(r"(?<=//).*@|^[^/]*@", "***@", text))


class Listed(Kind, frozen=True):
    """Any number of items with commas between them; each is read by `one`."""

    one: Callable[[str], Any]
    each: str
    least: int = 0

    @property
    def allowed(self) -> str:
        return f"{self.each}, with commas between them" + ("" if self.least else "; or empty")

    def read(self, text: str) -> tuple[Any, ...]:
        found = tuple(self.one(part.strip()) for part in text.split(",") if part.strip())
        if len(found) < self.least:
            raise ValueError(f"must not be empty: {self.each}")
        return tuple(dict.fromkeys(found))

    def show(self, value: Iterable[Any]) -> str:
        return ", ".join(map(str, value))


def in_brackets(host: str) -> str:
    """The same as it stands in an address of the web."""
    return f"[{host}]" if ":" in host else host


def read_address(text: str) -> str:
    """An address to listen on, IPv4, IPv6 (brackets allowed, zone kept) or a host name."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        if re.fullmatch(r"[0-9.:]+", bare):
            raise ValueError("must be addresses of this machine") from None
        return read_host(bare)


def read_host(text: str) -> str:
    """A host name as in RFC 1123 section 2.1, in lower case, without port and without a dot at the end."""
    name = text.rstrip(".").casefold()
    label = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
    if len(name) > 253 or not re.fullmatch(rf"{label}(\.{label})*", name):
        raise ValueError("must be plain host names, without http:// and port")
    return name


def read_network(text: str) -> Network:
    """An address range such as 10.0.0.0/8, or one address."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("must be address ranges like 10.0.0.0/8") from None
