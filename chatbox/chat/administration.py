"""What the administration page shows and changes, besides people and invitations."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import json, to_builtins

from chatbox.chat import described
from chatbox.chat.context import Caller, Context, sits_there
from chatbox.errors import Conflict, Forbidden, Invalid, NotFound
from chatbox.live.devices import SOON
from chatbox.protocol import administration as commands
from chatbox.rules import images, names
from chatbox.rules.hosts import is_loopback_host
from chatbox.store import files, integrity, rooms, users
from chatbox.store.base import Batch, Steps, one

log = logging.getLogger(__name__)

_LOGO_TYPES = ("image/png", "image/jpeg", "image/webp")
_LOGO_PIXELS = 1024  # at each side


async def overview(ctx: Context, caller: Caller, cmd: commands.AdminOverview) -> dict[str, Any]:
    """What runs here, since when, for how many, and how much room it takes."""
    user = caller.require_user()

    def steps() -> Steps[dict[str, Any]]:
        yield from users.acting_admin(user, caller.session)
        stored, number = yield from files.size()
        ((people,),) = yield one("SELECT count(*) FROM users WHERE state = 'active'")
        ((count, posts),) = yield one("SELECT count(*), coalesce(sum(posts), 0) FROM rooms")
        size = yield from integrity.size()
        counts = {"files": number, "people": people, "rooms": count, "messages": posts}
        return counts | {"uploads": stored, "database": size}

    found = await ctx.store.read(steps(), slow=True)
    disk = await asyncio.to_thread(_disk, ctx.folder, ctx.blobs.folder)
    others = ctx.cluster.others()
    return found | {
        "version": ctx.server.version,
        "started": ctx.devices.started_at,
        "servers": 1 + len(others),
        "connections": ctx.hub.count + sum(other.connections for other in others),
        "online": len({*ctx.hub.users(), *ctx.presence.elsewhere()}),
        "devices": ctx.devices.others(ctx.machine.own_addresses()),
        "storage": disk | {key: found.pop(key) for key in ("database", "uploads", "files")},
    }


def _disk(folder: Path, uploads: Path) -> dict[str, int]:
    """Bytes that are free where the data and the uploads are, and what there is in all."""
    usage = shutil.disk_usage(folder)
    free = min(usage.free, shutil.disk_usage(uploads).free) if uploads.is_dir() else usage.free
    return {"free": free, "total": usage.total}


# -- rooms ---------------------------------------------------------------------------------------------------


async def room_overview(ctx: Context, caller: Caller, cmd: commands.AdminRooms) -> dict[str, Any]:
    """All public rooms; of private and direct ones, which admins do not read, how many there are."""
    user = caller.require_user()

    def steps() -> Steps[dict[str, Any]]:
        yield from users.acting_admin(user, caller.session)
        return {"rooms": (yield from rooms.public()), **(yield from rooms.numbers())}

    return await ctx.store.read(steps())


def room_archive(ctx: Context, caller: Caller, cmd: commands.AdminArchive) -> asyncio.Future[dict[str, Any]]:
    """Archive a public room, or bring it back. Raises `NotFound` for any other, and `Conflict`."""
    user = caller.require_user()

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting_admin(user, caller.session)
        rights = yield from rooms.access(cmd.room, user, caller.session)
        if rights.kind != "public":
            raise NotFound("There is no such public room.", field="room")
        if rights.general:
            raise Conflict("Everybody is in this room. It cannot be archived.")
        name, _, topic, archived = yield from rooms.settings(cmd.room)
        if cmd.archived != bool(archived):
            key, at = (None, batch.now) if cmd.archived else (names.name_key(name), None)
            yield from rooms.update(batch, cmd.room, name, key, topic, at)
        return {"room": (yield from rooms.description(cmd.room))}

    return ctx.committer.submit(change)


# -- settings and the logo -----------------------------------------------------------------------------------


async def settings_list(ctx: Context, caller: Caller, cmd: commands.SettingsList) -> dict[str, Any]:
    """Every setting, what it is set to and by whom."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    return {"settings": ctx.chosen.list()}


async def settings_update(ctx: Context, caller: Caller, cmd: commands.SettingsUpdate) -> dict[str, Any]:
    """Change settings, all or none. Raises `Invalid` and `Conflict` with the setting as the field."""
    user = caller.require_user()
    ctx.chosen.check(cmd.values)

    def change(batch: Batch) -> Steps[dict[str, str]]:
        yield from users.acting_admin(user, caller.session)
        stored = json.decode((yield from users.meta()).get("settings", "{}"), type=dict[str, str])
        kept = ctx.chosen.with_values(stored, cmd.values)
        yield from users.set_meta("settings", json.encode(kept).decode())
        return kept

    async with ctx.chosen.turn:  # of two changes the later one must also be in force
        ctx.take_settings(await ctx.committer.submit(change))
    log.info("user %d set %s", user, ", ".join(sorted(cmd.values)))
    told = {"ev": "server", "server": described.server(ctx.server), "limits": described.limits(ctx.settings)}
    await ctx.committer.submit(lambda batch: _tell(batch, told))
    return {"settings": ctx.chosen.list()}


