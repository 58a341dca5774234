"""This computer, as the use cases see it: its addresses, its firewall, and one question at a time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from chatbox import computer
from chatbox.data_folder import DataFolder
from chatbox.lan import firewall
from chatbox.rules.firewall import System
from chatbox.settings import Settings
from chatbox.startup import Arguments, Start


def made(
    monkeypatch: pytest.MonkeyPatch, systems: tuple[System, ...], programs: set[str]
) -> computer.Computer:
    """A computer with these firewalls and programs."""
    monkeypatch.setattr(firewall, "detect_here", lambda: systems)
    monkeypatch.setattr(computer, "_finds", programs.__contains__)
    folder = DataFolder(Path("/srv/chat"), "option")
    start = Start(Settings(), folder, folder.path / "chatbox.ini")
    return computer.Computer(8700, start, Arguments())


def test_it_knows_its_own_addresses_and_puts_its_own_firewall_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch, ("firewalld",), {"pkexec"})
    assert {"127.0.0.1", "::1"} <= found.own_addresses()
    assert (found.here, found.can_open) == (1, True)
    assert found.guides()[0].system == "firewalld"
    assert "8700/tcp" in found.guides()[0].steps[0].command


def test_strangers_who_ask_without_end_do_not_make_it_look_at_its_adapters_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, looks = [0.0], iter(range(1, 99))
    monkeypatch.setattr(computer, "monotonic", lambda: now[0])
    monkeypatch.setattr(computer, "every_address", lambda: {f"10.0.0.{next(looks)}"})
    found = made(monkeypatch, (), set())
    assert [found.own_addresses() for _ in range(9)] == [{"10.0.0.1"}] * 9
    now[0] += computer.FRESH_FOR + 1
    assert found.own_addresses() == {"10.0.0.2"}


@pytest.mark.parametrize(
    ("systems", "programs"), [((), {"pkexec"}), (("ufw",), set()), (("macos",), {"pkexec"})]
)
def test_without_a_way_to_ask_it_opens_nothing(
    monkeypatch: pytest.MonkeyPatch, systems: tuple[System, ...], programs: set[str]
) -> None:
    assert not made(monkeypatch, systems, programs).can_open


def test_two_who_ask_at_once_ask_one_after_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "asking"
    script = (
        f"import pathlib, sys, time; mark = pathlib.Path({str(mark)!r})\n"
        "if mark.exists(): sys.exit(9)\n"
        "mark.touch(); time.sleep(0.2); mark.unlink()"
    )
    monkeypatch.setattr(firewall, "opener", lambda *_: [sys.executable, "-c", script])
    found = made(monkeypatch, ("ufw",), {"pkexec"})

    async def both() -> list[str]:
        return list(await asyncio.gather(found.open_firewall(), found.open_firewall()))

    assert asyncio.run(both()) == ["", ""]
