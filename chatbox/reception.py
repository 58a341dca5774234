"""What the person at the console is told of a running server: the greeting, and later who came first."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from chatbox import console
from chatbox.chat.context import Context
from chatbox.chat.links import recover_admin
from chatbox.console import Announcer, Greeting
from chatbox.errors import ChatboxError
from chatbox.journal import tell
from chatbox.lan.addresses import every_address
from chatbox.reach import Reach
from chatbox.rules.hosts import is_loopback
from chatbox.settings_file import comment_out, set_value
from chatbox.settings_parser import SettingsError
from chatbox.startup import ServeOptions
from chatbox.tls import Certificates

log = logging.getLogger("chatbox.reception")

_GLANCE = 1.0  # seconds between two looks at who is there


async def greet(
    ctx: Context,
    reach: Reach,
    certificates: Certificates,
    announcer: Announcer,
    options: ServeOptions,
    note: str,
    short: bool,
) -> None:
    """Say where everything is, open the browser at the first start, and do what was asked for one start."""
    url, setup = reach.local_url, ctx.setup
    opened = False
    if setup is not None and ctx.settings.server.open_browser:
        opened = console.open_browser(f"{url}/#setup={setup.token}")
    addresses = reach.own_addresses()
    announcer.greet(
        Greeting(
            addresses=addresses,
            local=url,
            config=options.config,
            name=ctx.server.name,
            people=sum(not person.get("gone") for person in ctx.directory.persons.values()),
            code="" if setup is None else setup.code,
            opened=opened,
            short=_without_port(best) if short and (best := console.best(addresses)) else "",
            note=note,
        )
    )
    if authority := certificates.authority:
        console.tell_fingerprint(authority.name, authority.fingerprint, authority.thumbprint)
    if name := ctx.settings.people.recover_admin:
        try:
            console.tell_link(name, await recover_admin(ctx, name))
        except ChatboxError as error:
            log.error("recover_admin: %s", error.message)
        else:
            _comment_out_recovery(options.config)
    tell("Ready.")


async def tell_of_setup(ctx: Context, reach: Reach) -> None:
    """Wait until somebody has set the server up, and say where the others go."""
    if ctx.setup is None:
        return
    await ctx.setup.done.wait()  # for ever, where the server stops before
    name = next(
        (person["name"] for person in ctx.directory.persons.values() if person.get("admin")), "its admin"
    )
    tell(f"Set up by {name}. The others open  {console.best(reach.own_addresses()) or reach.local_url}")
    console.show_code(reach.own_addresses())


async def tell_of_the_first(ctx: Context) -> None:
    """Wait until somebody is there from another computer: the way through the network is open."""
    while True:
        there = {each.address for each in ctx.hub.connections if not is_loopback(each.address or "::1")}
        if there and (others := there - await asyncio.to_thread(every_address)):
            return tell(f"First device connected from the network: {min(others)}")
        await asyncio.sleep(_GLANCE)


def keep_port(config: Path, wanted: int, port: int) -> str:
    """Write down the port that a first start took instead; what to say of it."""
    note = f"Port {wanted} is used by another program; using {port} instead"
    try:
        set_value(config, "server", "port", str(port))
    except (OSError, SettingsError) as error:
        log.error("the port could not be written into %s: %s", config, error)
        return f"{note}, this time only: {config} cannot be written."
    return f"{note} (saved in {config.name})."


def _without_port(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition(':')[0]}"


def _comment_out_recovery(config: Path) -> None:
    try:
        comment_out(config, "people", "recover_admin")
    except OSError as error:
        log.error("%s cannot be changed: %s. Remove recover_admin from it.", config, error.strerror)
