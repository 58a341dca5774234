"""The command line: which way a command takes, and what is printed.

Results go to standard output, everything else to standard error. Exit codes: 0 fine, 1 the command failed,
2 settings or arguments, 3 network, 4 data folder, 5 database version.
"""

from __future__ import annotations

import asyncio
import atexit
import getpass
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from chatbox import control, data_folder, frozen, windows
from chatbox.arguments import CommandLine, parse_arguments
from chatbox.control import ControlError, NobodyListens
from chatbox.errors import ChatboxError, DataFolderError, StartError
from chatbox.folder_lock import FolderInUse, FolderLock, Running
from chatbox.ownership import hand_over
from chatbox.progress import told_to
from chatbox.rules.firewall import SYSTEMS, System, guide
from chatbox.rules.passwords import SHORTEST
from chatbox.rules.text import escape_controls
from chatbox.settings_parser import Problem, SettingsError
from chatbox.startup import Arguments, ServeOptions, Start, prepare, settle
from chatbox.version import VERSION

_STARTING = 10.0  # seconds that a command waits for a holder that is starting or about to end
# Seconds for the next word of a running server, where the usual ones are not enough.
_PATIENCE = {"check": 3600.0, "user remove": 3600.0, "backup": 3600.0, "restore": 3600.0}
_PASSWORD_BYTES = 4096


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Wrong arguments and `--help` raise SystemExit, as argparse does."""
    _make_bear_all(sys.stdout, sys.stderr)
    line = parse_arguments(sys.argv[1:] if words is None else words)
    code = 1
    try:
        code = _outcome(line)
    finally:
        if code:  # at exit, when a traceback has been printed as well
            atexit.register(windows.keep_open, frozen.unpacked_folder() is not None)
    return code


def _outcome(line: CommandLine) -> int:
    try:
        return _run(line)
    except SettingsError as error:
        for problem in error.problems:
            _complain(str(problem))
        return error.exit_code
    except StartError as error:
        _complain(str(error))
        return error.exit_code
    except (ChatboxError, ControlError) as error:
        _complain(str(error))
        return 1
    except BrokenPipeError:  # whoever read the output has left; what is still buffered must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        _complain(f"{error.filename or 'The system'}: {error.strerror or error}.")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(line: CommandLine) -> int:
    if line.command == "version":
        _say(f"chatbox {VERSION}")
        return 0
    if line.command == "licenses":
        return _print_licenses()
    if line.command.startswith("service "):
        from chatbox import service_command

        return service_command.run(line.command.removeprefix("service "), line.common, line.values, _say)
    values = _with_full_path(_with_password(line))
    start = prepare(line.common, os.environ)
    if line.command == "check-config":
        return _check_config(start)
    if line.command == "firewall":
        return _print_firewall(start.settings.server.port, values.get("system"))
    if line.command == "serve":
        for text in (f"Chatbox {VERSION}", "", f"  {start.folder.sentence}"):
            _say(text)
    else:
        _complain(start.folder.sentence)
    if start.folder.warning:
        _complain(start.folder.warning)
    if line.command == "serve":
        return _serve(start, line.common, values.get("ready_file"))
    if line.command == "check" and not _has_data(start):
        raise DataFolderError(f"There is no database in {start.folder.path}, so there is nothing to check.")
    with told_to(lambda text: _print(text, sys.stderr)):
        result = _operate(start, line.command, values)
    return _PRINTERS[line.command](result, values)


def _has_data(start: Start) -> bool:
    """Whether there is anything stored, or a backup that waits to be put in place."""
    from chatbox.backup.applying import waits

    path = start.folder.path
    return bool(start.settings.storage.database) or data_folder.has_database(path) or waits(path)


def _serve(start: Start, arguments: Arguments, ready_file: str | None) -> int:
    data_folder.create(start.folder)
    lock = FolderLock(start.folder.path)
    if (running := _take(lock)) is not None:
        return _show_running(start, running)
    with lock:
        from chatbox import server  # only here: whoever is refused need not wait for it

        settle(start)
        options = ServeOptions(start, arguments, Path(ready_file) if ready_file else None)
        try:
            return server.serve(start.settings, start.folder.path, lock, options)
        except OSError as error:
            data_folder.blame_full_disk(start.folder, error)
            raise


def _take(lock: FolderLock) -> Running | None:
    """Take the folder, or find the server that has it. Raises FolderInUse where neither comes about."""
    deadline = time.monotonic() + _STARTING
    while True:
        try:
            lock.acquire()
            return None
        except FolderInUse as in_use:
            if in_use.running is not None:
                return in_use.running
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _show_running(start: Start, running: Running) -> int:
    from chatbox.console import open_browser

    opened = start.settings.server.open_browser and open_browser(running.url)
    _say(f"  Chatbox is already running with this data folder (process {running.pid}).")
    _say(f"  Open  {running.url}" + ("   (opened in your browser)" if opened else ""))
    _say("  To run a second, separate server:  chatbox --data OTHER-FOLDER --port OTHER-PORT")
    return 0


def _operate(start: Start, command: str, values: dict[str, Any]) -> dict[str, Any]:
    """Have a command done by the process that holds the folder; by this one where nobody does."""
    path, name = start.folder.path, command.replace(" ", "_").replace("-", "_")
    data_folder.create(start.folder)
    deadline = time.monotonic() + _STARTING
    while True:
        try:
            with FolderLock(path):
                from chatbox import operations

                settle(start)
                try:
                    return operations.run_offline(start.settings, path, name, values)
                finally:
                    hand_over(path)
        except FolderInUse as in_use:
            try:
                return asyncio.run(control.call(path, name, values, _PATIENCE.get(command, control.TIMEOUT)))
            except NobodyListens:
                if time.monotonic() > deadline:
                    raise in_use from None
        time.sleep(0.1)


def _check_config(start: Start) -> int:
    if start.config.exists():
        _say(f"{start.config} is right.")
    else:
        _say(f"There is no {start.config.name} yet, so every setting has its default.")
    _say(start.folder.sentence)
    return 0


def _print_licenses() -> int:
    from chatbox.licenses import licenses

    parts = licenses()
    for part in parts:
        _say(f"{part.name} {part.version}".strip() + f": {part.license}")
    for part in parts:
        for line in ("", "=" * 78, f"{part.name} {part.version}".strip(), "", *part.text.splitlines()):
            _say(line)
    return 0


def _print_firewall(port: int, system: System | None) -> int:
    from chatbox import computer
    from chatbox.lan.firewall import detect_here

    here = (system,) if system else detect_here()
    if not here:
        _say("No firewall that Chatbox knows is at work here. If one is after all:")
    for each in here or SYSTEMS:
        found = guide(each, port, computer.program())
        _say(f"{found.name}:")
        for number, step in enumerate(found.steps, 1):
            _say(f"  {number}. {step.text}")
            if step.command:
                _say(f"       {step.command}")
    _say("Does a device with a cable connect, but phones do not? Then the Wi-Fi keeps its devices apart:")
    _say("switch off “client isolation” (also “AP isolation”, “guest network”) in the router.")
    return 0


# -- what a command prints -----------------------------------------------------------------------------------


def _print_added(_: dict[str, Any], values: dict[str, Any]) -> int:
    _say(f"{values['name']} is added" + (", as an admin." if values["admin"] else "."))
    return 0


def _print_password(_: dict[str, Any], values: dict[str, Any]) -> int:
    _say(f"{values['name']} has a new password, and all sessions have ended.")
    return 0


def _print_token(result: dict[str, Any], _: dict[str, Any]) -> int:
    _complain("This is the token. It is shown this once, and lets in whoever has it:")
    _say(result["token"])
    return 0


def _print_people(result: dict[str, Any], _: dict[str, Any]) -> int:
    for person in result["people"]:
        fields = (person["name"], person["role"], person["state"], person.get("full_name", ""))
        _say("  ".join(fields).rstrip())
    return 0


def _print_disabled(_: dict[str, Any], values: dict[str, Any]) -> int:
    _say(f"{values['name']} is disabled, and all sessions have ended.")
    return 0


def _print_enabled(_: dict[str, Any], values: dict[str, Any]) -> int:
    _say(f"{values['name']} can sign in again.")
    return 0


def _print_removed(result: dict[str, Any], values: dict[str, Any]) -> int:
    fate = f"{result['deleted']:,} messages are deleted" if values["messages"] else "the messages stay"
    _say(f"{values['name']} is removed, and all sessions have ended; {fate}.")
    return 0


def _print_check(result: dict[str, Any], _: dict[str, Any]) -> int:
    for problem in result["problems"]:
        _say(problem)
    _say(result["summary"])
    return 1 if result["problems"] else 0


def _print_cluster(result: dict[str, Any], _: dict[str, Any]) -> int:
    for node in result["nodes"]:
        hours, minutes = divmod((node["now"] - node["started"]) // 60_000, 60)
        parts = (
            node["host"],
            node["address"],
            f"version {node['version']}",
            f"{node['connections']} connections",
            f"up {hours} h {minutes} min",
            f"last transaction {node['lag']} ms",
        )
        _say("  ".join(parts))
    for text in result["trouble"]:
        _say(text)
    if not result["trouble"]:
        _say("PostgreSQL and Redis answer.")
    return 1 if result["trouble"] else 0


def _print_summary(result: dict[str, Any], _: dict[str, Any]) -> int:
    _say(result["summary"])
    return 0


def _print_backup(result: dict[str, Any], _: dict[str, Any]) -> int:
    _say(result["summary"])
    if result["missing"]:
        _complain(f"{result['missing']} uploads are damaged on this server and not in it: see chatbox check.")
        return 1
    return 0


_PRINTERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], int]] = {
    "user add": _print_added,
    "user password": _print_password,
    "user token": _print_token,
    "user list": _print_people,
    "user disable": _print_disabled,
    "user enable": _print_enabled,
    "user remove": _print_removed,
    "check": _print_check,
    "cluster status": _print_cluster,
    "backup": _print_backup,
    "restore": _print_summary,
    "move": _print_summary,
    "security-key save": _print_summary,
    "security-key use": _print_summary,
}


# -- passwords, and the console ------------------------------------------------------------------------------


def _with_password(line: CommandLine) -> dict[str, Any]:
    """A command's values, with the password itself in place of where it comes from."""
    if "password_file" not in line.values:
        return line.values
    values = dict(line.values)
    source = values.pop("password_file")
    return {**values, "password": _ask_password() if source is None else _read_password(source)}


