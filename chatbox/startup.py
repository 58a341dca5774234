"""From a command line to checked settings and a data folder, before anything is opened.

The settings are in the file given by --config, else in the data folder, else next to the program. Only the
first and the last can name the data folder; a file next to the program that names it is used itself.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from chatbox import data_folder, settings_file
from chatbox.data_folder import DataFolder, Wishes
from chatbox.frozen import unpacked_folder
from chatbox.settings import Given, Settings, changed
from chatbox.settings_file import FILE_NAME, Ini
from chatbox.settings_parser import Item, Problem, SettingsError, last_value, override, parse, places_given

log = logging.getLogger(__name__)


class Arguments(Struct, frozen=True):
    """What every command takes. `given` are settings that have an option of their own, such as --port."""

    config: str = ""
    data: str = ""
    overrides: tuple[str, ...] = ()
    given: tuple[Item, ...] = ()


class Start(Struct, frozen=True):
    """What a command starts with. `config` may not be there yet; then `settle` writes it."""

    settings: Settings
    folder: DataFolder
    config: Path
    given: Given = {}  # what the file or the command line says, which is stronger than any admin
    first: bool = False  # nothing was ever stored there


class ServeOptions(Struct, frozen=True):
    """What the server needs beyond its settings: how it was started, and where to say that it is ready."""

    start: Start
    arguments: Arguments = Arguments()
    ready_file: Path | None = None

    @property
    def config(self) -> Path:
        """The file of settings."""
        return self.start.config

    @property
    def given(self) -> Given:
        """The settings that the file or the command line says, and where."""
        return self.start.given

    @property
    def first(self) -> bool:
        """Whether nothing was ever stored there."""
        return self.start.first

    @property
    def picks_port(self) -> bool:
        """Whether nobody has said which port, and nobody knows one yet: then another one does as well."""
        return self.first and "server.port" not in self.given

    @property
    def picks_name(self) -> bool:
        """The same of the name on the network."""
        return self.first and "server.local_name" not in self.given


def prepare(arguments: Arguments, environment: Mapping[str, str]) -> Start:
    """Find and check everything; nothing is written. Raises SettingsError, DataFolderError."""
    overrides, problems = _overrides(arguments)
    early = _early_file(arguments.config, program_folder())
    early_ini = settings_file.read(early) if early else Ini()
    named = _named_folder(early, early_ini, overrides)
    option, variable = arguments.data, environment.get(data_folder.VARIABLE, "")
    folder = data_folder.choose(Wishes(option, variable, named, program_folder()))
    config = folder.path / FILE_NAME
    in_folder = config.is_file()
    if early and (arguments.config or not in_folder or (named and not option and not variable)):
        config, ini = early, early_ini
    else:
        ini = settings_file.read(config) if in_folder else Ini()
        problems += _names_another(ini, folder.path)
    settings = parse(ini.items, overrides, (*ini.problems, *problems))
    given = places_given(ini.items, overrides)
    if option or variable:
        settings = changed(settings, {"storage.data": str(folder.path)})
        given = {**given, "storage.data": "--data" if option else data_folder.VARIABLE}
    first = not settings.storage.database and not data_folder.has_database(folder.path)
    return Start(settings, folder, config, given, first)


def settle(start: Start) -> None:
    """Remember the folder and write the file of settings where there is none; for the holder of the lock."""
    data_folder.remember(start.folder)
    if start.config.exists():
        return
    try:
        settings_file.write_template(start.config)
    except OSError as error:
        log.warning("%s could not be written: %s", start.config, error.strerror)


def program_folder() -> Path:
    """The folder of the executable, or of chatbox.py."""
    if unpacked_folder():
        return Path(sys.executable).resolve().parent
    return Path(__file__).resolve().parent.parent


def _overrides(arguments: Arguments) -> tuple[list[Item], list[Problem]]:
    items: list[Item] = []
    problems: list[Problem] = []
    for text in arguments.overrides:
        try:
            items.append(override(text))
        except SettingsError as error:
            problems += error.problems
    return [*items, *arguments.given], problems


def _early_file(config: str, program: Path) -> Path | None:
    """The file that is known before the data folder is."""
    if config:
        return Path(config).expanduser().absolute()
    beside = program / FILE_NAME
    return beside if beside.is_file() else None


def _named_folder(early: Path | None, ini: Ini, overrides: list[Item]) -> Path | None:
    """The folder that [storage] data names; a relative one starts at the file, or at the current folder."""
    if value := last_value(overrides, "storage", "data"):
        return Path(value)
    value = last_value(ini.items, "storage", "data")
    return early.parent / Path(value).expanduser() if early and value else None


def _names_another(ini: Ini, folder: Path) -> list[Problem]:
    """What is wrong where the file in the data folder names a data folder itself."""
    return [
        Problem(
            "[storage] data names another data folder than the one that this file lies in. Use --data, or a "
            "file given by --config.",
            item.file,
            item.line,
            item.section,
            item.key,
        )
        for item in ini.items
        if (item.section, item.key) == ("storage", "data")
        and item.value
        and (folder / Path(item.value).expanduser()).resolve() != folder
    ]
