"""Of the nodes of a cluster one makes the backup of the day."""

from __future__ import annotations

from chatbox.chat.backups import _is_ones_turn, _note_made
from tests.cluster.support import Town, in_town


@in_town
async def test_one_node_makes_the_backup_and_another_one_where_it_did_not_come_about(town: Town) -> None:
    one, two = town.one.ctx, town.two.ctx
    assert await _is_ones_turn(one)
    assert not await _is_ones_turn(two)
    town.clock.forward(seconds=26 * 60)
    assert await _is_ones_turn(two)  # the first has failed
    await _note_made(two)
    town.clock.forward(seconds=2 * 3600)
    assert not await _is_ones_turn(one)
    town.clock.forward(seconds=22 * 3600)
    assert await _is_ones_turn(one)