def _with_full_path(values: dict[str, Any]) -> dict[str, Any]:
    """The process that reads or writes the file may have started in another folder."""
    return (
        {**values, "file": str(Path(values["file"]).expanduser().absolute())} if "file" in values else values
    )


def _read_password(source: str) -> str:
    try:
        if source == "-":
            if sys.stdin is None:
                raise _no_password("there is no standard input.")
            raw = sys.stdin.buffer.readline(_PASSWORD_BYTES)
        else:
            with Path(source).open("rb") as file:
                raw = file.readline(_PASSWORD_BYTES)
        password = raw.decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise _no_password(f"{source} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise _no_password(f"{source} is not UTF-8 text.") from error
    if not password:
        raise _no_password("the first line is empty.")
    return password


def _ask_password() -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise _no_password(
            "needed where nobody can be asked for the password; - reads it from standard input."
        )
    try:
        password = getpass.getpass(f"Password ({SHORTEST} characters or more): ")
        if password != getpass.getpass("Again: "):
            raise _no_password("the two passwords differ.", "password")
    except EOFError as error:
        raise _no_password("none was given.", "password") from error
    return password


def _no_password(message: str, place: str = "--password-file") -> SettingsError:
    return SettingsError([Problem(message, place)])


def _make_bear_all(*streams: TextIO | None) -> None:
    """Let nothing that is printed fail. Files and pipes get UTF-8; a terminal keeps its encoding."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace", line_buffering=True)


def _say(text: str) -> None:
    _print(text, sys.stdout)


def _complain(text: str) -> None:
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO | None) -> None:
    if stream is not None:  # a windowed program has none
        print(escape_controls(text), file=stream)
