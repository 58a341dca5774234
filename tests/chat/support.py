"""A small world to test use cases in: a real database in a folder of its own, and a clock that is set.

With CHATBOX_ENGINE=postgres the database is one of PostgreSQL; that takes a few minutes, and is no part of
`make test`, which tries the store on both engines.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from msgspec import structs

from chatbox.chat.context import Caller, Context
from chatbox.chat.hashing import Cost
from chatbox.chat.people import user_register
from chatbox.chat.setup import setup_complete
from chatbox.chat.signin import SignedIn, authenticate, session_create
from chatbox.errors import ChatboxError
from chatbox.instance import close_instance, open_instance
from chatbox.protocol import commands
from chatbox.settings import Settings, Storage
from chatbox.store.base import Batch, Steps, one
from tests.harness import postgres

CHEAP = Cost(memory=64, passes=1)
PASSWORD = "plum-trout-lantern-9"
HOME = Caller(
    address="192.168.1.20", agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = 1_000_000_000_000
        self._set = 0

    def now(self) -> int:
        return self._now + self._set

    def monotonic(self) -> float:
        return self._now / 1000

    def uptime(self) -> int:
        return self._now

    def forward(self, *, ms: int = 0, seconds: int = 0) -> None:
        self._now += ms + seconds * 1000

    def step(self, ms: int) -> None:
        """Somebody sets the wall clock, by so much."""
        self._set += ms


class World:
    """One instance. `codes` are the setup codes that the console was told, `events` what was published."""

    def __init__(self, folder: Path, clock: SetClock) -> None:
        self.folder = folder
        self.clock = clock
        self.settings = Settings()
        self.codes: list[str] = []
        self.events: list[bytes] = []
        self.ended: list[tuple[str, tuple[int, ...]]] = []
        self.ctx: Context

    async def start(self) -> None:
        self.ctx = await open_instance(
            self.settings, self.folder, clock=self.clock, cost=CHEAP, tell=self.codes.append
        )
        self.ctx.server.addresses = lambda: ["http://192.168.1.5:8642"]
        self.ctx.hub.watch(lambda publication: self.events.append(publication.event))
        self.ctx.hub.watch(lambda publication: self.ended.append((publication.topic, publication.ended)))

    async def restart(self) -> None:
        await close_instance(self.ctx)
        await self.start()

    async def set_up(self, name: str = "ada", join: str = "network") -> Caller:
        """Set the server up; gives its admin, signed in."""
        cmd = commands.SetupComplete(
            name=name, password=PASSWORD, secret=self.codes[-1], server_name="Attic", join=join
        )
        return await self.who(await setup_complete(self.ctx, HOME, cmd))

    async def register(self, name: str, caller: Caller = HOME) -> Caller:
        cmd = commands.UserRegister(name=name, password=PASSWORD)
        return await self.who(await user_register(self.ctx, caller, cmd))

    async def sign_in(self, name: str, password: str = PASSWORD, caller: Caller = HOME) -> Caller:
        cmd = commands.SessionCreate(name=name, password=password)
        return await self.who(await session_create(self.ctx, caller, cmd))

    async def who(self, signed_in: SignedIn) -> Caller:
        found = await authenticate(self.ctx, signed_in.token)
        assert found is not None
        return Caller(**structs.asdict(found), address=HOME.address, agent=HOME.agent)

    async def rows(self, sql: str, *params: Any) -> list[Any]:
        def steps() -> Steps[list[Any]]:
            return (yield one(sql, *params))

        return await self.ctx.store.read(steps())

    async def commit(self, change: Callable[[Batch], Steps[Any]]) -> Any:
        return await self.ctx.committer.submit(change)


def in_world(test: Callable[[World], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Make a pytest test of a coroutine that is given a world."""

    async def live(folder: Path, database: str) -> None:
        world = World(folder, SetClock())
        world.settings = Settings(storage=Storage(database=database))
        await world.start()
        try:
            await test(world)
        finally:
            await close_instance(world.ctx)

    def run(tmp_path: Path) -> None:
        database = postgres.server().wiped() if os.environ.get("CHATBOX_ENGINE") == "postgres" else ""
        asyncio.run(live(tmp_path, database))

    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run


async def error_of(work: Awaitable[Any]) -> ChatboxError:
    """The error with which this is refused."""
    try:
        result = await work
    except ChatboxError as error:
        return error
    raise AssertionError(f"nothing was refused; the answer is {result!r}")


async def outcomes(*work: Awaitable[Any]) -> tuple[list[Any], list[BaseException]]:
    """What came of things done at once: the answers, and the errors."""
    found = await asyncio.gather(*work, return_exceptions=True)
    failed = [each for each in found if isinstance(each, BaseException)]
    return [each for each in found if not isinstance(each, BaseException)], failed
