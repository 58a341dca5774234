"""Memory goes back to the system: of a crowd that has left, and of each password that was hashed."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

from tests.harness.process import ROOT

MIB = 2**20
# In a process of its own, whose heap nobody has used before. What lives on lies between what is freed.
SCRIPT = """
import json, psutil
from chatbox.memory import CROWD, Ebb

def memory():
    return psutil.Process().memory_info().rss

ebb, used, kept = Ebb(), [], []
for _ in range(1000):
    used.append(bytearray(60_000))
    kept.append(bytearray(2_000))
ebb.look(CROWD)
found = [memory()]
used.clear()
for connections in (1, 0):
    ebb.look(connections)
    found.append(memory())
print(json.dumps(found))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to give memory back")
def test_what_a_crowd_used_is_given_back_when_it_has_left() -> None:
    command = [sys.executable, "-c", SCRIPT]
    full, few_left, all_left = json.loads(subprocess.check_output(command, cwd=ROOT))
    assert few_left > full - 20 * MIB, "it went by itself"
    assert all_left < full - 40 * MIB


HASHING = """
import asyncio, json, psutil
from chatbox.chat.hashing import COST, Hashing
from chatbox.memory import keep_large_apart

def memory():
    return psutil.Process().memory_info().rss

async def main():
    hashing = Hashing(COST)
    await hashing.hash("one that loads what is needed")
    found = [memory()]
    for _ in range(3):
        await asyncio.gather(*(hashing.hash(f"plum-trout-lantern-{number}") for number in range(8)))
        found.append(memory())
    hashing.close()
    print(json.dumps(found))

keep_large_apart()
asyncio.run(main())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps it")
def test_what_a_password_was_hashed_in_is_given_back_at_once() -> None:
    before, *after = json.loads(subprocess.check_output([sys.executable, "-c", HASHING], cwd=ROOT))
    assert max(after) < before + 10 * MIB


STARTED = """
import gc, json
import chatbox.server
from chatbox.memory import keep_start

before = len(gc.get_objects())
keep_start()
print(json.dumps([before, len(gc.get_objects())]))
"""


def test_the_collector_of_garbage_leaves_alone_what_the_start_has_made() -> None:
    before, after = json.loads(subprocess.check_output([sys.executable, "-c", STARTED], cwd=ROOT))
    assert before > 20_000
    assert after < 100
