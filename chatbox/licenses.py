"""What Chatbox is made of, with the terms of each part: read from the packages that are installed, or in the
executable from the list that was made when it was built.

`python -m chatbox.licenses FILE` writes such a list, which `build.spec` packs.
"""

from __future__ import annotations

import re
import sqlite3
import ssl
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from msgspec import Struct, json

from chatbox.version import VERSION

_HERE = Path(__file__).parent
_PACKED = _HERE / "licenses.json"
_FILES = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CLASSIFIER = "License :: OSI Approved :: "

# The libraries in C that come with Python: their texts are in notices/, since no package carries them.
_LIBRARIES = {
    "OpenSSL": (ssl.OPENSSL_VERSION.split()[1], "Apache-2.0", "openssl"),
    "SQLite": (sqlite3.sqlite_version, "Public domain", "sqlite"),
    "zlib": ("", "Zlib", "zlib"),
    "libffi": ("", "MIT", "libffi"),
    "Expat": ("", "MIT", "expat"),
    "bzip2": ("", "bzip2-1.0.6", "bzip2"),
    "liblzma (XZ Utils)": ("", "Public domain", "xz"),
}


class License(Struct, frozen=True):
    """One part of the program. `license` is an SPDX expression where the part says one; `text` is all of its
    terms."""

    name: str
    version: str
    license: str
    text: str


@cache
def licenses() -> tuple[License, ...]:
    """Every part, Chatbox itself and Python first. Raises OSError where the executable lost its list."""
    if getattr(sys, "frozen", False):
        return json.decode(_PACKED.read_bytes(), type=tuple[License, ...])
    return tuple(collect())


def collect(extra: Iterable[str] = ()) -> list[License]:
    """The parts as they are installed here; `extra` are packages that only the executable has."""
    root = _HERE.parent
    own = License("Chatbox", VERSION, "MIT", (root / "LICENSE").read_text("utf-8"))
    python = License("Python", sys.version.split()[0], "PSF-2.0", _notice("python"))
    required = (root / "requirements" / "runtime.in").read_text("utf-8").split("\n")
    packages = sorted({*_with_needs(_names(required)), *extra}, key=str.lower)
    libraries = [
        License(name, version, terms, _notice(file)) for name, (version, terms, file) in _LIBRARIES.items()
    ]
    return [own, python, *map(_of_package, packages), *libraries]


def _with_needs(names: Iterable[str]) -> set[str]:
    """These packages and all that they need here, by the names that they have themselves."""
    found: dict[str, str] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # needed elsewhere: on another system, or for an extra that is not used
        found[key] = package.metadata["Name"]
        waiting += _names(each for each in package.requires or () if "extra ==" not in each)
    return set(found.values())


def _names(requirements: Iterable[str]) -> Iterator[str]:
    for line in requirements:
        if match := _REQUIREMENT.match(line.strip()):
            yield match[0]


def _of_package(name: str) -> License:
    package = metadata.distribution(name)
    said = [*_said(package, "License-Expression"), *_said(package, "Classifier"), *_said(package, "License")]
    return License(
        package.metadata["Name"], package.version, next(iter(said), ""), "\n\n".join(_texts(package)) + "\n"
    )


def _said(package: metadata.Distribution, field: str) -> Iterator[str]:
    """What a field of the metadata says of the terms, in few words."""
    for value in package.metadata.get_all(field) or ():
        if field != "Classifier":
            yield value.partition("\n")[0]
        elif value.startswith(_CLASSIFIER):
            yield value.removeprefix(_CLASSIFIER)


def _texts(package: metadata.Distribution) -> Iterator[str]:
    """The files of a package's metadata that tell its terms. Raises LookupError where there is none."""
    files = [
        file
        for file in package.files or ()
        if ".dist-info/" in str(file) and _FILES.search(file.name) and file.suffix != ".py"
    ]
    if not files:
        raise LookupError(f"{package.metadata['Name']} tells no terms.")
    for file in sorted(files, key=str):
        yield Path(str(file.locate())).read_text("utf-8", "replace").strip()


def _notice(name: str) -> str:
    return (_HERE / "notices" / f"{name}.txt").read_text("utf-8")


def main(target: str) -> None:
    """Write the list for the executable, which also has the loader of PyInstaller in it."""
    Path(target).write_bytes(json.encode(collect(["pyinstaller"])))


if __name__ == "__main__":
    main(sys.argv[1])
