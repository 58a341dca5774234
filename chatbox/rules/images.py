"""What bitmap a file is, and how large, by its first bytes; its name and declared type are never believed.

Only these four are ever shown inline. SVG and HTML are documents that run, so they are never recognised.
Sources: PNG (W3C) 11.2.2, GIF89a 18, JPEG (ITU T.81) B.2.2, WebP (RFC 9649) 2.3-2.7.
"""

from __future__ import annotations

import msgspec

HEAD_BYTES = 64 * 1024

# Start-of-frame markers: C0 to CF without C4 (Huffman tables), C8 (reserved), CC (arithmetic coding).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that stand alone, without a length: restart, start of image, temporary.
_JPEG_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}


class Bitmap(msgspec.Struct, frozen=True):
    """A picture's media type, and its size in pixels."""

    type: str
    width: int
    height: int


def sniff(head: bytes) -> Bitmap | None:
    """The bitmap that begins with these bytes (the first 64 KiB are enough), or None where it is none.

    Reads at most 64 KiB and raises nothing, whatever the bytes are. A size of zero is none.
    """
    head = head[:HEAD_BYTES]
    found = _png(head) or _gif(head) or _webp(head) or _jpeg(head)
    return found if found and found.width and found.height else None


def _png(head: bytes) -> Bitmap | None:
    if len(head) < 24 or head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        return None
    return Bitmap("image/png", _big(head[16:20]), _big(head[20:24]))


def _gif(head: bytes) -> Bitmap | None:
    if len(head) < 10 or head[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Bitmap("image/gif", _little(head[6:8]), _little(head[8:10]))


def _webp(head: bytes) -> Bitmap | None:
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        return Bitmap("image/webp", _little(head[24:27]) + 1, _little(head[27:30]) + 1)
    if kind == b"VP8L" and head[20] == 0x2F:
        bits = _little(head[21:25])
        return Bitmap("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        return Bitmap("image/webp", _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF)
    return None


def _jpeg(head: bytes) -> Bitmap | None:
    if head[:3] != b"\xff\xd8\xff":
        return None
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            return Bitmap("image/jpeg", _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7]))
        elif marker in (0xD9, 0xDA):
            return None
        else:
            at += 2 + max(_big(head[at + 2 : at + 4]), 2)
    return None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
