"""What a profile makes of the stacks that were seen."""

import pytest

from benchmarks.profiling import Profile, lines, shares_of

HERE = "/somewhere/chatbox/live/hub.py"
STACKS = [
    f"thread (7): MainThread;<module> (/somewhere/chatbox.py);Hub.flush ({HERE}) 6",
    "thread (7): MainThread;<module> (/somewhere/chatbox.py);write (/x/site-packages/tornado/iostream.py) 2",
    f"thread (7): MainThread;run (/usr/lib/python3.11/x.py);Hub.flush ({HERE}) 2",
    "thread (7): MainThread;EpollSelector.select (/usr/lib/python3.11/selectors.py) 90",
    "thread (8): writer;run (/x/site-packages/y.py);commit (/somewhere/chatbox/store/sqlite.py) 1",
    "thread (8): writer 50",
]


def test_samples_weigh_as_much_as_their_thread_ran() -> None:
    shares = shares_of(STACKS, {7: 750, 8: 250, 9: 0})
    assert shares == pytest.approx(
        {
            "chatbox/live/hub.py: Hub.flush": 0.6,
            "tornado/iostream.py: write": 0.15,
            "chatbox/store/sqlite.py: commit": 0.25,
        }
    )


def test_two_profiles_stand_side_by_side() -> None:
    before = Profile("before", "chatbox", "200", 1000.0, 10.0, {"a": 8.0, "rare": 0.05, "gone": 1.0})
    after = Profile("after", "chatbox", "200", 5000.0, 2.0, {"a": 1.5, "new": 0.4})
    assert lines([before, after]) == [
        "| µs of CPU per delivery | before | after |",
        "|---|---|---|",
        "| `a` | 8.000 | 1.500 |",
        "| `gone` | 1.000 | 0.000 |",
        "| `new` | 0.000 | 0.400 |",
        "| all others | 1.000 | 0.100 |",
        "| **together** | 10.000 | 2.000 |",
    ]
