"""Machines on a network that is made of nothing: network namespaces of Linux, with interfaces as a test wants
them. Making them takes root; where that is not to be had the test is skipped, with CHATBOX_CI=1 it fails."""

from __future__ import annotations

import ctypes
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.harness.needs import need, works
from tests.harness.process import ROOT, Server, program


class Host:
    """A machine of its own as far as the network is concerned: it has nothing but loopback at first."""

    def __init__(self, name: str) -> None:
        self.name = name  # of the namespace
        _ip("netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def words(self, *command: str) -> list[str]:
        """The words with which a command runs on this machine. Not by `ip netns exec`, which would hold on to
        the disks that are mounted at the moment."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    def run(self, *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run a command there to its end, which must be a good one. Gives what it printed."""
        done = subprocess.run(
            self.words(*command), cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ip(self, *words: str) -> None:
        """Change something about its network."""
        _ip("-n", self.name, *words)

    def move(self, name: str, old: str, new: str) -> None:
        """Give an interface another address, as a router does after a while."""
        self.ip("address", "del", old, "dev", name)
        self.ip("address", "add", new, "dev", name)

    def bridge(self, name: str, address: str) -> None:
        """An interface as Docker and libvirt make it."""
        self.ip("link", "add", name, "type", "bridge")
        self.up(name, address)

    def tunnel(self, name: str, address: str) -> None:
        """An interface as a VPN makes it."""
        self.ip("tuntap", "add", "dev", name, "mode", "tun")
        self.up(name, address)

    def pair(self, name: str, address: str, other: Host | None = None, peer: str = "eth0") -> None:
        """A cable; the other end lies loose, or is the interface `peer` of another machine."""
        end = f"v{secrets.token_hex(4)}"
        self.ip("link", "add", name, "type", "veth", "peer", "name", end)
        if other is not None:
            self.ip("link", "set", end, "netns", other.name)
            other.ip("link", "set", end, "name", peer)
            other.ip("link", "set", peer, "up")
        else:
            self.ip("link", "set", end, "up")
        self.up(name, address)

    def up(self, name: str, address: str) -> None:
        """Let an interface that is there have an address, and work."""
        self.ip("address", "add", address, "dev", name)
        self.ip("link", "set", name, "up")

    def remove(self) -> None:
        """Take the machine off again, with all its interfaces."""
        _ip("netns", "delete", self.name)


class Cable:
    """From one machine to another one; `name` is the interface of both, `number` its own among theirs."""

    def __init__(self, near: Host, far: Host, name: str, number: int) -> None:
        self.near, self.far = f"10.64.{number}.1", f"10.64.{number}.2"  # the addresses here and there
        self._end = (near, name)
        far.pair(name, f"{self.far}/30", near, name)
        near.up(name, f"{self.near}/30")

    def pull(self) -> None:
        """Nobody is told of anything: what is on its way gets lost, and so does all that follows."""
        host, name = self._end
        host.ip("link", "set", name, "down")

    def plug(self) -> None:
        host, name = self._end
        host.ip("link", "set", name, "up")


@contextmanager
def inside(host: Host) -> Iterator[None]:
    """This thread, and whatever it starts, is on that machine meanwhile: setns(2)."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{host.name}") as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(home.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0):
        raise OSError(ctypes.get_errno(), "setns")


# The server, which looks around every second, not every fifteen or sixty.
_HURRIED = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
import chatbox.lan.mdns, chatbox.lookout
chatbox.lan.mdns.EVERY, chatbox.lookout._LOOK, chatbox.lookout._JUMP = 1.0, 1, 1.0
sys.argv = [sys.argv[1] + "/chatbox.py", *sys.argv[2:]]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Desk(Server):
    """A server on such a machine, listening as it does by itself. Its port is the same inside."""

    def __init__(
        self,
        folder: Path,
        host: Host,
        settings: dict[str, str] | None = None,
        desk: dict[str, str] | None = None,
    ) -> None:
        super().__init__(folder, settings, desk)
        self.host = host
        self.program = host.words(*program())
        self.place = []

    def hurry(self) -> None:
        """Look around more often from the next start on; runs from source."""
        self.program = self.host.words(sys.executable, "-c", _HURRIED, str(ROOT))

    def command_line(self, *words: str) -> str:
        """One command of the command line on that machine, which must end well. Gives what it printed."""
        return self.host.run(*program(), *words, "--data", str(self.data), env=self.environment)


@contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """So many machines, which are gone in the end."""
    need(
        works("ip", "netns", "list") and works("nsenter", "--version") and os.geteuid() == 0,
        "root, and iproute2",
    )
    probe = f"chatbox-{secrets.token_hex(4)}"
    allowed = works("ip", "netns", "add", probe)
    works("ip", "netns", "delete", probe)
    need(allowed, "a system that allows network namespaces")
    made: list[Host] = []
    try:
        for name in names:
            made.append(Host(f"chatbox-{name}-{secrets.token_hex(4)}"))
        yield made
    finally:
        for host in made:
            host.remove()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)
