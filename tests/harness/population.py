"""A server with many people, who are made in its database in one go: signing them up would hash passwords."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chatbox.chat import accounts
from chatbox.chat.signin import new_token
from chatbox.instance import close_instance, open_instance
from chatbox.rules.tokens import digest
from chatbox.settings import Settings
from chatbox.store import sessions
from chatbox.store.base import Batch, Steps
from tests.harness.process import Person, Server, running


@asynccontextmanager
async def populated(
    folder: Path, people: int, settings: dict[str, str] | None = None
) -> AsyncIterator[tuple[Server, list[Person]]]:
    """A running server and its people, all in #general; the first is its admin."""
    server = Server(folder, settings)
    made = await _populate(server.data, people)
    async with running(server):
        yield server, [person._replace(origin=server.url) for person in made]


async def _populate(data: Path, people: int) -> list[Person]:
    data.mkdir(parents=True)
    ctx = await open_instance(Settings(), data)
    try:
        tokens: dict[int, str] = await ctx.committer.submit(lambda batch: _found(batch, people))
        cookie = f"chatbox_{ctx.server.id}"
    finally:
        await close_instance(ctx)
    numbered = enumerate(tokens.items())
    return [Person(user, f"person{n}", f"{cookie}={token}", "") for n, (user, token) in numbered]


def _found(batch: Batch, people: int) -> Steps[dict[int, str]]:
    tokens = {}
    for number in range(people):
        applicant = accounts.Applicant(f"person{number}", "", "")
        account = yield from accounts.found(batch, applicant, "member" if number else "admin")
        token = tokens[account.id] = new_token()
        yield from sessions.add(
            batch, account.id, digest(token), kind="browser", label="", address="", shared=False
        )
    return tokens
