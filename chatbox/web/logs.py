"""What the web edge writes to the log: one line for a request, and nothing that a client can forge.

Tornado's own loggers speak of hostile bytes as warnings; a client's mistake is no trouble of this server's,
so they end here as DEBUG. Real failures stay ERROR.
"""

from __future__ import annotations

import logging

from tornado.web import RequestHandler

from chatbox.rules.text import escape_controls

log = logging.getLogger("chatbox.web")

_TORNADO = ("tornado.general", "tornado.access", "tornado.application")


class _Calm(logging.Filter):
    """Lets a client's mistakes through at DEBUG only, on one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = escape_controls(record.getMessage()), None
        if record.levelno >= logging.ERROR:
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return log.isEnabledFor(logging.DEBUG)


_calm = _Calm()


def calm_tornado() -> None:
    """Route Tornado's own log lines through here. Calling it again changes nothing."""
    for name in _TORNADO:
        logging.getLogger(name).addFilter(_calm)


def log_request(handler: RequestHandler) -> None:
    """One DEBUG line for a finished request; without the query, which may hold names of files."""
    if log.isEnabledFor(logging.DEBUG):
        request = handler.request
        path = escape_controls(request.path[:200])
        took = 1000 * request.request_time()
        log.debug(
            "%s %s %d from %s in %.1f ms", request.method, path, handler.get_status(), _peer(handler), took
        )


def _peer(handler: RequestHandler) -> str:
    return escape_controls(str(getattr(handler, "client", None) or handler.request.remote_ip))
