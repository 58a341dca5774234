"""Headers that go with every answer, and the stricter ones of uploaded files.

OWASP HTTP Headers Cheat Sheet; CSP Level 3; Trusted Types (W3C). `'self'` in connect-src covers WebSockets of
the same host (CSP3, 6.7.2.8).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping


def content_policy(addresses: Iterable[str] = (), script: str = "") -> str:
    """What a page may load: its own origin's, and a look at whether the server answers at these addresses.
    The one Trusted Type is the address of the service worker. A `script` may stand in the page itself."""
    own_script = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() if script else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{own_script}'" if script else "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            " ".join(("connect-src 'self'", *addresses)),
            "font-src 'self'",
            "media-src 'self'",
            "manifest-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types worker",
        )
    )


SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": content_policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}

# Browsers heed it over HTTPS only, and complain of it over HTTP each time.
OPENER_POLICY = "same-origin"

# A script, style or picture of the client is no page. Few headers, as a first visit loads dozens of them.
ASSET_SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# The answer to a handshake is no document, and there are thousands when a crowd comes back.
HANDSHAKE_SECURITY: Mapping[str, str] = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

# An upload that is opened by itself is a document without scripts, forms or an origin.
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"

# Whether a file may still be read is asked each time; only its bytes may be kept.
FILE_CACHE = "private, no-cache"
ASSET_CACHE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
