"""Which folders cannot hold a database: temporary, cloud-synced and network ones.

SQLite's WAL needs shared memory between processes, which network file systems do not give
(https://www.sqlite.org/wal.html, "Disadvantages"), and a sync client copies a database that is half written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from msgspec import Struct

# fmt: off
_NETWORK_TYPES = frozenset((
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "ftp", "glusterfs", "gpfs",
    "lustre", "ncpfs", "ncp", "nfs", "nfs4", "orangefs", "smb", "smb2", "smb3", "smbfs", "webdav",
))
_NETWORK_FUSE = frozenset((
    "afp-fuse", "beegfs", "ceph", "cephfs", "curlftpfs", "davfs2", "gcsfuse", "glusterfs",
    "google-drive-ocamlfuse", "goofys", "gvfsd-fuse", "mfs", "onedriver", "rclone", "s3fs", "seaweedfs",
    "smbnetfs", "sshfs",
))
# fmt: on
_CLOUD_FOLDERS = (
    (r"onedrive( - .*)?", "OneDrive"),
    (r"dropbox( \(.*\))?", "Dropbox"),
    (r"google ?drive(-.*)?|my drive", "Google Drive"),
    (r"icloud ?drive|mobile documents", "iCloud"),
    (r"nextcloud\d*", "Nextcloud"),
    (r"owncloud\d*", "ownCloud"),
    (r"pclouddrive|pcloud drive", "pCloud"),
    (r"box sync", "Box"),
    (r"cloudstorage", "a cloud service"),  # macOS: ~/Library/CloudStorage
)
_CLOUD_VARIABLES = (
    ("OneDrive", "OneDrive"),
    ("OneDriveCommercial", "OneDrive"),
    ("OneDriveConsumer", "OneDrive"),
)


class Mount(Struct, frozen=True):
    """A mounted file system: where, and its type as the system calls it."""

    point: str
    kind: str


def parse_proc_mounts(text: str) -> list[Mount]:
    """Read /proc/mounts (proc_pid_mounts(5)): spaces in paths are written as \\040."""
    fields = (line.split(" ") for line in text.splitlines())
    return [
        Mount(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field[1]), field[2])
        for field in fields
        if len(field) > 2
    ]


def parse_mount_command(text: str) -> list[Mount]:
    """Read what `mount` prints on macOS and BSD: `//host/share on /Volumes/share (smbfs, nodev)`."""
    found = (re.fullmatch(r".* on (/.*) \((\w+)[,)].*", line) for line in text.splitlines())
    return [Mount(match[1], match[2]) for match in found if match]


def network_type(path: PurePath, mounts: Iterable[Mount]) -> str | None:
    """The type of the network file system that holds a path; None where it is a local one."""
    holder: Mount | None = None
    for mount in mounts:  # of two at one place the later hides the earlier
        if path.is_relative_to(mount.point) and (holder is None or len(mount.point) >= len(holder.point)):
            holder = mount
    if holder is None:
        return None
    kind, _, fuse = holder.kind.partition(".")
    return holder.kind if kind in _NETWORK_TYPES or fuse in _NETWORK_FUSE else None


def cloud_service(path: PurePath, environment: Mapping[str, str]) -> str | None:
    """The service that keeps a path in step with a cloud, as far as names tell."""
    for variable, service in _CLOUD_VARIABLES:
        root = environment.get(variable)
        if root and path.is_relative_to(root):
            return service
    for part in path.parts:
        for pattern, service in _CLOUD_FOLDERS:
            if re.fullmatch(pattern, part.casefold()):
                return service
    return None


def is_temporary(path: PurePath, roots: Iterable[PurePath], home: PurePath) -> bool:
    """Whether a path lies in a folder that the system empties.

    Where the home folder itself lies there, all of the account is as short-lived as it is meant to be (a
    container, a trial), and no better place exists: then nothing counts as temporary.
    """
    roots = tuple(roots)
    if any(home.is_relative_to(root) for root in roots):
        return False
    return any(path.is_relative_to(root) for root in roots)
