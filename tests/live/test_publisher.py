"""What a committed batch tells, and in which order."""

from __future__ import annotations

from typing import Any

from chatbox.live.hub import Hub
from chatbox.live.publisher import publications
from chatbox.store.base import Batch, Steps
from tests.live.support import Room, flushed
from tests.store.support import GENERAL, Bench, draft, on_bench


async def _deliver(hub: Hub, bench: Bench, *changes: Any) -> None:
    for publication in publications(await bench.batch(*changes)):
        hub.receive(publication)
    await flushed(hub)


@on_bench
async def test_whoever_is_shut_out_hears_nothing_of_the_same_batch(bench: Bench) -> None:
    room = Room()
    _, shut_out = room.enter(bench.ben, (GENERAL,))
    _, others = room.enter(bench.ada, (GENERAL,))

    def shut(batch: Batch) -> Steps[None]:
        batch.end_sessions(bench.ben)
        yield from ()

    await _deliver(room.hub, bench, shut, draft(bench.ada, "1"))
    assert shut_out.payloads == []
    assert len(shut_out.closed) == 1
    assert [payload["ev"] for payload in others.payloads] == ["messages"]
