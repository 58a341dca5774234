"""The grammar of the command line, with the table of settings in its help."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from chatbox.rules.firewall import SYSTEMS
from chatbox.settings import ROWS, TABLE
from chatbox.settings_parser import Item
from chatbox.startup import Arguments

_SERVE_ONLY = ("host", "port", "no_browser", "ready_file")
_EPILOG = "Settings, in chatbox.ini or as --set SECTION.KEY=VALUE:"


class CommandLine(Struct, frozen=True):
    """What was asked for. `command` is as typed ("user add"); `values` are its own arguments by name."""

    command: str
    common: Arguments
    values: dict[str, Any]


class _Gather(argparse.Action):
    """Add to one list, wherever in the command the option stands: `--set a.b=1 user --set c.d=2 list`."""

    def __init__(self, *args: Any, into: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._into = into

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        self._into.append(values)


def parse_arguments(words: Sequence[str]) -> CommandLine:
    """Read the words after the program's name. SystemExit: with 2 if they are wrong, with 0 for `--help`."""
    overrides: list[str] = []
    parser = _parser(overrides)
    values = vars(parser.parse_args(words))
    command = values.pop("command", None) or "serve"
    if what := values.pop("what", None):
        command = f"{command} {what}"
    for name in _SERVE_ONLY:
        if command != "serve" and name in values:
            parser.error(f"--{name.replace('_', '-')} belongs to serve, not to {command}")
    common = Arguments(
        config=values.pop("config", ""),
        data=values.pop("data", ""),
        overrides=tuple(overrides),
        given=tuple(_given(values)),
    )
    return CommandLine(command, common, values)


def _given(values: dict[str, Any]) -> list[Item]:
    """The settings that have an option of their own, taken out of the values."""
    given = [
        Item("server", key, values.pop(key).strip(), f"--{key}") for key in ("host", "port") if key in values
    ]
    if values.pop("no_browser", False):
        given.append(Item("server", "open_browser", "false", "--no-browser"))
    return given


