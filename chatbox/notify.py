"""Telling systemd, or whoever else started this as a service, that it is ready or stopping: sd_notify(3)."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"


def tell(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send this, where NOTIFY_SOCKET names somebody who wants to know; never an error."""
    name = environment.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return
    address = "\0" + name[1:] if name.startswith("@") else name  # an abstract one: unix(7)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.settimeout(1.0)
            to.connect(address)
            to.send(state.encode())
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null character
        log.warning("%s could not be told to NOTIFY_SOCKET: %s", state, error)
