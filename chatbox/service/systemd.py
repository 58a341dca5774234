"""The unit for systemd: of one person, or of the system. https://www.freedesktop.org/software/systemd/man/systemd.exec.html

`Type=notify`: it counts as started once connections are taken. The executable is two processes, of which the
inner one says so, hence `NotifyAccess=all`; a stop is told to the outer one alone, which passes it on.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from chatbox.service.plans import MISSING, RUNNING, STOPPED, Plan, Service, Step

UNIT = "chatbox.service"
STATE = PurePosixPath("/var/lib")
HOMES = (PurePosixPath("/home"), PurePosixPath("/root"), PurePosixPath("/run/user"))

# Takes nothing that an account without rights does not have.
_ALWAYS = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
"""
# Needs namespaces, which not every system grants to the services of one person.
_NAMESPACES = """\
ProtectSystem=strict
PrivateTmp=yes
ProtectControlGroups=yes
ProtectKernelTunables=yes
"""
_SYSTEM = """\
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
"""


def unit(service: Service, namespaces: bool = True) -> str:
    """The text of the unit. `namespaces`: whether this system grants them to it."""
    after = "After=network-online.target\nWants=network-online.target\n" if service.system else ""
    return f"""\
# Written by "chatbox service install"; "chatbox service remove" takes it away.
[Unit]
Description=Chatbox, a chat server for the local network
{after}
[Service]
Type=notify
NotifyAccess=all
ExecStart={_line(service.command)}
KillMode=mixed
Restart=on-failure
RestartSec=3
RestartPreventExitStatus=2 5
TimeoutStartSec=infinity
TimeoutStopSec=45
LimitNOFILE=65536
CacheDirectory=chatbox
Environment=TMPDIR=%C/chatbox
{_whose(service)}{_sandbox(service, namespaces)}
[Install]
WantedBy={"multi-user.target" if service.system else "default.target"}
"""


def _line(words: tuple[str, ...]) -> str:
    return " ".join(quoted(word).replace("$", "$$") for word in words)


def _whose(service: Service) -> str:
    if not service.system:
        return ""
    lines = [f"User={service.account}" if service.account else "DynamicUser=yes"]
    if keeps_state(service):
        lines += [f"StateDirectory={quoted(PurePosixPath(service.data).name)}", "StateDirectoryMode=0700"]
    return "\n".join(lines) + "\n"


def keeps_state(service: Service) -> bool:
    """Whether systemd makes the data folder and gives it to the account: one directly below /var/lib."""
    return service.system and PurePosixPath(service.data).parent == STATE


def _sandbox(service: Service, namespaces: bool) -> str:
    text = _ALWAYS
    if service.system or namespaces:
        text += _NAMESPACES
        folders = [path for path in service.writable if not (keeps_state(service) and path == service.data)]
        needed = ["" if path == service.data else "-" for path in folders]  # else the start would fail
        text += "".join(
            f"ReadWritePaths={quoted(f'{mark}{path}')}\n" for mark, path in zip(needed, folders, strict=True)
        )
    if service.system:
        paths = (service.words[0], service.words[-1], *map(str, service.writable))
        text += f"ProtectHome={'read-only' if any(map(in_a_home, paths)) else 'yes'}\n" + _SYSTEM
    return text


def in_a_home(path: str) -> bool:
    """Whether it lies in the home folder of some person."""
    return any(PurePosixPath(path).is_relative_to(home) for home in HOMES)


def quoted(word: str) -> str:
    """A word or a path, as a unit spells it: systemd.syntax(7), "Quoting"."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{word}"' if not word or set(word) & set(" \\\"';#") else word


def plan(service: Service, namespaces: bool = True) -> Plan:
    """How it is done with systemctl."""
    manage = ("systemctl",) if service.system else ("systemctl", "--user")
    folder = PurePosixPath("/etc/systemd/system")
    if not service.system:
        folder = PurePosixPath(service.home) / ".config/systemd/user"
    again = Step((*manage, "daemon-reload"))
    enable = Step((*manage, "enable", UNIT), "It starts with this computer.")
    disable = Step((*manage, "disable", UNIT), "It starts no more.", "It did not start by itself.")
    start = Step((*manage, "restart", UNIT), "It runs now.")
    stop = Step((*manage, "disable", "--now", UNIT), "It is stopped, and starts no more.", "It did not run.")
    linger = Step(
        ("loginctl", "enable-linger", service.account),
        "It keeps running while you are not signed in (loginctl disable-linger ends that).",
        f"It will stop when you sign out. To keep it running:  sudo loginctl enable-linger {service.account}",
    )
    log = f"journalctl {'' if service.system else '--user '}-u chatbox"
    return Plan(
        file=folder / UNIT,
        content=unit(service, namespaces).encode(),
        mark=_line(service.named),
        enable=(again, enable, *(() if service.system else (linger,))),
        start=(start,),
        disable=(disable, again),
        remove=(stop, again),
        status=(*manage, "show", UNIT, "--property=LoadState,ActiveState,MainPID"),
        notes=(
            f"What it says, the setup code of a new server included:  {log}",
            f"Start, stop:  {' '.join(manage)} start|stop chatbox",
        ),
    )


def state(code: int, output: str) -> str:
    """What the status command says."""
    found = dict(line.partition("=")[::2] for line in output.splitlines())
    if code or found.get("LoadState") != "loaded":
        return MISSING
    return RUNNING if found.get("ActiveState") in ("active", "activating", "reloading") else STOPPED