def _parser(overrides: list[str]) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    group = common.add_argument_group("for every command")
    group.add_argument("--config", metavar="FILE", help="the settings file")
    group.add_argument("--data", metavar="DIR", help="the data folder")
    group.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action=_Gather,
        into=overrides,
        help="a setting for this run, stronger than the file; any number of them",
    )
    serve = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    group = serve.add_argument_group("for serve")
    group.add_argument("--host", metavar="ADDRESS", help="the address to listen on")
    group.add_argument("--port", metavar="N", help="the port to listen on; 0 takes a free one")
    group.add_argument("--no-browser", action="store_true", help="do not open the browser")
    group.add_argument(
        "--ready-file", metavar="FILE", help="write address and port here once connections are taken"
    )
    parser = argparse.ArgumentParser(
        prog="chatbox",
        description="A chat server for a local network. Without a command it serves.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[serve, common],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add(commands, "serve", "run the server", [serve, common])
    _add_user(commands, common)
    backup = _add(commands, "backup", "write everything into one file, beside a running server too", [common])
    backup.add_argument("file", metavar="FILE.zip", help="the file to write")
    backup.add_argument("--force", action="store_true", help="replace an older backup of that name")
    restore = _add(
        commands,
        "restore",
        "check a backup; the next start puts it in place, and keeps the old state",
        [common],
    )
    restore.add_argument("file", metavar="FILE.zip", help="the backup")
    _add_move(commands, common)
    _add_service(commands, common)
    _add_security_key(commands, common)
    cluster = _add(commands, "cluster", "look at the nodes of a cluster", [common])
    whats = cluster.add_subparsers(dest="what", metavar="WHAT", required=True)
    _add(whats, "status", "list all nodes, and say whether PostgreSQL and Redis answer", [common])
    _add(commands, "check", "check the database, the messages and the uploads", [common])
    _add(commands, "check-config", "check the settings and say which file they come from", [common])
    firewall = _add(commands, "firewall", "print how this computer lets other devices in", [common])
    firewall.add_argument("--system", choices=SYSTEMS, help="of another system than this computer's")
    _add(commands, "licenses", "print the terms of everything that Chatbox is made of", [common])
    _add(commands, "version", "print the version", [common])
    return parser


def _add_user(commands: Any, common: argparse.ArgumentParser) -> None:
    user = _add(
        commands, "user", "add, list, disable and remove people; works beside a running server", [common]
    )
    whats = user.add_subparsers(dest="what", metavar="WHAT", required=True)
    name = argparse.ArgumentParser(add_help=False)
    name.add_argument("name", metavar="NAME", help="the name to sign in with")
    password = _password()
    add = _add(whats, "add", "make an account", [name, password, common])
    add.add_argument("--admin", action="store_true", help="make it an admin")
    add.add_argument("--full-name", metavar="TEXT", default="", help="the name that others see")
    _add(whats, "password", "set a new password; all sessions end", [name, password, common])
    token = _add(whats, "token", "make a bearer token for a program, and print it once", [name, common])
    token.add_argument("--label", metavar="TEXT", required=True, help="what the token is for")
    _add(whats, "list", "list all accounts", [common])
    remove = _add(whats, "remove", "remove somebody for good; messages stay unless asked", [name, common])
    remove.add_argument(
        "--delete-messages", action="store_true", dest="messages", help="delete all that they wrote, too"
    )
    _add(whats, "disable", "end all sessions of an account, and let it in no more", [name, common])
    _add(whats, "enable", "let a disabled account in again", [name, common])


def _add_move(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "take everything from SQLite to PostgreSQL, or back; while no server runs"
    move = _add(commands, "move", text, [common])
    ways = move.add_mutually_exclusive_group(required=True)
    address = "postgresql://USER:PASSWORD@HOST:PORT/NAME"
    ways.add_argument(
        "--to",
        metavar=address,
        type=_database,
        help="from the data folder into this empty database",
    )
    ways.add_argument(
        "--from",
        metavar=address,
        type=_database,
        dest="source",
        help="from this database into the data folder",
    )
    move.add_argument(
        "--uploads",
        metavar="s3://BUCKET/NAME",
        type=_bucket,
        help="take the uploads into this bucket as well, or out of it; [s3] in chatbox.ini has its keys",
    )


def _database(text: str) -> str:
    return _as_setting("database", text)


def _bucket(text: str) -> str:
    address = _as_setting("uploads", text)
    if not address.startswith("s3://"):
        raise argparse.ArgumentTypeError("must be a bucket such as s3://chatbox/uploads")
    return address


def _as_setting(key: str, text: str) -> str:
    try:
        return ROWS["storage", key].kind.read(text)  # type: ignore[no-any-return]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_service(commands: Any, common: argparse.ArgumentParser) -> None:
    service = _add(commands, "service", "have Chatbox run always, as a service of this computer", [common])
    whats = service.add_subparsers(dest="what", metavar="WHAT", required=True)
    show = argparse.ArgumentParser(add_help=False)
    show.add_argument("--print", action="store_true", help="only show the file and the commands")
    install = _add(whats, "install", "start it now and with this computer", [show, common])
    install.add_argument(
        "--account", metavar="NAME", default="", help="the account to run under, where root installs it"
    )
    _add(whats, "remove", "stop it, and start it no more; the data stays", [show, common])
    _add(whats, "status", "say whether it is installed, and whether it runs", [show, common])


def _add_security_key(commands: Any, common: argparse.ArgumentParser) -> None:
    text = "by what devices trust this server: kept in a file, and used on another computer"
    key = _add(commands, "security-key", text, [common])
    whats = key.add_subparsers(dest="what", metavar="WHAT", required=True)
    file = argparse.ArgumentParser(add_help=False)
    file.add_argument("file", metavar="FILE", help="the file with the security key")
    _add(whats, "save", "write the security key into a new file, encrypted", [file, _password(), common])
    _add(whats, "use", "use the security key in a file from the next start on", [file, _password(), common])


def _password() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--password-file", metavar="FILE", help="the first line is the password; - is standard input"
    )
    return parser


def _add(
    commands: Any, name: str, text: str, parents: list[argparse.ArgumentParser]
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text.capitalize() + ".", parents=parents, allow_abbrev=False
    )
    return made


def _settings_help() -> str:
    lines = [_EPILOG]
    for row in TABLE:
        default = row.shown_default or "empty"
        text = f"{row.help} Allowed: {row.kind.allowed}. Default: {default}."
        lines.append(f"  {row.section}.{row.key}")
        lines += textwrap.wrap(text, 78, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)
