"""How a test from outside is run: on an event loop, under a time limit, with a seed that it prints."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")


def on_a_loop(seconds: float = 120) -> Callable[[Callable[P, Coroutine[Any, Any, None]]], Callable[P, None]]:
    """Make a pytest test of a coroutine function; it fails after so many seconds."""

    def decorate(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
        @wraps(test)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            asyncio.run(limited(*args, **kwargs))

        async def limited(*args: P.args, **kwargs: P.kwargs) -> None:
            async with asyncio.timeout(seconds):
                await test(*args, **kwargs)

        return run

    return decorate


def chance() -> random.Random:
    """The source of everything random in a test. Prints its seed; CHATBOX_SEED repeats a run."""
    seed = int(os.environ.get("CHATBOX_SEED") or random.randrange(10**9))
    print(f"seed: CHATBOX_SEED={seed}")
    return random.Random(seed)


def amount(name: str, short: int) -> int:
    """How much a test does: the short form, unless the environment variable CHATBOX_<name> says more."""
    return int(os.environ.get(f"CHATBOX_{name}") or short)