def _tell(batch: Batch, event: dict[str, Any]) -> Steps[None]:
    batch.publish("all", event)
    yield from ()


async def logo(ctx: Context, caller: Caller, cmd: commands.AdminLogo) -> dict[str, Any]:
    """Set the picture that stands for this server, or take it away. Raises `Invalid` (field "image")."""
    user, image = caller.require_user(), cmd.image
    if image is not None:
        _check_picture(image)
    mark = "" if image is None else hashlib.sha256(image).hexdigest()[:16]
    server = described.server(ctx.server) | {"logo": mark}

    def change(batch: Batch) -> Steps[dict[str, Any]]:
        yield from users.acting_admin(user, caller.session)
        yield from users.set_meta("logo", image or b"")
        yield from users.set_meta("logo_hash", mark)
        batch.publish("all", {"ev": "server", "server": server})
        return {"logo": mark}

    reply: dict[str, Any] = await ctx.committer.submit(change)
    log.info("user %d %s the server's picture", user, "changed" if mark else "removed")
    return reply


async def logo_content(ctx: Context, mark: str) -> tuple[bytes, str]:
    """The server's picture with its media type. Raises `NotFound` where it is another one by now."""
    content = b""
    if mark and mark == ctx.server.logo:
        content = await ctx.store.read(users.logo())
    found = images.sniff(content)
    if found is None:
        raise NotFound("There is no such picture.")
    return content, found.type


def _check_picture(image: bytes) -> None:
    found = images.sniff(image)
    if found is None or found.type not in _LOGO_TYPES:
        raise Invalid("This is no PNG, JPEG or WebP picture. Choose another file.", field="image")
    if max(found.width, found.height) > _LOGO_PIXELS:
        raise Invalid(
            f"The picture is too large: at most {_LOGO_PIXELS} × {_LOGO_PIXELS} pixels fit.", field="image"
        )


# -- being reached -------------------------------------------------------------------------------------------


async def reach(ctx: Context, caller: Caller, cmd: commands.AdminReach) -> dict[str, Any]:
    """The address for the others, how many devices have come, and what may be in their way."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    devices, seconds = ctx.devices.others(ctx.machine.own_addresses()), ctx.devices.seconds
    exposed = (await asyncio.to_thread(ctx.machine.around)).exposed
    return {
        "addresses": [each for each in ctx.server.addresses() if not is_loopback_host(urlsplit(each).netloc)],
        "devices": devices,
        "seconds": seconds,
        "late": not devices and seconds >= SOON,
        "guides": to_builtins(ctx.machine.guides()),
        "here": ctx.machine.here,
        "can_open": ctx.machine.can_open and sits_there(ctx, caller),
        "exposed": [str(each) for each in exposed if each not in ctx.settings.people.networks],
    }


async def firewall(ctx: Context, caller: Caller, cmd: commands.AdminFirewall) -> dict[str, Any]:
    """Open the firewall, once the person at the screen agrees. Raises `Forbidden` from elsewhere, and
    `Conflict` where it does not work, with what the system says."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    if not sits_there(ctx, caller):
        raise Forbidden("Only somebody at this very computer can do that. Use the commands shown.")
    if not ctx.machine.can_open:
        raise Conflict("This computer has no way to do it by itself. Use the commands shown.")
    problem = await ctx.machine.open_firewall()
    if problem:
        raise Conflict(f"That did not work: {problem} Use the commands shown.")
    log.info("user %d opened the firewall", caller.user)
    return {}


# -- running always ------------------------------------------------------------------------------------------


async def service_status(ctx: Context, caller: Caller, cmd: commands.ServiceStatus) -> dict[str, Any]:
    """Whether the server starts with its computer."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    return await _service(ctx, caller)


async def _service(ctx: Context, caller: Caller) -> dict[str, Any]:
    always = await ctx.machine.always()
    return always._asdict() | {"can_change": not always.problem and sits_there(ctx, caller)}


async def service_set(ctx: Context, caller: Caller, cmd: commands.ServiceSet) -> dict[str, Any]:
    """Have it do so, or no more. Raises `Forbidden` from elsewhere, and `Conflict` where it cannot be."""
    await ctx.store.read(users.acting_admin(caller.require_user(), caller.session))
    if not sits_there(ctx, caller):
        raise Forbidden("Only somebody at this very computer can do that.")
    notes = await ctx.machine.run_always(cmd.on)
    log.info("user %d had the server %s", caller.user, "run always" if cmd.on else "run always no more")
    return await _service(ctx, caller) | {"notes": notes}
