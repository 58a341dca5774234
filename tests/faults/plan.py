"""The numbered faults of `make faults`: which tests each is, and how much they do in the long form."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One number of the plan. `tests` are pytest's ids below this folder; `amounts` become CHATBOX_<name>."""

    number: int
    title: str
    tests: tuple[str, ...]
    amounts: dict[str, int]


PLAN = (
    Fault(1, "kill -9 under load", ("test_kill.py",), {"KILLS": 200, "ARCHIVE": 1_000_000}),
    Fault(2, "durable before visible, by system calls", ("test_durable.py",), {"TRACED": 5000}),
    Fault(
        3,
        "a bad network",
        ("test_network.py",),
        {
            "NETWORK_SECONDS": 600,
            "NETWORK_EVERY": 2500,
            "NETWORK_LATENCY": 2000,
            "NETWORK_STANDSTILL": 180,
            "NETWORK_PATIENCE": 10,
        },
    ),
    Fault(
        4,
        "readers that do not read",
        ("test_slow_readers.py",),
        {
            "SLOW_CLIENTS": 1000,
            "SLOW_SECONDS": 15,
            "SLOW_BYTES": 8_400_000,
            "SLOW_RATIO": 2,
            "SLOW_CLOSED_WITHIN": 15,
            "SLOW_SLACK": 1,
            "SLOW_OTHERS": 0,
        },
    ),
    Fault(5, "all cut at once", ("test_storm.py",), {"STORM_CLIENTS": 3000, "STORM_AT_ONCE": 70}),
    Fault(
        6,
        "asked to stop under load",
        ("test_stop.py",),
        {"STOP_CLIENTS": 2000, "STOP_POSTS": 600, "STOP_HURRY": 2},
    ),
    Fault(7, "full, failing and read-only disks", ("test_disk.py",), {"DISK_ROUNDS": 5, "WEB_WAITS": 1}),
    Fault(8, "the clock is set", ("test_clock.py", "set_clock.py"), {"CLOCK_ROUNDS": 5}),
    Fault(
        9,
        "hostile bytes",
        ("test_autobahn.py", "test_hostile.py", "test_generated.py", "test_attacks.py"),
        {
            "HOSTILE_ITEMS": 1_000_000,
            "HOSTILE_GROWTH": 10,
            "ATTACKERS": 500,
            "ATTACKERS_COME_WITHIN": 3000,
            "ATTACK_ROUNDS": 3,
            "ATTACK_MILLISECONDS": 5000,
            "ATTACK_RATIO": 2,
            "ATTACK_GROWTH": 10,
        },
    ),
    Fault(
        10,
        "snapshots and removals in the middle of traffic",
        (
            "test_snapshot_race.py",
            "test_revoked.py",
            "test_convergence.py",
            "test_resend.py",
            "../cluster/test_gone.py",
        ),
        {"ROUNDS": 40, "INTERLEAVINGS": 1000, "REAL_INTERLEAVINGS": 1000},
    ),
    Fault(
        11,
        "half an hour of coming and going",
        ("test_soak.py",),
        {
            "SOAK_SECONDS": 1800,
            "SOAK_WARM_UP": 600,
            "SOAK_CLIENTS": 240,
            "SOAK_GROUPS": 4,
            "SOAK_STAY": 40,
            "SOAK_GROWTH": 10,
        },
    ),
    Fault(
        12,
        "backups under load",
        ("test_backups.py",),
        {
            "BACKUPS": 20,
            "BACKUP_RATE": 100,
            "BACKUP_SAMPLE": 500,
            "BACKUP_ARCHIVE": 200_000,
            "BACKUP_UPLOAD_BYTES": 2_000_000,
            "BACKUP_RATIO": 2,
        },
    ),
    Fault(
        13,
        "nodes, Redis and PostgreSQL that die",
        ("test_nodes.py",),
        {
            "CHAOS_CLIENTS": 300,
            "CHAOS_SECONDS": 600,
            "CHAOS_EVERY": 6000,
            "CHAOS_PAUSE": 60,
            "CHAOS_CUT": 30,
        },
    ),
)
