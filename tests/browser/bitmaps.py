"""Pictures made on the spot."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int, colours: list[tuple[int, int, int]]) -> bytes:
    """A PNG of horizontal stripes."""
    rows = b"".join(b"\0" + bytes(colours[y * len(colours) // height]) * width for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
