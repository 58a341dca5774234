"""`make profile`: where a server's CPU goes under one of the loads, in µs per delivery and function.

py-spy looks at the running server from outside. Several profiles can be shown side by side: of another clone
(`--source`), which is before and after; of a rival in Python (`--server`)."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, json

from benchmarks.loader import LoadError, Run, compile_load, run_load
from benchmarks.machine import LOAD_CORE, pinned, raise_file_limit
from benchmarks.population import prepare
from benchmarks.servers import BENCH_PYTHON, CHATBOX, HERE, ROOT, SHOWN, Running, StartError, chatbox, rival
from benchmarks.works import FAN_OUT

PY_SPY = BENCH_PYTHON.with_name("py-spy")
SERVERS = (CHATBOX, "tornado", "websockets")
SAMPLES = 250  # a second
CONNECTED_WITHIN = 2.0  # seconds; only then is it looked at
WARMUP = 3.0
LEAST_SHARE = 0.01
THREAD = re.compile(r"thread \((\d+)\)")
WAITING = {  # a thread that has something to do again, but not the core yet, is seen in these
    "selectors.py: EpollSelector.select",
    "aiosqlite/core.py: _connection_worker_thread",
    "concurrent/futures/thread.py: _worker",
}


class Profile(Struct):
    """`costs`: µs per delivery in each Python function itself, and in what it calls in C. `together` is all
    of the server's CPU; what no function was seen for is missing in `costs`."""

    name: str
    server: str
    work: str
    deliveries_per_second: float
    together: float
    costs: dict[str, float]


def record(folder: Path, server: str, work: str, seconds: float, source: Path, name: str) -> Profile:
    """Profile a server under one of `FAN_OUT`. Raises `LoadError` and `StartError`."""
    program, load = compile_load(folder), FAN_OUT[work].load
    with _serving(folder, server, work, source) as running, ThreadPoolExecutor(1) as pool:
        loading = pool.submit(run_load, program, running, load, WARMUP, seconds)
        time.sleep(CONNECTED_WITHIN)
        before = _threads_cpu(running.pid)
        stacks = _look(running.pid, seconds, folder / "stacks.txt")
        used = {thread: cpu - before.get(thread, 0) for thread, cpu in _threads_cpu(running.pid).items()}
        run: Run = loading.result()
    run.check()
    together = run.server_us_per_delivery
    costs = {function: share * together for function, share in shares_of(stacks, used).items()}
    return Profile(name, server, work, run.deliveries_per_second, together, costs)


@contextmanager
def _serving(folder: Path, server: str, work: str, source: Path) -> Iterator[Running]:
    if server != CHATBOX:
        with rival(server, folder) as running:
            yield running
    else:
        with chatbox(folder, prepare(folder, FAN_OUT[work].people), source=source) as running:
            yield running


def _look(pid: int, seconds: float, output: Path) -> list[str]:
    """Lines of "outer;…;inner count"."""
    words = [str(PY_SPY), "record", "--pid", str(pid), "--duration", f"{seconds:.0f}", "--rate", str(SAMPLES)]
    words += ["--format", "raw", "--threads", "--nolineno", "--full-filenames", "--output", str(output)]
    words.append("--nonblocking")  # a thread that was stopped to be looked at seems to be running
    with pinned(LOAD_CORE):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode or not output.exists():
        raise LoadError(
            f"py-spy could not look at the server (it may need root): {done.stderr.strip()[-500:]}"
        )
    return output.read_text("utf-8").splitlines()


def _threads_cpu(pid: int) -> dict[int, int]:
    """Nanoseconds that each thread ran: the first field of schedstat."""
    folders = Path(f"/proc/{pid}/task").iterdir()
    return {int(one.name): int((one / "schedstat").read_text().split()[0]) for one in folders}


def shares_of(stacks: Sequence[str], used: Mapping[int, int]) -> dict[str, float]:
    """The share of each innermost function in the CPU of all threads, each of which `used` so much."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    whole = sum(used.values())
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        thread = THREAD.match(frames)
        function = _short(frames.rpartition(";")[2])
        if thread and ";" in frames and function not in WAITING:
            found[int(thread[1])][function] += int(count)
    shares: dict[str, float] = defaultdict(float)
    for number, functions in found.items():
        seen = functions.total()
        for name, times in functions.items():
            shares[name] += times / seen * used.get(number, 0) / whole
    return dict(shares)


def _short(frame: str) -> str:
    """`write (/…/site-packages/tornado/iostream.py)` as `tornado/iostream.py: write`."""
    function, _, path = frame.rpartition(" (")
    path = path.rstrip(")")
    for mark in (
        "/site-packages/",
        f"/lib/python{sys.version_info.major}.{sys.version_info.minor}/",
        "/chatbox/",
    ):
        if mark in path:
            kept = path.rpartition(mark)[2]
            return f"{'chatbox/' if mark == '/chatbox/' else ''}{kept}: {function}"
    return f"{Path(path).name}: {function}"


def lines(profiles: Sequence[Profile]) -> list[str]:
    """A table in Markdown, with every function that has a hundredth of one of them."""
    seen = {
        function
        for profile in profiles
        for function, cost in profile.costs.items()
        if cost >= LEAST_SHARE * profile.together
    }
    order = sorted(seen, key=lambda function: -max(one.costs.get(function, 0.0) for one in profiles))
    rows = [(f"`{function}`", [one.costs.get(function, 0.0) for one in profiles]) for function in order]
    rest = [one.together - sum(one.costs.get(function, 0.0) for function in seen) for one in profiles]
    rows += [("all others", rest), ("**together**", [one.together for one in profiles])]
    return [
        f"| µs of CPU per delivery | {' | '.join(profile.name for profile in profiles)} |",
        f"|---|{'---|' * len(profiles)}",
        *(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |" for name, values in rows),
    ]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("--server", choices=SERVERS, default=CHATBOX, help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--work", choices=FAN_OUT, default="200", help=f"of {', '.join(FAN_OUT)}")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N")
    parser.add_argument("--source", type=Path, default=ROOT, metavar="DIR", help="another clone of Chatbox")
    parser.add_argument("--name", help="what to call it, in the table and as a file")
    parser.add_argument(
        "--show", nargs="+", type=Path, metavar="FILE", help="show kept ones side by side instead"
    )
    return parser.parse_args()


def main() -> int:
    given = arguments()
    if given.show:
        print("\n".join(lines([json.decode(path.read_bytes(), type=Profile) for path in given.show])))
        return 0
    raise_file_limit()
    name = given.name or f"{SHOWN[given.server]}, {given.work}"
    with tempfile.TemporaryDirectory(prefix="chatbox-profile-") as place:
        try:
            found = record(Path(place), given.server, given.work, given.seconds, given.source.resolve(), name)
        except (LoadError, StartError) as error:
            print(error, file=sys.stderr)
            return 1
        kept = HERE / "results" / f"profile-{name.replace(', ', '-').replace(' ', '-').lower()}"
        kept.parent.mkdir(exist_ok=True)
        kept.with_suffix(".json").write_bytes(json.format(json.encode(found), indent=1) + b"\n")
        kept.with_suffix(".stacks").write_bytes((Path(place) / "stacks.txt").read_bytes())
    print("\n".join(lines([found])))
    print(f"\n{found.deliveries_per_second:,.0f} deliveries/s while it was looked at.")
    print(f"Kept in {kept.relative_to(ROOT)}.json, and every stack in .stacks, for flame graphs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
