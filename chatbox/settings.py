"""The settings of one machine: ONE table makes the typed values, chatbox.ini, `--help` and docs/settings.md.

A section is a frozen struct, and each field of it one setting: its type, its kind (how it is read, and its
range), what it does, and its default. So `settings.limits.text_bytes` is an `int` to the type checker too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_type_hints
from urllib.parse import urlsplit

from msgspec import Struct, structs

from chatbox.kinds import (
    Choice,
    Flag,
    Key,
    Kind,
    Label,
    Listed,
    Network,
    Place,
    Reached,
    Service,
    Size,
    Text,
    Whole,
    read_address,
    read_host,
    read_network,
)

CHANGEABLE = "changeable"  # marks what admins may change while the server runs


class Server(Struct, frozen=True):
    """Where Chatbox listens, and what it is called."""

    host: Annotated[
        tuple[str, ...],
        Listed(read_address, "addresses of this machine", least=1),
        "Address to listen on. 0.0.0.0 is every IPv4 address of this machine, :: every address, and "
        "127.0.0.1 this machine alone.",
    ] = ("0.0.0.0",)
    port: Annotated[int, Whole(0, 65535), "Port to listen on. 0 takes any free one."] = 8642
    name: Annotated[
        str, Text(80), "Name of this server, shown to everyone. Empty: the name chosen on the setup page."
    ] = ""
    open_browser: Annotated[bool, Flag(), "Open the browser on this machine at the first start."] = True
    keep_awake: Annotated[
        bool, Flag(), "Keep this computer from falling asleep by itself while people are connected."
    ] = True
    hosts: Annotated[
        tuple[str, ...],
        Listed(read_host, "host names"),
        "Further names by which browsers may address this server, besides its addresses and the machine's "
        "own name.",
    ] = ()
    address: Annotated[
        str,
        Reached(),
        "The address to give to others, where the one that is found is not the right one.",
    ] = ""
    local_name: Annotated[
        str,
        Label(),
        "Name on the local network: chatbox is chatbox.local there. A first start takes chatbox-2 and so on "
        "where another machine has it already. Empty: no name.",
    ] = "chatbox"
    short_address: Annotated[
        bool,
        Flag(),
        "Lead from port 80 to this server, so that its address can be typed without a port. Where port 80 is "
        "taken or not allowed, nothing happens.",
    ] = True
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Listed(read_network, "address ranges like 10.0.0.0/8"),
        "Reverse proxies whose word about a client's address is believed. Name them alone, not the network "
        "that people are in.",
    ] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which browsers may address this server; an address among them does no harm."""
        chosen = urlsplit(self.address if "://" in self.address else f"//{self.address}").hostname
        local = f"{self.local_name}.local" if self.local_name else None
        return (*self.hosts, *filter(None, (chosen, local)))


class Limits(Struct, frozen=True):
    """What one person, one connection or one message may use up."""

    messages_per_second: Annotated[
        int,
        Whole(1, 1_000_000, lifts=True),
        "Messages that one person may send per second, in the long run.",
        CHANGEABLE,
    ] = 5
    messages_burst: Annotated[
        int,
        Whole(1, 1_000_000, lifts=True),
        "Messages that one person may send at once after a pause.",
        CHANGEABLE,
    ] = 20
    frame_bytes: Annotated[
        int, Size(1024, 16 * 2**20, lifts=True), "Largest request over a live connection."
    ] = 64 * 2**10
    text_bytes: Annotated[
        int,
        Size(1, 16 * 2**20, lifts=True),
        "Longest message, in UTF-8: 1 KB is about 1000 letters of English, or 340 Chinese characters.",
        CHANGEABLE,
    ] = 16 * 2**10
    connections_per_user: Annotated[
        int,
        Whole(1, 1_000_000, lifts=True),
        "Windows and devices that one person may have open at once.",
        CHANGEABLE,
    ] = 20
    connections_per_address: Annotated[
        int, Whole(1, 1_000_000, lifts=True), "Live connections from one network address."
    ] = 200
    file_bytes: Annotated[int, Size(1024, 100 * 2**30), "Largest file that can be uploaded.", CHANGEABLE] = (
        25 * 2**20
    )
    queue: Annotated[
        int,
        Whole(10, 1_000_000),
        "Changes that may wait to be stored until the server answers that it is busy.",
    ] = 10_000


class People(Struct, frozen=True):
    """Accounts."""

    recover_admin: Annotated[
        str,
        Text(64),
        "Name of an admin who cannot sign in any more. The next start prints a link for a new password, "
        "once, ends this admin's sign-ins and tokens, and comments this line out.",
    ] = ""
    session_days: Annotated[
        int,
        Whole(1, 3650, unit="days"),
        "Days without use after which a device must sign in again.",
        CHANGEABLE,
    ] = 90
    networks: Annotated[
        tuple[Network, ...],
        Listed(read_network, "address ranges like 10.0.0.0/8"),
        "Public addresses that count as this network where anyone on it may join. Private ones always do.",
        CHANGEABLE,
    ] = ()


