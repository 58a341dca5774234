"""The load generator against servers that misbehave in known ways: what it reports must be what they did."""

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs
from websockets.asyncio.server import ServerConnection, serve

from benchmarks import servers
from benchmarks.certificate import Certificate, prepare_certificate
from benchmarks.loader import Load, LoadError, Run, compile_load, has_libssl, run_load
from benchmarks.machine import LOAD_CORE
from benchmarks.population import Population, prepare

pytestmark = pytest.mark.skipif(
    not os.environ.get("CHATBOX_CI")
    and (shutil.which("cc") is None or (os.cpu_count() or 1) <= LOAD_CORE or not has_libssl()),
    reason="needs a C compiler, the headers of OpenSSL and two cores",
)

Send = Callable[[ServerConnection, str], Awaitable[None]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_load(tmp_path_factory.mktemp("load"))


def number_of(text: str) -> int:
    """The number of a message, as load.c writes it."""
    return int(text[6:14], 16)


@asynccontextmanager
async def serving(send: Send, tls: Certificate | None = None) -> AsyncIterator[int]:
    """A server that hands each text to `send` for each client; gives its port."""
    clients: list[ServerConnection] = []

    async def handle(client: ServerConnection) -> None:
        clients.append(client)
        async for text in client:
            for other in clients:
                await send(other, str(text))

    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
    async with serve(handle, "127.0.0.1", 0, compression=None, ssl=context) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def load(program: Path, port: int, trusted: Path | None = None) -> Run:
    server = servers.Running("test", port, os.getpid(), trusted=trusted)
    work = Load(connections=4, senders=1, rate=100.0)
    return await asyncio.to_thread(run_load, program, server, work, 0.1, 0.4)


def test_everything_that_comes_in_order_is_counted_once(program: Path) -> None:
    sent: list[str] = []

    async def send(client: ServerConnection, text: str) -> None:
        sent.append(text)
        await client.send(text)

    async def check() -> None:
        async with serving(send) as port:
            run = await load(program, port)
        run.check()
        assert run.frames == len(sent) >= 4 * 40
        assert 0 < run.deliveries < run.frames
        assert 0 < run.latency_us.p50 <= run.latency_us.p99 <= run.latency_us.max

    asyncio.run(check())


def test_lost_doubled_and_reordered_messages_are_told_apart(program: Path) -> None:
    late: dict[ServerConnection, str] = {}

    async def send(client: ServerConnection, text: str) -> None:
        number = number_of(text)
        if number == 9:
            late[client] = text
        elif number != 5:
            await client.send(text)
        if number == 7:
            await client.send(text)
        if number == 10:
            await client.send(late[client])

    async def check() -> None:
        async with serving(send) as port:
            run = await load(program, port)
        assert (run.lost, run.doubled, run.reordered, run.closed) == (4, 4, 4, 0)

    asyncio.run(check())


def test_over_tls_the_same_is_counted(program: Path, tmp_path: Path) -> None:
    tls = prepare_certificate(tmp_path)

    async def send(client: ServerConnection, text: str) -> None:
        number = number_of(text)
        if number != 5:
            await client.send(text + " " * 50_000)  # several records of TLS
        if number == 7:
            await client.send(text)

    async def check() -> None:
        async with serving(send, tls) as port:
            run = await load(program, port, tls.certificate)
        assert (run.lost, run.doubled, run.reordered, run.closed) == (4, 4, 0, 0)
        assert run.bytes > 50_000 * (run.frames - 4)
        assert run.wire_in > 0

    asyncio.run(check())


def test_a_certificate_that_is_not_trusted_is_refused(program: Path, tmp_path: Path) -> None:
    for name in ("server", "other"):
        (tmp_path / name).mkdir()
    tls, other = prepare_certificate(tmp_path / "server"), prepare_certificate(tmp_path / "other")

    async def send(client: ServerConnection, text: str) -> None:
        await client.send(text)

    async def check() -> None:
        async with serving(send, tls) as port:
            with pytest.raises(LoadError, match="certificate verify failed"):
                await load(program, port, other.certificate)

    asyncio.run(check())


def test_latency_counts_from_the_due_time(program: Path) -> None:
    async def send(client: ServerConnection, text: str) -> None:
        asyncio.get_running_loop().call_later(
            0.05, lambda: tasks.append(asyncio.create_task(client.send(text)))
        )

    tasks: list[asyncio.Task[None]] = []

    async def check() -> None:
        async with serving(send) as port:
            run = await load(program, port)
        run.check()
        assert run.latency_us.p50 > 49_000

    asyncio.run(check())


def test_a_server_that_is_not_there_gives_no_figures(program: Path) -> None:
    done = subprocess.run([str(program), "--port", "1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot connect" in done.stderr


def test_messages_that_chatbox_folds_into_one_event_are_counted_each(program: Path, tmp_path: Path) -> None:
    people = prepare(tmp_path, Population(6, rooms=2, rooms_each=1))
    with servers.chatbox(tmp_path, people) as server:
        work = Load(connections=6, senders=4, groups=2, flight=8)
        run = run_load(program, server, work, 0.2, 1.0)
    run.check()
    assert run.deliveries > run.posts
    assert run.frames < run.deliveries + run.replies
    assert len(run.per_sender) == 4
    assert min(run.per_sender) > 0


def test_polling_finds_each_message_once_and_pays_for_asking(program: Path, tmp_path: Path) -> None:
    people = prepare(tmp_path, Population(6, rooms=2, rooms_each=1))
    work = Load(connections=6, senders=4, groups=2, rate=50.0)
    runs = []
    for poll in (0.1, 0.0):
        with servers.chatbox(tmp_path, people) as server:
            runs.append(run_load(program, server, structs.replace(work, poll=poll), 0.2, 1.0))
        runs[-1].check()
        assert runs[-1].deliveries > 0
    polling, pushed = runs
    assert (polling.frames, pushed.frames > 0) == (0, True)
    assert polling.latency_us.p50 > 20_000
    assert polling.wire_out > pushed.wire_out
