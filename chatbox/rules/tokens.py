"""What secrets look like: tokens and links, stored as hashes only, and the code of the setup page."""

from __future__ import annotations

import hashlib

TOKEN_BYTES = 32  # 256 bits: nobody guesses it, so a fast hash is enough and no salt is needed
CODE_LENGTH = 8
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is read as something else: 0 O 1 I L


def digest(secret: str) -> bytes:
    """What is stored of a token or of a link's secret: SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def shown_code(code: str) -> str:
    """The setup code as people read and type it: two groups of four."""
    return f"{code[:4]}-{code[4:]}"


def typed_code(text: str) -> str:
    """What somebody typed, as the code is kept: capitals, without dashes and spaces."""
    return "".join(text.upper().replace("-", "").split())
