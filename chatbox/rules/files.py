"""Uploaded files: what they may be called, what they are, and how they are handed out.

A file is shown inside a page only where its bytes say that it is one of four bitmaps. Everything else is an
attachment of no particular type, so that no upload is ever run in this server's origin.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from chatbox.rules.images import sniff
from chatbox.rules.text import is_invisible

NAME_BYTES = 200
UNKNOWN = "application/octet-stream"
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

_KINDS = {
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/gzip": "gz tgz",
    "application/x-7z-compressed": "7z",
    "application/json": "json",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "text/plain": "txt log ini toml yaml yml py c h cpp rs go java sh",
    "text/markdown": "md",
    "text/csv": "csv",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg opus",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
}
_BY_ENDING = {ending: kind for kind, endings in _KINDS.items() for ending in endings.split()}
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_PLAIN = re.compile(r"[A-Za-z0-9 ._()+-]+")


def file_kind(name: str, head: bytes) -> tuple[str, int | None, int | None]:
    """What to show for a file: its media type and, for a bitmap only, width and height in pixels.

    Bitmaps are known by their first bytes, all others by the ending of the name, from a short list that
    holds nothing a browser runs.
    """
    if bitmap := sniff(head):
        return bitmap.type, bitmap.width, bitmap.height
    return _BY_ENDING.get(name.rpartition(".")[2].lower(), UNKNOWN), None, None


def file_name(text: str) -> str:
    """A name under which every system can save the file: the last part of a path, of at most 200 bytes.

    Control and invisible characters go, those that a file system refuses become ``_``, and the ending
    survives shortening. Never fails: what leaves nothing is called ``file``.
    """
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", text)[-1])
    name = "".join(character for character in name if not _vanishes(character))
    name = re.sub(r'[<>:"|?*]', "_", name).strip(" .")
    if _RESERVED.match(name):
        name = f"_{name}"
    return _shorten(name) or "file"


def disposition(name: str, media_type: str) -> str:
    """The Content-Disposition of a file (RFC 6266): inline for the four bitmaps, else an attachment.

    The plain form is for the oldest clients only; the other carries the whole name (RFC 8187).
    """
    kind = "inline" if media_type in INLINE else "attachment"
    if _PLAIN.fullmatch(name):
        return f'{kind}; filename="{name}"'
    plain = re.sub(r"[^A-Za-z0-9 ._()+-]", "_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The part of `size` bytes that a Range header asks for, as (start, end), end exclusive.

    None where everything is due: no header, another unit, several ranges, or none that can be read, which
    RFC 9110, 14.2 lets a server ignore. Raises ValueError where the range lies outside (416).
    """
    found = re.fullmatch(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", header or "")
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise ValueError("the range lies outside of the file")
    return start, end


def _vanishes(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"} or is_invisible(character)


def _shorten(name: str) -> str:
    if len(name.encode()) <= NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    ending = f".{ending}" if dot and len(ending.encode()) <= 20 else ""
    kept = (stem if ending else name).encode()[: NAME_BYTES - len(ending.encode())].decode(errors="ignore")
    return kept.rstrip(" .") + ending
