"""The arithmetic of many people, and the simulation that plays it through, agree."""

from __future__ import annotations

import random

import pytest

from benchmarks.million import Costs, Habits, Limits, arithmetic, simulate, table
from tests.harness.running import chance


@pytest.mark.parametrize("people", [3_000, 100_000, 400_000])
def test_what_is_played_through_is_what_was_computed(people: int) -> None:
    costs, limits, habits = Costs(), Limits(), Habits()
    planned = arithmetic(people, costs, limits, habits)
    played = simulate(people, planned.nodes, 40, chance(), costs, limits, habits)
    for name, most in (("posts", 0.2), ("commits", 0.2), ("relayed", 0.25)):
        expected, found = getattr(planned.work, name), getattr(played.work, name)
        assert found == pytest.approx(expected, rel=most, abs=3.0), name


@pytest.mark.parametrize("people", [1_000, 60_000, 1_000_000])
def test_as_many_nodes_are_planned_as_keep_every_limit_and_no_more(people: int) -> None:
    costs, limits, habits = Costs(), Limits(), Habits()
    need = arithmetic(people, costs, limits, habits)
    assert need.busiest <= limits.busy
    assert need.storm <= limits.storm
    assert need.memory / need.nodes <= limits.memory
    if need.nodes > 1:
        tighter = limits._replace(busy=need.busiest * 0.5)
        assert arithmetic(people, costs, tighter, habits).nodes > need.nodes


def test_one_node_needs_no_redis() -> None:
    need = arithmetic(1_000, Costs(), Limits(), Habits())
    assert (need.nodes, need.work.relayed, need.redises) == (1, 0, 0)


def test_a_seed_gives_the_same_table_again() -> None:
    seed = random.randrange(1000)
    print(f"seed {seed}")
    assert table([2_000], 5, seed) == table([2_000], 5, seed)
