"""Where this server is reached: for its admins, and for pages that are open while that changes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import json

from chatbox.bus.base import Publication
from chatbox.chat.context import Caller, Context
from chatbox.protocol import administration, events
from chatbox.store import users
from chatbox.store.base import Batch, Steps
from chatbox.store.users import Account


def server_addresses(ctx: Context, caller: Caller, cmd: administration.ServerAddresses) -> dict[str, Any]:
    """Every address of this server, the likeliest first, and what it is."""
    return {"addresses": ctx.server.own_addresses()}


def addresses_changed(ctx: Context) -> None:
    """Tell every open page where the server is reached from now on; in a cluster the balancer is."""
    if ctx.settings.cluster.redis:
        return
    event = events.encode({"ev": "addresses", "addresses": ctx.server.addresses()})
    ctx.bus.publish([Publication("all", event)])


async def remember_address(ctx: Context, url: str) -> str:
    """Note THE address; where it is another than the last time, tell the admins and return the former. In a
    cluster each node has its own."""
    if ctx.settings.cluster.redis:
        return ""

    def change(batch: Batch) -> Steps[str]:
        former = str((yield from users.meta()).get("address", ""))
        if former == url:
            return ""
        yield from users.set_meta("address", url)
        if former:
            yield from _tell_admins(batch, {"kind": "address", "at": batch.now, "old": former, "url": url})
        return former

    found: str = await ctx.committer.submit(change)
    return found


async def name_is_taken(ctx: Context, name: str, by: str) -> None:
    """Tell the admins that another machine, at the address `by`, answers for the name of this server."""

    def change(batch: Batch) -> Steps[None]:
        yield from _tell_admins(batch, {"kind": "local_name", "at": batch.now, "name": name, "address": by})

    await ctx.committer.submit(change)


async def neighbour_refused(ctx: Context, address: str, network: str) -> None:
    """Tell the admins that somebody at this address, in a network of this machine that strangers may be in as
    well, could not join."""
    await _tell_where_none_is(ctx, {"kind": "neighbour", "address": address, "network": network})


async def stranger_refused(ctx: Context, proxy: str) -> None:
    """Tell the admins that somebody could not join, as the proxy at this address does not say who comes."""
    await _tell_where_none_is(ctx, {"kind": "proxy", "address": proxy})


async def _tell_where_none_is(ctx: Context, notice: dict[str, Any]) -> None:
    admins = ctx.directory.admins

    def change(batch: Batch) -> Steps[None]:
        for user in admins:
            yield from _tell(batch, (yield from users.account(user)), {**notice, "at": batch.now}, over=())

    await ctx.committer.submit(change)


def _tell_admins(batch: Batch, notice: dict[str, Any]) -> Steps[None]:
    for account in (yield from users.everyone()):
        yield from _tell(batch, account, notice, over=("address", "local_name", "neighbour", "proxy"))


def _tell(batch: Batch, account: Account, notice: dict[str, Any], over: Collection[str]) -> Steps[None]:
    """Leave an admin a notice, in place of one of the kinds `over`. One about the own account stays: it
    matters more."""
    if account.role != "admin" or not account.active:
        return
    if not account.notice or json.decode(account.notice)["kind"] in over:
        yield from users.update(account.id, notice=json.encode(notice).decode())
        yield from users.tell(batch, account.id)
