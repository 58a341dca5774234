"""Recognising bitmaps by their first bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbox.rules.images import Bitmap, sniff

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + b"\x08\x06\x00\x00\x00"
GIF = b"GIF89a" + struct.pack("<HH", 300, 200) + b"\x00"


def jpeg(*segments: bytes, frame: int = 0xC0) -> bytes:
    start = struct.pack(">BBHBHH", 0xFF, frame, 17, 8, 480, 640)
    return b"\xff\xd8" + b"".join(segments) + start + b"\x03" * 12


def segment(marker: int, size: int) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, size + 2) + b"\xff" * size


def webp(kind: bytes, body: bytes) -> bytes:
    return (
        b"RIFF" + struct.pack("<I", 100) + b"WEBP" + kind + struct.pack("<I", len(body)) + body + b"\x00" * 10
    )


VP8 = webp(b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 480 | 0x4000))
VP8L = webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14))
VP8X = webp(b"VP8X", b"\x10\x00\x00\x00" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("head", "bitmap"),
    [
        (PNG, Bitmap("image/png", 640, 480)),
        (GIF, Bitmap("image/gif", 300, 200)),
        (GIF.replace(b"89a", b"87a"), Bitmap("image/gif", 300, 200)),
        (VP8, Bitmap("image/webp", 640, 480)),
        (VP8L, Bitmap("image/webp", 640, 480)),
        (VP8X, Bitmap("image/webp", 640, 480)),
        (jpeg(segment(0xE0, 14)), Bitmap("image/jpeg", 640, 480)),
        (jpeg(segment(0xE1, 30_000), segment(0xC4, 100), b"\xff\xff"), Bitmap("image/jpeg", 640, 480)),
        (jpeg(segment(0xDB, 65), frame=0xC2), Bitmap("image/jpeg", 640, 480)),
    ],
)
def test_a_bitmap_is_recognised_with_its_size(head: bytes, bitmap: Bitmap) -> None:
    assert sniff(head) == bitmap


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<!doctype html>",
        b"BM" + b"\x00" * 60,
        b"II*\x00" + b"\x00" * 60,
        b"%PDF-1.7",
        PNG[:20],
        GIF[:8],
        VP8X[:24],
        b"GIF89a<script>"[:8],
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8" + segment(0xE0, 14) + b"\xff\xda" + jpeg(),
        b"\xff\xd8" + b"\xff" * 100_000,
        b"\xff\xd8" + b"\xff\xe0\x00\x00" * 20_000,
        jpeg(segment(0xE1, 65_000), segment(0xE1, 65_000)),
    ],
)
def test_anything_else_is_none(junk: bytes) -> None:
    assert sniff(junk) is None


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_bitmap_without_area_is_none(size: tuple[int, int]) -> None:
    assert sniff(b"GIF89a" + struct.pack("<HH", *size) + b"\x00") is None


@given(
    st.sampled_from(
        [b"", PNG[:12], PNG[:8], GIF[:6], b"\xff\xd8\xff", VP8[:16], VP8L[:16], VP8X[:16], VP8[:8]]
    ),
    st.binary(max_size=2_000),
)
def test_no_bytes_raise(start: bytes, rest: bytes) -> None:
    bitmap = sniff(start + rest)
    assert bitmap is None or (bitmap.width > 0 and bitmap.height > 0 and bitmap.type.startswith("image/"))


@given(st.sampled_from([PNG, GIF, VP8, VP8L, VP8X, jpeg(segment(0xE0, 14))]), st.integers(0, 100))
def test_a_cut_head_does_not_raise(head: bytes, length: int) -> None:
    sniff(head[:length])
