"""A server that is its only node pays nothing for what several need."""

from __future__ import annotations

import subprocess
import sys

from chatbox.bus.local import LocalBus
from chatbox.cluster import Alone
from chatbox.live.moves import Moves
from chatbox.live.rate import Rate
from chatbox.live.throttle import Throttle
from tests.chat.support import World, in_world


def test_the_library_of_redis_is_not_even_imported() -> None:
    found = "import sys, chatbox.server; print([name for name in sys.modules if name.startswith('redis')])"
    printed = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


@in_world
async def test_it_goes_the_direct_way(world: World) -> None:
    ctx = world.ctx
    kinds = [type(part) for part in (ctx.bus, ctx.cluster, ctx.rate, ctx.throttle, ctx.moves)]
    assert kinds == [LocalBus, Alone, Rate, Throttle, Moves]
    assert (await ctx.cluster.leases(), ctx.cluster.figures()) == ([], {})
