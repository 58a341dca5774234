"""Installs the executable as a service where systemd runs: `python -m tests.executable.booted dist/chatbox`.

Needs Linux, root and systemd-nspawn (Debian's systemd-container, with dbus). What boots is this machine's own
system with a layer over it that takes everything that is written, and no network but its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 300
WELL = "all is well"

SCRIPT = """\
#!/bin/sh
exec >/result.txt 2>&1
trap 'systemctl poweroff' EXIT
set -eux
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
echo plum-trout-lantern-9 >/password
chmod 644 /password
until_active() {{ for _ in $(seq 60); do systemctl is-active -q chatbox && return; sleep 1; done; return 1; }}

# of the system, under an account that comes and goes
! chatbox service status
chatbox service install
chatbox service status
test "$(systemctl show chatbox -p Type --value)" = notify
chatbox user add ada --admin --password-file /password --data /var/lib/chatbox
systemctl stop chatbox
test "$(systemctl show chatbox -p Result --value)" = success
chatbox user add ben --password-file /password --data /var/lib/chatbox  # by root, while it is stopped
systemctl start chatbox
chatbox check --data /var/lib/chatbox
kill -9 "$(systemctl show chatbox -p MainPID --value)"
sleep 1
until_active
chatbox service install  # again, over the one that runs
systemd-analyze security --threshold=25 --no-pager chatbox
chatbox service remove
! chatbox service status

# of the system, under an account with a folder of its own
useradd --create-home ann
install -d -o ann -m 700 /srv/chat
chatbox service install --account ann --data /srv/chat
test -z "$(find /srv/chat ! -user ann)"
chatbox service remove

# of a person
loginctl enable-linger ann
export XDG_RUNTIME_DIR="/run/user/$(id -u ann)"
for _ in $(seq 60); do test -S "$XDG_RUNTIME_DIR/bus" && break; sleep 1; done
install -D -o ann /usr/local/bin/chatbox /home/ann/bin/chatbox
cd /home/ann
person() {{ runuser -u ann -- env HOME=/home/ann "$@"; }}
person bin/chatbox service install | tee /said
grep -q "while you are not signed in" /said
person bin/chatbox service status
person bin/chatbox user add ada --admin --password-file /password
person bin/chatbox service remove
! person bin/chatbox service status
echo {well}
"""

UNIT = """\
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/script
"""


def prepare(root: Path, executable: Path) -> None:
    """What the system that boots finds besides its own."""
    (root / "usr/local/bin/chatbox").write_bytes(executable.read_bytes())
    (root / "usr/local/bin/chatbox").chmod(0o755)
    (root / "script").write_text(SCRIPT.format(well=WELL))
    (root / "script").chmod(0o755)
    units = root / "etc/systemd/system"
    (units / "script.service").write_text(UNIT)
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "script.service").symlink_to("../script.service")
    (root / "etc/machine-id").unlink(missing_ok=True)  # nspawn takes no twin
    (root / "etc/machine-id").write_text("1" * 32 + "\n")


def boot(root: Path) -> str:
    """Boot the system in this folder until it powers itself off; what the script said."""
    words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--boot"]
    subprocess.run(
        [*words, f"--directory={root}", "systemd.unit=multi-user.target"],
        cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    result = root / "result.txt"
    return result.read_text(errors="replace") if result.exists() else "it did not boot\n"


def main(executable: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="chatbox-booted-", ignore_cleanup_errors=True) as folder:
        upper, work, root = (Path(folder) / name for name in ("upper", "work", "root"))
        for each in (upper, work, root):
            each.mkdir()
        layers = f"lowerdir=/,upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
        try:
            prepare(root, executable)
            said = boot(root)
        finally:
            subprocess.run(["umount", root], check=True)
    print(said, end="")
    return 0 if WELL in said.splitlines() else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
