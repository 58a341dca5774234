"""The commands of the administration page, and what everybody may know of the program. Those for people and
invitations stand in `commands`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chatbox.protocol.fields import Command, Id

LOGO_BYTES = 96 * 1024


class AdminOverview(Command, frozen=True, tag="admin.overview"):
    """What runs here, since when, for how many, and how much room it takes."""


class AdminRooms(Command, frozen=True, tag="admin.rooms"):
    """All public rooms, archived ones too; of the others their number only."""


class AdminArchive(Command, frozen=True, tag="admin.archive"):
    """Archive a public room or bring it back, without being in it."""

    room: Id
    archived: bool


class AdminLogo(Command, frozen=True, tag="admin.logo"):
    """Set the picture that stands for this server: a PNG, JPEG or WebP in Base64; none takes it away."""

    image: Annotated[bytes, Meta(max_length=LOGO_BYTES)] | None = None


class AdminReach(Command, frozen=True, tag="admin.reach"):
    """Under which address others reach this server, how many have, and what may be in their way."""


class AdminFirewall(Command, frozen=True, tag="admin.firewall"):
    """Open the firewall of this computer for Chatbox. The system asks for consent; asked from this computer
    only."""


class ServiceStatus(Command, frozen=True, tag="service.status"):
    """Whether this server starts with its computer, and whether the caller can change that."""


class ServiceSet(Command, frozen=True, tag="service.set"):
    """Have it start with its computer, or no more; it goes on running. Asked from this computer only."""

    on: bool


class QrMake(Command, frozen=True, tag="qr.make"):
    """The QR code of an address of this server, with whatever stands behind it."""

    # The longest link there is: `https://`, a host name of 253, a port, `/#invite=` and a secret of 43.
    text: Annotated[str, Meta(min_length=1, max_length=320)]


class SettingsList(Command, frozen=True, tag="settings.list"):
    """Every setting, what it is set to and by whom."""


class SettingsUpdate(Command, frozen=True, tag="settings.update"):
    """Change settings that are marked as changeable; null gives the default back."""

    values: Annotated[
        dict[Annotated[str, Meta(max_length=80)], str | None], Meta(min_length=1, max_length=50)
    ]


class ServerAddresses(Command, frozen=True, tag="server.addresses"):
    """Where the server is reached, the likeliest address first, and what kind of network each belongs to."""


class BackupList(Command, frozen=True, tag="backup.list"):
    """The backups of the schedule, the newest first."""


class BackupCreate(Command, frozen=True, tag="backup.create"):
    """Begin a backup now, as the schedule does. `backup.list` tells how far it is."""


class BackupReady(Command, frozen=True, tag="backup.ready"):
    """Whether a backup or the security key may be downloaded, or a backup restored, right now."""


class LicensesList(Command, frozen=True, tag="licenses.list"):
    """What the program is made of, and under which terms."""


class LicensesText(Command, frozen=True, tag="licenses.text"):
    """The terms of one part of the program."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]


def kinds() -> list[type[Command]]:
    """All of these, in the order of this file."""
    return [kind for kind in Command.__subclasses__() if kind.__module__ == __name__]
