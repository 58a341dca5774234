"""The port that is listened on, what to do where it cannot be had, and the way there from port 80."""

from __future__ import annotations

import errno
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tornado.web import Application

from chatbox.errors import NetworkError
from chatbox.rules.hosts import is_loopback
from chatbox.settings import Settings
from chatbox.web.base import Edge, Handler
from chatbox.web.listener import Listener, make_listener
from chatbox.web.logs import log_request

log = logging.getLogger("chatbox.ports")

SPARE = 10  # ports that a first start tries after its own
_WAITING = 4096  # connections that the kernel may hold until they are accepted: a whole crowd that comes back
_SHORT = 80  # the port that nobody has to type
_WINDOWS_REFUSES = 10013  # WSAEACCES, which Python may have made EACCES


def listen(settings: Settings, config: Path, spare: int = 0) -> list[socket.socket]:
    """Bind every address of the settings to the same port; where it is not to be had to one of the `spare`
    next ones. Raises `NetworkError` with the remedy."""
    port = settings.server.port
    for candidate in range(port, port + spare + 1):
        try:
            return _bind(settings.server.host, candidate)
        except _Refused as refused:
            error = refused
            if not (refused.is_taken and candidate < port + spare):
                break
    raise NetworkError(explain(error.error, error.host, port, config)) from error.error


class _Refused(Exception):
    def __init__(self, error: OSError, host: str) -> None:
        super().__init__(error)
        self.error = error
        self.host = host

    @property
    def is_taken(self) -> bool:
        """Whether the next port may be free."""
        return self.error.errno == errno.EADDRINUSE or _is_reserved(self.error)


def _bind(hosts: Sequence[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    for host in hosts:
        both = host == "::" and "0.0.0.0" not in hosts
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                sockets.append(_listen(family, (address[0], port, *address[2:]), both=both))
                port = port or sockets[0].getsockname()[1]
        except OSError as error:
            for each in sockets:
                each.close()
            raise _Refused(error, host) from error
    return sockets


def _listen(family: int, address: tuple[Any, ...], *, both: bool) -> socket.socket:
    """One listening socket; one of IPv6 for `both`, or for IPv6 alone."""
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs listen at one port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        made.setblocking(False)
        made.bind(address)
        made.listen(_WAITING)
    except OSError:
        made.close()
        raise
    return made


def _is_reserved(error: OSError) -> bool:
    return _WINDOWS_REFUSES in (error.errno, getattr(error, "winerror", None))


def explain(error: OSError, host: str, port: int, config: Path, system: str = sys.platform) -> str:
    """What keeps the server from listening, and what to do about it; `system` as in `sys.platform`."""
    other = f"choose another port in {config}:  [server] port = {port + 1}"
    if error.errno == errno.EADDRINUSE:
        who = f"netstat -ano | findstr :{port}" if system == "win32" else f"lsof -i :{port}"
        return (
            f"Chatbox cannot start: port {port} is already used by another program.\n"
            f"  - Close that program (which one:  {who}), or\n"
            f"  - {other}\n"
            "    The address of your chat changes with it."
        )
    if _is_reserved(error):
        return (
            f"Windows does not allow port {port}: it lies in a range that is reserved. See them all:\n"
            "    netsh interface ipv4 show excludedportrange protocol=tcp\n"
            f"  Outside of them {other}"
        )
    if error.errno == errno.EACCES:
        text = f"Port {port} needs permission. Choose one above 1023, with --port or in {config}"
        return text + (
            ".\n  On Linux also:  sudo setcap cap_net_bind_service=+ep ./chatbox" if port < 1024 else "."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. Correct --host, or [server] host in {config}."
    return f"{host} port {port} cannot be listened on: {error.strerror}."


class Elsewhere(Handler):
    """Leads every address to the same one at the server's own port, for now: nothing is remembered of it."""

    def initialize(self, port: int) -> None:
        self.port = port

    def answers_plainly(self) -> bool:
        return True

    async def get(self) -> None:
        host = self.request.headers["Host"]
        bare = host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]
        scheme = "https" if self.edge.only_encrypted else "http"
        target = self.request.uri or ""
        path = target if target.startswith("/") else "/"
        self.set_status(307)
        self.set_header("Location", f"{scheme}://{bare}:{self.port}{path}")
        self.finish()

    head = get


def open_short_way(edge: Edge, port: int, own: Listener, short: int = _SHORT) -> Listener | None:
    """Lead from port 80 to the server's own; None where that is taken, not allowed, or nobody could come."""
    server = edge.ctx.settings.server
    hosts = [host for host in server.host if not is_loopback(host)]
    if not server.short_address or not hosts or port == short:
        return None
    try:
        sockets = _bind(hosts, short)
    except _Refused as refused:
        log.info("port %d leads nowhere: %s", short, refused.error.strerror)
        return None
    app = Application(
        edge=edge,
        default_handler_class=Elsewhere,
        default_handler_args={"port": port},
        log_function=log_request,
    )
    listener = make_listener(app, edge.ctx.settings, lambda: 0)
    listener.share_room(own)
    listener.add_sockets(sockets)
    return listener
