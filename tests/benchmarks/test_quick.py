"""The quick benchmark of `make test`: when it fails, and when it must not."""

from benchmarks import quick, table
from benchmarks.quick import Attempt, attempts_at, judge


def test_one_attempt_above_the_bar_is_enough() -> None:
    found = iter([Attempt([1.0, 1.4, 9.0]), Attempt([1.0, 2.0, 3.0]), Attempt([9.0])])
    attempts = attempts_at(lambda: next(found), 1.75)
    assert len(attempts) == 2
    assert judge(attempts, 1.75) == (2.0, False, "fine")


def test_it_fails_where_every_attempt_is_below() -> None:
    attempts = attempts_at(lambda: Attempt([1.0, 1.7]), 1.75)
    assert len(attempts) == quick.ATTEMPTS
    assert judge(attempts, 1.75) == (1.35, True, "TOO SLOW 3 times")


def test_it_does_not_judge_what_was_disturbed() -> None:
    attempts = [Attempt([1.0]), Attempt([1.0], unfit="the disk did 90 commits a second"), Attempt([1.5])]
    assert judge(attempts, 1.75) == (1.5, False, "not judged: the disk did 90 commits a second")


def test_an_error_counts_only_where_there_is_nothing_else() -> None:
    broken = Attempt(error="Node ws could not be measured")
    assert judge([broken, Attempt([1.8])], 1.75).failed is False
    assert judge([broken] * 3, 1.75) == (0.0, True, "Node ws could not be measured")


def test_what_is_asked_of_the_rows_is_in_the_table() -> None:
    bars = {row.key: row.least for row in table.ROWS}
    assert [bars[f"{name}.ws"] for name in quick.WORKS] == [3.5, 4.5]
