"""Which address leads where. Nothing else decides it."""

from __future__ import annotations

from typing import Any

from tornado.web import Application

from chatbox.web import assets, backups, health, logo, trust, uploads
from chatbox.web.api import Api
from chatbox.web.base import Edge, Handler, Nowhere
from chatbox.web.logs import calm_tornado, log_request
from chatbox.web.socket import Socket

Route = tuple[str, type[Handler], dict[str, Any]]


def make_app(edge: Edge, client: assets.Assets) -> Application:
    """The whole of HTTP."""
    calm_tornado()
    shown = {"assets": client}
    routes: list[Route] = [
        (r"/", assets.Shell, shown),
        (r"/assets/([0-9a-f]{12})/([A-Za-z0-9_./-]{1,200})", assets.File, shown),
        (r"/favicon\.ico", assets.Favicon, shown),
        (r"/sw\.js", assets.Worker, shown),
        (r"/logo/([0-9a-f]{16})", logo.Logo, {}),
        (r"/api/([^/]{1,40})", Api, {}),
        (r"/files", uploads.Upload, {}),
        (r"/files/([A-Za-z0-9_-]{16,64})/([^/]{1,600})", uploads.Download, {}),
        (r"/backups/([0-9_-]{17})\.zip", backups.Download, {}),
        (r"/restore", backups.Restore, {}),
        (r"/security-key", backups.SecurityKey, {}),
        (r"/healthz", health.Healthz, {}),
        (r"/readyz", health.Readyz, {"look": health.Look()}),
        (r"/metrics", health.Metrics, {}),
        (r"/trust/(chatbox-ca\.crt|chatbox-ca\.der|chatbox\.mobileconfig)", trust.Certificate, {}),
        (r"/trust", assets.TrustPage, shown),
        (r"/trust/assets/([0-9a-f]{12})/([A-Za-z0-9_./-]{1,200})", assets.TrustFile, shown),
        (r"/trust/qr\.svg", trust.QrCode, {}),
        (r"/trust/ping", trust.Ping, {}),
        (r"/trust/about", trust.About, {}),
        (r"/ws", Socket, {}),
    ]
    return Application(
        list(routes),
        edge=edge,
        default_handler_class=Nowhere,
        log_function=log_request,
    )
