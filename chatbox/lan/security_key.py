"""The key of this server's own authority as a file to keep: encrypted, and saying what it is.

It is in no backup: whoever has it can pose as this server before every device that trusts it. A new computer
that is given it is trusted at once by all of them. AES-256-GCM under a key that Argon2id (RFC 9106) makes of
the password::

    version (1 byte), salt (16), nonce (12), sealed: length of the key (2), key, certificate, both DER
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from datetime import datetime
from textwrap import wrap

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from chatbox.errors import Invalid
from chatbox.lan.certificates import Authority, is_own

SHORTEST = 10  # characters of the password
NO_KEY = (
    "This server has no security key. It is made after the setup, where [tls] mode is auto or required and "
    "no certificate is given."
)

_VERSION = 1
_SALT, _NONCE = 16, 12
_MEMORY, _PASSES, _LANES = 64 * 1024, 3, 4  # KiB; RFC 9106, section 4, second choice
_LABEL = "CHATBOX SECURITY KEY"
_BLOCK = re.compile(rf"-----BEGIN {_LABEL}-----\s([A-Za-z0-9+/=\s]+)-----END {_LABEL}-----")
_HEAD = """\
This is the security key of a Chatbox server: {name}

Devices trust that server by it. Keep it in a safe place, apart from backups and from its password: whoever
has both can pose as the server before every device that trusts it.

When the chat moves to another computer, devices trust that one at once if it is given this key:

    chatbox security-key use FILE

Without it the new computer makes a key of its own, and each device has to be shown how to trust it: /trust
"""


def lock(authority: Authority, password: str) -> str:
    """The text of the file. Raises `Invalid` (field "password") for one that is too short. Takes a moment."""
    if len(password) < SHORTEST:
        raise Invalid(f"Use {SHORTEST} characters or more for the password.", field="password")
    key = authority.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    open_text = len(key).to_bytes(2, "big") + key + authority.der
    sealed = AESGCM(_derived(password, salt)).encrypt(nonce, open_text, _LABEL.encode())
    lines = "\n".join(wrap(b64encode(bytes([_VERSION]) + salt + nonce + sealed).decode(), 64))
    head = _HEAD.format(name=authority.name)
    return f"{head}\n-----BEGIN {_LABEL}-----\n{lines}\n-----END {_LABEL}-----\n"


def unlock(text: str, password: str, now: datetime) -> Authority:
    """The authority in such a file. Raises `Invalid`: field "password" for a wrong one, else field "file"."""
    found = _BLOCK.search(text)
    if found is None:
        raise Invalid("This file holds no security key of Chatbox.", field="file")
    key, certificate = _opened("".join(found[1].split()), password)
    if key.public_key() != certificate.public_key() or not is_own(certificate):
        raise Invalid("The security key in this file was not made by Chatbox.", field="file")
    if now > certificate.not_valid_after_utc:
        ended = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        raise Invalid(f"The certificate of this security key ended on {ended}.", field="file")
    return Authority(certificate, key)


def _opened(block: str, password: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    try:
        raw = b64decode(block, validate=True)
        if raw[:1] != bytes([_VERSION]):
            raise Invalid("This security key is damaged, or of a newer Chatbox.", field="file")
        salt, nonce, sealed = raw[1:17], raw[17:29], raw[29:]
        open_text = AESGCM(_derived(password, salt)).decrypt(nonce, sealed, _LABEL.encode())
        end = 2 + int.from_bytes(open_text[:2], "big")
        key = load_der_private_key(open_text[2:end], None)
        certificate = x509.load_der_x509_certificate(open_text[end:])
    except InvalidTag as error:
        message = "The password does not fit this security key, or the file is damaged."
        raise Invalid(message, field="password") from error
    except ValueError as error:
        raise Invalid("The security key in this file is damaged.", field="file") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Invalid("The security key in this file was not made by Chatbox.", field="file")
    return key, certificate


def _derived(password: str, salt: bytes) -> bytes:
    kdf = Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY)
    return kdf.derive(password.encode())
