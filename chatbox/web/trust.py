"""``/trust``: how a device comes to trust this server's own authority, over HTTP as over HTTPS.

The authority's certificate is public: whoever has it can verify, and nothing else. A page asks
``/trust/ping`` over HTTPS to see whether this device trusts it by now.
"""

from __future__ import annotations

from typing import Any

from chatbox.errors import NotFound
from chatbox.web.anchor import Anchor
from chatbox.web.base import Handler

CERTIFICATE_TYPE = "application/x-x509-ca-cert"
PROFILE_TYPE = "application/x-apple-aspen-config"


def trust_address(address: str) -> str:
    """Where a device finds this page before it trusts anything."""
    return f"http{address[address.index(':') :]}/trust"


class _Public(Handler):
    """What anybody may know, over a connection that nobody has secured yet."""

    def answers_plainly(self) -> bool:
        return True

    @property
    def anchor(self) -> Anchor:
        """Raises NotFound where devices have nothing to install."""
        if self.edge.trust.anchor is None:
            raise NotFound("This server has no certificate that a device would have to install.")
        return self.edge.trust.anchor

    def send(self, body: bytes, kind: str, name: str = "") -> None:
        self.set_header("Content-Type", kind)
        if name:
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(body)


class Certificate(_Public):
    """``GET /trust/chatbox-ca.crt``, ``.der``, ``/trust/chatbox.mobileconfig``: the same wrapped anew."""

    async def get(self, name: str) -> None:
        anchor = self.anchor
        if name == "chatbox.mobileconfig":
            self.send(anchor.profile, PROFILE_TYPE, name)
        else:
            self.send(anchor.pem if name.endswith(".crt") else anchor.der, CERTIFICATE_TYPE, name)

    head = get


class Ping(_Public):
    """``GET /trust/ping``: is this server reached? Pages of any origin may ask, without cookies."""

    async def get(self) -> None:
        self.set_header("Access-Control-Allow-Origin", "*")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.write_json({"id": self.ctx.server.id})

    head = get


class QrCode(_Public):
    """``GET /trust/qr.svg``: the address of the page for a new device, for its camera. Over HTTP, which every
    device takes."""

    async def get(self) -> None:
        addresses = self.ctx.server.addresses()
        if not addresses:
            raise NotFound("This server knows no address of its own.")
        self.send(await self.ctx.drawing.svg(trust_address(addresses[0])), "image/svg+xml")

    head = get


class About(_Public):
    """``GET /trust/about``: what the page for a new device shows."""

    async def get(self) -> None:
        trust, server = self.edge.trust, self.ctx.server
        about: dict[str, Any] = {"id": server.id, "name": server.name, "encrypts": trust.encrypts}
        about["address"] = next(map(trust_address, server.addresses()), "")
        caller = await self.identify()
        if caller.user:
            about["me"] = {"id": caller.user, "name": self.ctx.directory.persons[caller.user]["name"]}
        if trust.anchor is not None:
            about["authority"] = {
                "name": trust.anchor.name,
                "fingerprint": trust.anchor.fingerprint,
                "thumbprint": trust.anchor.thumbprint,
            }
        self.write_json(about)

    head = get
