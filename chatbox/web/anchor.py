"""The certificate of this server's own authority, in the wrappings that devices ask for."""

from __future__ import annotations

import hashlib
import plistlib
import ssl
import uuid
from dataclasses import dataclass

from msgspec import Struct


class Anchor(Struct, frozen=True):
    """The certificate that a device installs; `name` as the device shows it."""

    name: str
    der: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256, as devices show it."""
        return hashlib.sha256(self.der).digest().hex(":").upper()

    @property
    def thumbprint(self) -> str:
        """SHA-1, the only one that Windows shows; nobody can make another certificate with it."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest().hex(":").upper()

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()

    @property
    def profile(self) -> bytes:
        """A configuration profile for Apple's devices; the same certificate has the same identifiers."""
        mark = uuid.uuid5(uuid.NAMESPACE_OID, self.fingerprint)
        certificate = {
            "PayloadType": "com.apple.security.root",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"chatbox.{mark}.certificate",
            "PayloadUUID": str(uuid.uuid5(mark, "certificate")).upper(),
            "PayloadDisplayName": self.name,
            "PayloadCertificateFileName": "chatbox-ca.der",
            "PayloadContent": self.der,
        }
        return plistlib.dumps(
            {
                "PayloadType": "Configuration",
                "PayloadVersion": 1,
                "PayloadIdentifier": f"chatbox.{mark}",
                "PayloadUUID": str(mark).upper(),
                "PayloadDisplayName": self.name,
                "PayloadDescription": "Lets this device talk to Chatbox over an encrypted connection.",
                "PayloadContent": [certificate],
            }
        )


@dataclass
class Trust:
    """What there is to trust at the moment."""

    encrypts: bool = False  # HTTPS is answered
    anchor: Anchor | None = None  # None: nothing has to be installed
