"""QR codes: drawn beside the event loop, one at a time, and fairly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import segno

from tests.chat.support import World, in_world
from tests.chat.talk import do, refused

ADDRESS = "http://192.168.1.5:8642"


class Pen:
    """What `segno` draws with. It can be held, and knows what was drawn, in order, and how many at once."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.most = 0
        self.begun = threading.Event()
        self.free = threading.Event()
        self._now = 0
        self._lock = threading.Lock()
        self._make = segno.make

    def draw(self, text: str, **how: Any) -> Any:
        with self._lock:
            self.drawn.append(text)
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.set()
        assert self.free.wait(5), "whoever frees it runs on the event loop"
        code = self._make(text, **how)
        with self._lock:
            self._now -= 1
        return code


@contextmanager
def held() -> Iterator[Pen]:
    """Nothing gets drawn to its end before the pen is freed."""
    pen = Pen()
    with patch("segno.make", pen.draw):
        yield pen


@in_world
async def test_others_are_answered_while_a_code_is_drawn(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    with held() as pen:
        code = asyncio.ensure_future(do(world, ada, "qr.make", text=ADDRESS))
        assert await asyncio.to_thread(pen.begun.wait, 5)
        assert (await do(world, ben, "ping"))["heads"]
        assert not code.done()
        pen.free.set()
        assert (await code)["rows"]


@in_world
async def test_codes_are_drawn_one_at_a_time_whoever_asks(world: World) -> None:
    people = [await world.set_up(), *[await world.register(name) for name in ("ben", "cleo", "dan")]]
    with held() as pen:
        pen.free.set()
        asked = [do(world, who, "qr.make", text=f"{ADDRESS}/#invite={n}") for who in people for n in range(4)]
        codes = await asyncio.gather(*asked)
    assert len(pen.drawn) == len(codes) == 16
    assert pen.most == 1


@in_world
async def test_who_asks_for_many_codes_holds_nobody_up(world: World) -> None:
    ada = await world.set_up()
    ben = await world.register("ben")
    with held() as pen:
        many = [asyncio.ensure_future(do(world, ada, "qr.make", text=f"{ADDRESS}/#{n}")) for n in range(5)]
        assert await asyncio.to_thread(pen.begun.wait, 5)
        one = asyncio.ensure_future(do(world, ben, "qr.make", text=f"{ADDRESS}/#ben"))
        await do(world, ben, "ping")  # by then both wait
        pen.free.set()
        await asyncio.gather(one, *many)
    assert pen.drawn[:2] == [f"{ADDRESS}/#0", f"{ADDRESS}/#ben"]


@in_world
async def test_the_longest_link_of_the_longest_name_has_a_code_and_nothing_longer(world: World) -> None:
    ada = await world.set_up()
    address = f"https://{'n' * 253}:65535"
    world.ctx.server.addresses = lambda: [address]
    link = f"{address}/#invite={'s' * 43}"
    assert len((await do(world, ada, "qr.make", text=link))["rows"]) > 21
    assert await refused(world, ada, "qr.make", text=link.ljust(321, "s")) == "bad_request text"
