"""The settings of one machine: ONE table makes the typed values, chatbox.ini, `--help` and docs/settings.md.

A section is a frozen struct, and each field of it one setting: its type, its kind (how it is read, and its
range), what it does, and its default. So `settings.limits.text_bytes` is an `int` to the type checker too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, get_args, get_type_hints
from urllib.parse import urlsplit

from msgspec import Struct, structs

from chatbox.errors import StartError
from chatbox.kinds import (
    Choice,
    Database,
    Flag,
    Kind,
    Label,
    Listed,
    Network,
    Reached,
    Size,
    Text,
    Whole,
    did_you_mean,
    read_address,
    read_host,
    read_network,
)

# -- the table -----------------------------------------------------------------------------------------------

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
        "Reverse proxies whose word about a client's address is believed.",
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
    text_bytes: Annotated[int, Size(1, 16 * 2**20, lifts=True), "Longest message, in UTF-8.", CHANGEABLE] = (
        16 * 2**10
    )
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


class Storage(Struct, frozen=True):
    """Where everything is kept."""

    data: Annotated[
        str,
        Text(4096),
        "Data folder. Counts only in a file that is given by --config or lies next to the program. Empty: "
        "chosen at the start, which says which.",
    ] = ""
    database: Annotated[str, Database(), "Where the database is: empty for SQLite in the data folder."] = ""
    uploads: Annotated[str, Text(4096), "Folder for uploaded files. Empty: in the data folder."] = ""


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
_ROWS = {(row.section, row.key): row for row in TABLE}

Names = frozenset[str]  # of settings, as section.key


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


# -- reading -------------------------------------------------------------------------------------------------


class Item(Struct, frozen=True):
    """One value as it was given. A section's header in a file is an item with an empty key."""

    section: str
    key: str
    value: str
    file: str  # or the name of the command line option
    line: int | None = None  # from 1; None outside of files


class Problem(Struct, frozen=True):
    """One thing that is wrong with the settings, for a person."""

    message: str
    file: str
    line: int | None = None
    section: str = ""
    key: str = ""
    did_you_mean: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        guess = f' Did you mean "{self.did_you_mean}"?' if self.did_you_mean else ""
        return f"{place}: {self.message}{guess}"


class SettingsError(StartError):
    """The settings cannot be used: `problems` has everything that is wrong with them."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def override(text: str, option: str = "--set") -> Item:
    """Read SECTION.KEY=VALUE from the command line. Raises SettingsError."""
    found = re.fullmatch(r"\s*(\w+)\.(\w+)\s*=(.*)", text, re.DOTALL)
    if not found:
        raise SettingsError([Problem(f'expected SECTION.KEY=VALUE, got "{text}".', option)])
    return Item(found[1].casefold(), found[2].casefold(), found[3].strip(), option)


def last_value(items: Iterable[Item], section: str, key: str) -> str:
    """The value given last for a setting, unchecked; empty where there is none."""
    given = [item.value for item in items if (item.section, item.key) == (section, key)]
    return given[-1] if given else ""


def names_given(*items: Iterable[Item]) -> Names:
    """The settings that a file or the command line says something of."""
    return frozenset(f"{item.section}.{item.key}" for each in items for item in each if item.key)


def parse(
    items: Sequence[Item], overrides: Sequence[Item] = (), problems: Sequence[Problem] = ()
) -> Settings:
    """Check what a file and the command line say, and make the settings of it.

    Of two overrides of a setting the last wins; a file that names a setting twice is wrong. `problems` are
    those that reading the file has found already. Raises SettingsError with every problem at once.
    """
    found = [*problems, *_twice(items)]
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for item in (*items, *overrides):
        row = _ROWS.get((item.section, item.key))
        problem = _unknown(item) if row is None else _take(item, row, values[item.section])
        if problem:
            found.append(problem)
    groups: dict[str, Any] = {section: SECTIONS[section](**given) for section, given in values.items()}
    settings = Settings(**groups)
    found += _at_odds(settings, (*items, *overrides))
    if found:
        raise SettingsError(sorted(found, key=lambda problem: (problem.line is None, problem.line or 0)))
    return settings


def _at_odds(settings: Settings, items: Iterable[Item]) -> Iterable[Problem]:
    """What is right by itself and wrong together."""
    tls = settings.tls
    if tls.mode != "files" or tls.certificate:
        return
    for item in items:
        if (item.section, item.key, item.value.casefold()) == ("tls", "mode", "files"):
            message = "[tls] mode = files needs [tls] certificate, the file that it is in."
            yield Problem(message, item.file, item.line, "tls", "mode")


def _twice(items: Sequence[Item]) -> Iterable[Problem]:
    first: dict[tuple[str, str], int | None] = {}
    for item in items:
        if item.key and (item.section, item.key) in first:
            line = first[item.section, item.key]
            message = f"[{item.section}] {item.key} stands here and in line {line}. Remove one of them."
            yield Problem(message, item.file, item.line, item.section, item.key)
        first.setdefault((item.section, item.key), item.line)


def _unknown(item: Item) -> Problem | None:
    place = (item.file, item.line, item.section, item.key)
    if item.section not in SECTIONS:
        if item.key and item.line is not None:
            return None  # the header is reported, once for all that stands below it
        guess = did_you_mean(item.section, SECTIONS)
        return Problem(f"there is no section [{item.section}].", *place, guess)
    if not item.key:
        return None
    message = f'[{item.section}] has no setting "{item.key}".'
    elsewhere = [section for section, key in _ROWS if key == item.key]
    if elsewhere:
        return Problem(f"{message} It belongs in [{elsewhere[0]}].", *place)
    keys = [key for section, key in _ROWS if section == item.section]
    return Problem(message, *place, did_you_mean(item.key, keys))


def _take(item: Item, row: Setting, values: dict[str, Any]) -> Problem | None:
    try:
        values[item.key] = row.kind.read(item.value)
    except ValueError as error:
        shown = f'not "{item.value}"' if item.value else "not empty"
        comment = " A comment needs a line of its own." if re.search(r"\s[#;]", item.value) else ""
        message = f"[{item.section}] {item.key} {error}, {shown}.{comment}"
        return Problem(message, item.file, item.line, item.section, item.key)
    return None