class Storage(Struct, frozen=True):
    """Where everything is kept."""

    data: Annotated[
        str,
        Text(4096),
        "Data folder. Counts only in a file that is given by --config or lies next to the program. Empty: "
        "chosen at the start, which says which.",
    ] = ""
    database: Annotated[
        str,
        Service(("postgresql", "postgres"), "/[^/]+", "postgresql://name:password@10.0.0.5/chatbox"),
        "Where the database is, in a PostgreSQL. Empty: SQLite in the data folder.",
    ] = ""
    uploads: Annotated[
        str,
        Place(4096),
        "Folder for uploaded files. With a PostgreSQL a bucket as well, which [s3] says more of. Empty: in "
        "the data folder.",
    ] = ""

    @property
    def in_bucket(self) -> bool:
        """Whether uploads are in a bucket, not in a folder."""
        return self.uploads.startswith("s3://")


class S3(Struct, frozen=True):
    """The bucket for uploads, where [storage] uploads names one."""

    endpoint: Annotated[
        str,
        Service(("https", "http"), "/?", "https://s3.example.org"),
        "Address of a storage that is used as S3 is. Empty: Amazon's own.",
    ] = ""
    region: Annotated[
        str, Text(64), "Region that the bucket is in. Empty: what AWS_DEFAULT_REGION says, or us-east-1."
    ] = ""
    access_key: Annotated[
        str,
        Text(128),
        "The key that the storage has given. Empty: what Amazon's own tools would use, such as "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ] = ""
    secret_key: Annotated[str, Key(8), "The secret that was given with it."] = ""


class Cluster(Struct, frozen=True):
    """More than one process or machine with one database, which is in PostgreSQL then."""

    redis: Annotated[
        str,
        Service(("redis", "rediss"), "/?|/[0-9]+", "redis://10.0.0.5:6379 (rediss:// is encrypted)"),
        "Where the Redis is that carries what happens on one node to the others. Empty: this is the only "
        "node.",
    ] = ""
    key: Annotated[
        str,
        Key(16),
        "A secret that all nodes have and nobody else, such as 32 random letters. By it they know each "
        "other.",
    ] = ""


class Tls(Struct, frozen=True):
    """Encryption: HTTPS on the same port as HTTP."""

    mode: Annotated[
        str,
        Choice(("auto", "off", "required", "files")),
        "auto: with certificates of this server's own, which devices take that were shown how at /trust. "
        "files: with the certificate that is given here. required: encrypted connections only, with the "
        "certificate that is given here or else as auto. off: plain HTTP only.",
    ] = "auto"
    certificate: Annotated[
        str,
        Text(4096),
        "File in PEM format with this server's certificate, and those between it and its authority; for the "
        "modes files and required. Taken over anew when it changes.",
    ] = ""
    key: Annotated[
        str,
        Text(4096),
        "File in PEM format with the private key of the certificate. Empty: in the file of the certificate.",
    ] = ""


class Backup(Struct, frozen=True):
    """Backups that Chatbox makes by itself. One file with everything: `chatbox backup FILE.zip`."""

    schedule: Annotated[
        str,
        Choice(("daily", "off")),
        "daily: every night at three, or as soon as Chatbox runs again. off: none.",
    ] = "daily"
    folder: Annotated[
        str,
        Text(4096),
        "Folder for them; best on another disk. Empty: in the data folder.",
    ] = ""
    keep_daily: Annotated[int, Whole(1, 1000), "How many days keep their latest backup."] = 7
    keep_weekly: Annotated[int, Whole(0, 1000), "How many weeks keep their latest backup."] = 4
    keep_monthly: Annotated[int, Whole(0, 1000), "How many months keep their latest backup."] = 12


class Log(Struct, frozen=True):
    """What is written to logs/chatbox.log in the data folder."""

    level: Annotated[
        str, Choice(("info", "debug", "warning")), "How much to write: debug is most, warning least."
    ] = "info"


class Settings(Struct, frozen=True):
    """The checked settings of one run."""

    server: Server = Server()
    limits: Limits = Limits()
    people: People = People()
    storage: Storage = Storage()
    s3: S3 = S3()
    cluster: Cluster = Cluster()
    tls: Tls = Tls()
    backup: Backup = Backup()
    log: Log = Log()


class Setting(Struct, frozen=True):
    """One row of the table."""

    section: str
    key: str
    kind: Kind
    help: str
    default: Any
    changeable: bool = False  # by an admin, while it runs; unless the file or the command line says it

    @property
    def name(self) -> str:
        """As on the command line: section.key."""
        return f"{self.section}.{self.key}"

    @property
    def shown_default(self) -> str:
        """The default as it would stand in the file; empty where it is empty."""
        return self.kind.show(self.default)


def _rows(section: str, group: type[Struct]) -> Iterable[Setting]:
    hints = get_type_hints(group, include_extras=True)
    for field in structs.fields(group):
        _, kind, text, *marks = get_args(hints[field.name])
        yield Setting(section, field.name, kind, text, field.default, CHANGEABLE in marks)


SECTIONS: Mapping[str, type[Struct]] = get_type_hints(Settings)
TABLE: tuple[Setting, ...] = tuple(row for name, group in SECTIONS.items() for row in _rows(name, group))
ROWS = {(row.section, row.key): row for row in TABLE}

Given = Mapping[str, str]  # settings that something is said of, as section.key; and where, for a person


def value_of(settings: Settings, row: Setting) -> Any:
    """What a setting is set to."""
    return getattr(getattr(settings, row.section), row.key)


def changed(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The same settings but for these values, by section.key."""
    groups: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        group = groups.get(section, getattr(settings, section))
        groups[section] = structs.replace(group, **{key: value})
    return structs.replace(settings, **groups)
