"""How full a disk may get."""

from __future__ import annotations

import pytest

from chatbox.rules.disk import is_low, left_by_uploads, shown_size, takes_uploads

MB, GB, TB = 10**6, 10**9, 10**12


@pytest.mark.parametrize(
    ("total", "left"),
    [
        (100 * MB, 64 * 2**20),  # messages need some room even on the smallest disk
        (2 * GB, 100 * MB),  # 5 %
        (10 * GB, 500 * MB),
        (8 * TB, 500 * MB),
    ],
)
def test_uploads_leave_five_percent_or_500_mb(total: int, left: int) -> None:
    assert left_by_uploads(total) == left
    assert takes_uploads(total, left)
    assert not takes_uploads(total, left - 1)
    assert takes_uploads(total, left + 1000, 1000)
    assert not takes_uploads(total, left + 999, 1000)


@pytest.mark.parametrize(
    ("total", "free", "low"),
    [
        (10 * GB, 1 * GB, False),
        (10 * GB, 1 * GB - 1, True),
        (8 * TB, 101 * GB, False),
        (8 * TB, 99 * GB, True),
        (200 * MB, 66 * MB, True),  # uploads stop at a third of it
    ],
)
def test_an_admin_is_warned_below_ten_percent(total: int, free: int, low: bool) -> None:
    assert is_low(total, free) is low


def test_an_admin_is_warned_before_uploads_stop() -> None:
    for total in (50 * MB, 700 * MB, 3 * GB, 500 * GB, 20 * TB):
        assert is_low(total, left_by_uploads(total) - 1)


def test_sizes_are_shown_in_words() -> None:
    assert [shown_size(size) for size in (0, 999, 2048, 5 * 2**20, 3 * 2**30)] == [
        "0 bytes",
        "999 bytes",
        "2.0 KB",
        "5.0 MB",
        "3.0 GB",
    ]
