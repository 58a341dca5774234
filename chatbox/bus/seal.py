"""What the nodes of a cluster tell each other is sealed with its key: not all who reach Redis are nodes.

The seal is HMAC-SHA256 (RFC 2104) over the place and the payload, so that what is sealed for one place cannot
be put into another.
"""

from __future__ import annotations

import hashlib
import hmac

_MAC = 32  # bytes


class Seal:
    """Seals with one cluster's key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._places = hmac.new(self.derived("places"), digestmod=hashlib.sha256)
        self.prefix = f"chatbox:{self.derived('prefix').hex()[:8]}:"  # clusters may share one Redis

    def derived(self, use: str) -> bytes:
        """32 bytes that only nodes with the key can know, for this use."""
        return hmac.digest(self._key, use.encode(), "sha256")

    def key(self, use: str, *parts: str) -> str:
        """A key in Redis that does not tell what it is for."""
        digest = hmac.digest(self.derived(use), "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256")
        return f"{self.prefix}{use}:{digest.hex()[:32]}"

    def seal(self, place: str, payload: bytes) -> bytes:
        """The payload with a proof that it was meant for this place, such as a topic or a key."""
        return self._proof(place, payload) + payload

    def open(self, place: str, sealed: bytes) -> bytes | None:
        """The payload; None where no node of this cluster sealed it for this place."""
        proof, payload = sealed[:_MAC], sealed[_MAC:]
        return payload if hmac.compare_digest(proof, self._proof(place, payload)) else None

    def _proof(self, place: str, payload: bytes) -> bytes:
        mac = self._places.copy()
        mac.update(place.encode() + b"\0")
        mac.update(payload)
        return mac.digest()
