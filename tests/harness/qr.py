"""What the camera of a phone reads in a QR code (ISO/IEC 18004): a small one, without a fault in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Matrix = Sequence[Sequence[bool]]

_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)
_FORMAT_MASK = 0b101  # over the three bits that name the mask (7.9.1)
_BYTES = 0b0100  # the mode in which addresses are written (table 2)
# Up to which version the bytes stand in their order, in one block, at the levels M, L, H and Q (table 9).
_LARGEST = (3, 5, 2, 2)


def read(dark: Matrix) -> str:
    """The text in a code without its margin, row by row. It may be as large as one block of bytes allows."""
    size = len(dark)
    version = (size - 17) // 4
    assert size == 17 + 4 * version, "this is no QR code"
    level = _number(dark[8][x] != bool(mask) for x, mask in ((0, 1), (1, 0)))
    assert version <= _LARGEST[level], "this code is too large to be read here"
    masked = _MASKS[_number(dark[8][x] for x in (2, 3, 4)) ^ _FORMAT_MASK]
    bits = [dark[y][x] != masked(y, x) for y, x in _path(size, version)]
    assert _number(bits[:4]) == _BYTES
    length = _number(bits[4:12])
    return bytes(_number(bits[12 + 8 * n : 20 + 8 * n]) for n in range(length)).decode()


def drawn(lines: Sequence[str], *, dark: bool) -> Matrix:
    """The code in lines of half blocks, without its margin; `dark` where what is written stands for black."""
    rows = [[mark in halves for mark in line] for line in lines for halves in ("█▀", "█▄")]
    black = [[written == dark for written in row] for row in rows]
    top = next(y for y, row in enumerate(black) if any(row))
    left = next(x for x in range(len(black[0])) if any(row[x] for row in black))
    size = len(black[0]) - 2 * left
    return [row[left : left + size] for row in black[top : top + size]]


def _number(bits: Iterator[bool] | Sequence[bool]) -> int:
    return sum(bit << place for place, bit in enumerate(reversed(list(bits))))


def _path(size: int, version: int) -> Iterator[tuple[int, int]]:
    """Where the bits of the data are: in columns of two from the right, up and down in turn (7.7.3)."""
    right = [x for x in range(size - 1, 0, -2) if x > 6] + [5, 3, 1]
    for turn, x in enumerate(right):
        for step in range(size):
            y = step if turn % 2 else size - 1 - step
            yield from ((y, each) for each in (x, x - 1) if not _is_pattern(y, each, size, version))


def _is_pattern(y: int, x: int, size: int, version: int) -> bool:
    """Whether this place belongs to what every code of this size has."""
    corner = (y < 9 and (x < 9 or x >= size - 8)) or (y >= size - 8 and x < 9)
    aligning = version > 1 and abs(y - (size - 7)) <= 2 and abs(x - (size - 7)) <= 2
    return corner or aligning or y == 6 or x == 6
