"""The servers under measurement: started on their core, stopped at the end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.certificate import Certificate
from benchmarks.machine import SERVER_CORE, pinned

HERE = Path(__file__).parent
ROOT = HERE.parent
BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
CHATBOX = "chatbox"
SECURE = "chatbox-tls"
RIVALS = {  # name -> its command line, but for the port
    "ws": ["node", str(HERE / "rivals" / "ws_server.mjs")],
    "websockets": [str(BENCH_PYTHON), str(HERE / "rivals" / "websockets_server.py")],
    "tornado": [str(BENCH_PYTHON), str(HERE / "rivals" / "tornado_server.py")],
    "socketify": [str(BENCH_PYTHON), str(HERE / "rivals" / "socketify_server.py")],
}
SHOWN = {
    CHATBOX: "Chatbox",
    SECURE: "Chatbox over TLS",
    "ws": "Node ws",
    "websockets": "websockets",
    "tornado": "plain Tornado",
    "socketify": "uWebSockets",
}
STARTS_WITHIN = 30.0  # seconds
STOPS_WITHIN = 20.0
LIFTED = {  # one machine makes the load of many people
    "limits.messages_per_second": "0",
    "limits.connections_per_user": "0",
    "limits.connections_per_address": "0",
    "log.level": "warning",
}


class Running(NamedTuple):
    """A server that accepts connections. `people`: the file of tokens and rooms where it wants sign-ins.
    `trusted`: its certificate, where it speaks TLS."""

    name: str
    port: int
    pid: int
    people: Path | None = None
    trusted: Path | None = None


class StartError(Exception):
    """A server did not start; the text has what it printed."""


@contextmanager
def chatbox(
    folder: Path, population: Path, tls: Certificate | None = None, source: Path = ROOT
) -> Iterator[Running]:
    """Chatbox in its shipped form on a fresh copy of a population, made in `folder`. `source`: the clone that
    it is run from."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="run-") as name:
        own = Path(name)
        shutil.copytree(population / "data", own / "data")
        ready = own / "ready.json"
        words = [sys.executable, str(source / "chatbox.py"), "--no-browser", "--host", "127.0.0.1"]
        words += ["--port", "0", "--data", str(own / "data"), "--ready-file", str(ready)]
        settings = LIFTED | (_tls(tls) if tls else {})
        for key, value in settings.items():
            words += ["--set", f"{key}={value}"]
        with _process(words, own, source) as process:
            _wait(process, own, ready.exists)
            port = json.loads(ready.read_text())["port"]
            trusted = tls.certificate if tls else None
            yield Running(CHATBOX, port, process.pid, population / "people.txt", trusted)


def _tls(tls: Certificate) -> dict[str, str]:
    return {"tls.mode": "files", "tls.certificate": str(tls.certificate), "tls.key": str(tls.key)}


@contextmanager
def rival(name: str, folder: Path) -> Iterator[Running]:
    """One of `RIVALS`."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="run-") as place:
        port = _free_port()
        with _process([*RIVALS[name], str(port)], Path(place), HERE) as process:
            _wait(process, Path(place), lambda: _accepts(port))
            yield Running(name, port, process.pid)


def usable(names: list[str], folder: Path) -> list[str]:
    """Those rivals that start on this machine; says which do not, and why."""
    found = []
    for name in names:
        try:
            with rival(name, folder):
                found.append(name)
        except (StartError, OSError) as error:
            print(f"{SHOWN[name]} does not run here and is left out: {error}", flush=True)
    return found


@contextmanager
def _process(words: list[str], place: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    home = {name: str(place) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with (place / "log.txt").open("wb") as log, pinned(SERVER_CORE):
        process = subprocess.Popen(
            words, cwd=folder, env=os.environ | home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], place: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError((place / "log.txt").read_text(errors="replace")[-2000:] or "it said nothing")
        time.sleep(0.01)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
