"""An address as a QR code for a terminal."""

from __future__ import annotations

_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
_BLACK_ON_WHITE, _PLAIN = "\x1b[30;107m", "\x1b[0m"
BLOCKS = "█▀▄"  # what a terminal must be able to show


def terminal_code(text: str, *, colour: bool) -> list[str]:
    """The lines of a QR code, two rows in each, with the margin of four that readers need (ISO/IEC 18004).

    In `colour` it is black on white whatever the terminal's colours are. Without, its white is what the
    terminal writes with: right on a dark one, and phones of today read the other as well."""
    import segno

    matrix = segno.make(text, error="l", micro=False).matrix_iter(border=4)
    rows = [[bool(module) == colour for module in row] for row in matrix]  # what is written, not left out
    if len(rows) % 2:
        rows.append([not colour] * len(rows[0]))
    lines = [
        "".join(_HALVES[pair] for pair in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return [f"{_BLACK_ON_WHITE}{line}{_PLAIN}" for line in lines] if colour else lines
