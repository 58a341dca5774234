"""Who may make an account: people on this network, people with an invitation, or nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import NamedTuple

from chatbox.chat import reach
from chatbox.chat.context import Context
from chatbox.errors import ChatboxError, Forbidden
from chatbox.rules.addresses import is_private, network_of
from chatbox.rules.hosts import is_trusted
from chatbox.rules.text import escape_controls

log = logging.getLogger(__name__)


class Rule(NamedTuple):
    """Who may join: "network", "invite" or "closed"; nobody before the setup."""

    join: str
    setup_open: bool


async def admit(ctx: Context, address: str, *, invited: bool) -> bool:
    """Whether somebody at this address is on this network. Admins are told of a neighbour who may not join,
    and of a proxy that does not say who comes, of each once an hour at most: strangers could fill the disk
    with what they are told.

    Raises `Forbidden`."""
    rule = Rule(ctx.server.join, ctx.server.setup_open)
    near = False
    if rule == Rule("network", False) and not invited:
        if is_trusted(address, ctx.settings.server.trusted_proxies):
            await _tell_of_proxy(ctx, address)
        else:
            near = await _is_near(ctx, address)
    check(rule, address, invited=invited, near=near)
    return near


async def _is_near(ctx: Context, address: str) -> bool:
    if is_private(address) or network_of(address, ctx.settings.people.networks) is not None:
        return True
    around, own = await asyncio.to_thread(lambda: (ctx.machine.around(), ctx.machine.own_addresses()))
    if address in own or network_of(address, around.sheltered) is not None:
        return True
    unsure = network_of(address, around.exposed)
    if unsure is not None and ctx.refused.is_new(str(unsure)):
        log.info("%s may not join: %s is not known to be private", escape_controls(address), unsure)
        await _tell(reach.neighbour_refused(ctx, address, str(unsure)))
    return False


async def _tell_of_proxy(ctx: Context, address: str) -> None:
    """The proxy's own address says nothing of where somebody is who comes through it."""
    if ctx.refused.is_new("proxy"):
        log.warning(
            "somebody may not join: nobody knows who comes from %s, a trusted proxy. It must send "
            "X-Forwarded-For with the client's address; and trusted_proxies must name the proxies alone",
            address,
        )
        await _tell(reach.stranger_refused(ctx, address))


async def _tell(telling: Awaitable[None]) -> None:
    """Whoever is refused reads why, also where the admins cannot be told."""
    try:
        await telling
    except ChatboxError as error:
        log.error("the admins could not be told: %s", error.message)


def check(rule: Rule, address: str, *, invited: bool, near: bool) -> None:
    """Raises `Forbidden`, with what to do, where somebody at this address may not join."""
    if rule.setup_open:
        raise Forbidden("This server is not set up yet. Its owner does that first.")
    if rule.join == "closed":
        raise Forbidden("Nobody can join this server at the moment. Ask an admin.")
    if invited:
        return
    if rule.join == "invite":
        raise Forbidden(
            "You need an invitation to join. Ask somebody who is here for a link.", field="invite"
        )
    if not near:
        raise Forbidden(
            "Only people on the network of this server can join, and your address is not known to be on it"
            f"{f': {address}' if address else ''}. Ask an admin for an invitation link.",
            field="invite",
        )
