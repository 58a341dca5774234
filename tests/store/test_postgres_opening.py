"""Opening a PostgreSQL database: what is said where it cannot be, and how its tables are made."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import pytest

from chatbox.errors import DatabaseTooNew, DataFolderError, UpgradeFailed
from chatbox.store import migrate, postgres_schema, users
from chatbox.store.postgres_opening import format_of, open_postgres, prepare, reach
from chatbox.store.postgres_refusals import shown
from chatbox.store.postgres_schema import MIGRATIONS, POSTGRES_1
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.certificates import TestAuthority
from tests.harness.postgres import QUOTED

LATER: Sequence[str] = (
    POSTGRES_1,
    "ALTER TABLE rooms ADD COLUMN colour TEXT; UPDATE rooms SET colour = 'red'",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refused(url: str) -> str:
    """What a person is told about this address."""
    with pytest.raises(DataFolderError) as caught:
        asyncio.run(open_postgres(url, SetClock()))
    assert caught.value.exit_code == 4
    assert "secret" not in str(caught.value)
    assert QUOTED not in str(caught.value)
    return str(caught.value)


@contextmanager
def something_else() -> Iterator[int]:
    """The port of a program that is no PostgreSQL, and refuses everybody."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as who:
                    who.recv(8)
                    who.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def user(name: str, *words: str) -> str:
    """Somebody with the password "g", and what else is said about them once; the name."""
    server = postgres.server()
    if not server.say(f"SELECT FROM pg_roles WHERE rolname = '{name}'"):
        server.say(f"CREATE ROLE {name} PASSWORD 'g' {' '.join(words)}")
    return name


# What is wrong, and what is said then; `…` stands for what differs. `address_of` makes it so.
REFUSED = {
    "password": "refuses the password of chatbox. Set the right one in the address.",
    "unknown user": "refuses the password of nobody1. Set the right one in the address.",
    "no database": "does not exist. Make it: createdb --encoding=UTF8 nowhere",
    "may not sign in": "does not let this user in: …is not permitted to log in. Allow it in pg_hba.conf",
    "may not connect": "may not use this database: …Make this user its owner: ALTER DATABASE",
    "no connection left": "has no connection left: …raise max_connections in postgresql.conf",
    "no tables": "may not make tables there: …Make this user the owner of the database.",
    "tables of others": "holds tables of another program: …Give Chatbox a database of its own",
    "no UTF8": "keeps text as LATIN1, which has no room for every language. Make a database with",
    "only reads": "is a copy that cannot be written. Name the server that it is a copy of.",
    "old": "Chatbox needs version",
    "nobody there": "cannot be reached: …Does PostgreSQL run there, and listen on that address?",
    "no such computer": "cannot be reached: …Does PostgreSQL run there, and listen on that address?",
    "no TLS": "does not encrypt connections, which sslmode in the address asks for. Turn that on",
    "no PostgreSQL": "does not encrypt connections, …Or what answers there is no PostgreSQL.",
    "no file": "names a file for TLS that is not there.",
    "port": "is not right: ",
    "option": "is not right: ",
    "mode": "is not right: ",
}


def address_of(case: str, stack: ExitStack) -> str:
    """An address of which this is wrong."""
    server = postgres.server()
    url = server.wiped()
    name = url.rpartition("/")[2]
    match case:
        case "password":
            return server.url(password="secret")
        case "unknown user":
            return server.url(user="nobody1")
        case "no database":
            return server.url("nowhere")
        case "may not sign in":
            return server.url(name, user=user("stranger", "NOLOGIN"), password="g")
        case "may not connect":
            server.say(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
            stack.callback(server.say, f"GRANT CONNECT ON DATABASE {name} TO PUBLIC")
            return server.url(name, user=user("guest", "LOGIN"), password="g")
        case "no connection left":
            return server.url(name, user=user("crowd", "LOGIN CONNECTION LIMIT 0"), password="g")
        case "no tables":
            return server.url(name, user=user("guest", "LOGIN"), password="g")
        case "tables of others":
            server.say("CREATE TABLE users (their INTEGER)", name)
        case "no UTF8":
            server.say("DROP DATABASE IF EXISTS narrow")
            server.say("CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0")
            return server.url("narrow")
        case "only reads":
            server.say(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            stack.callback(server.say, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        case "old":
            stack.enter_context(patch("chatbox.store.postgres_opening.OLDEST", 99))
        case "nobody there":
            return f"postgresql://a:secret@127.0.0.1:{free_port()}/chat"
        case "no such computer":
            return "postgresql://a:secret@no-such-host.invalid/chat"
        case "no PostgreSQL":
            return f"postgresql://a:secret@127.0.0.1:{stack.enter_context(something_else())}/chat"
        case "port":
            return "postgresql://a:secret@127.0.0.1:port/chat"
    options = {
        "no TLS": "?sslmode=require",
        "no file": "?sslmode=verify-full&sslrootcert=/nowhere.pem",
        "option": "?nonsense=1",
        "mode": "?sslmode=perhaps",
    }
    return url + options.get(case, "")


@pytest.mark.parametrize("case", REFUSED)
def test_a_person_is_told_why_a_database_cannot_be_used_and_what_to_do(case: str) -> None:
    with ExitStack() as stack:
        told = refused(address_of(case, stack))
    pattern = ".*".join(map(re.escape, REFUSED[case].split("…")))
    assert re.search(pattern, told), told
    assert "\n" not in told
    assert ".." not in told


def test_a_certificate_counts_only_where_the_authority_that_the_address_names_made_it(tmp_path: Path) -> None:
    right, other = TestAuthority(), TestAuthority("Another one")
    files = {}
    for name, authority in (("right", right), ("other", other)):
        files[name] = tmp_path / f"{name}.pem"
        files[name].write_text(authority.pem)
    server = postgres.own()
    try:
        server.encrypt(*right.write(tmp_path))
        url = f"{server.url()}?sslmode=verify-full&sslrootcert="
        told = refused(f"{url}{files['other']}")
        assert "shows a certificate that does not hold: " in told
        assert "Name the file of who made it, sslrootcert=FILE in the address" in told
        asyncio.run(opens(f"{url}{files['right']}"))
    finally:
        server.remove()


async def opens(url: str) -> None:
    await (await open_postgres(url, SetClock())).close()


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("postgresql://ada:secret@db.lan:5433/chat") == "The database chat at db.lan:5433"
    assert shown("postgresql:///chat") == "The database chat at this computer"


def test_servers_that_start_together_make_the_tables_once() -> None:
    url = postgres.server().wiped()

    async def start() -> str:
        store = await open_postgres(url, SetClock())
        try:
            return str((await store.read(users.meta()))["epoch"])
        finally:
            await store.close()

    async def together() -> list[str]:
        return await asyncio.gather(*(start() for _ in range(4)))

    assert len(set(asyncio.run(together()))) == 1


def test_an_upgrade_waits_until_nobody_uses_the_table_and_is_done_once() -> None:
    url = postgres.server().wiped()

    async def upgraded() -> None:
        await (await open_postgres(url, SetClock())).close()
        busy, first, second = [await reach(url) for _ in range(3)]
        async with busy.transaction():
            await busy.execute("LOCK TABLE rooms IN ROW EXCLUSIVE MODE")
            both = asyncio.gather(prepare(first, 7, LATER), prepare(second, 7, LATER))
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            async with asyncio.timeout(20):
                while not await second_look(url, waits):  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.01)
            await busy.execute("UPDATE rooms SET head = head")  # whoever serves goes on
        await both
        assert await format_of(first) == 2
        assert [tuple(row) for row in await first.fetch("SELECT colour FROM rooms")] == [("red",)]
        for connection in (busy, first, second):
            await connection.close()

    asyncio.run(upgraded())


async def second_look(url: str, query: str) -> bool:
    connection = await reach(url)
    try:
        return bool(await connection.fetchval(query))
    finally:
        await connection.close()


@pytest.mark.parametrize("bad", ["UPDATE nothing SET a = 1", "INSERT INTO format VALUES (NULL)", "SELEKT"])
def test_an_upgrade_that_fails_changes_nothing_and_says_how_to_go_on(bad: str) -> None:
    url = postgres.server().wiped()

    async def fail() -> None:
        await (await open_postgres(url, SetClock())).close()
        connection = await reach(url)
        try:
            with pytest.raises(UpgradeFailed, match="Go on with the version"):
                await prepare(connection, 7, (POSTGRES_1, f"ALTER TABLE rooms ADD COLUMN colour TEXT; {bad}"))
            assert await format_of(connection) == 1
        finally:
            await connection.close()
        await (await open_postgres(url, SetClock())).close()

    asyncio.run(fail())


@pytest.mark.parametrize(("version", "opens"), [(len(MIGRATIONS) + 1, True), (len(MIGRATIONS) + 2, False)])
def test_tables_one_version_newer_are_used_and_others_refused(version: int, opens: bool) -> None:
    """While servers are upgraded one by one, one of the older ones may start anew."""
    url = postgres.server().wiped()

    async def go() -> None:
        await (await open_postgres(url, SetClock())).close()
        await postgres.server().ask(f"UPDATE format SET version = {version}", url.rpartition("/")[2])
        if opens:
            await (await open_postgres(url, SetClock())).close()
            return
        with pytest.raises(DatabaseTooNew) as caught:
            await open_postgres(url, SetClock())
        assert caught.value.exit_code == 5

    asyncio.run(go())


def test_the_first_schema_is_frozen() -> None:
    """A released migration never changes. This fails where one was edited; append a new one instead."""
    assert postgres_schema.MIGRATIONS[0] == POSTGRES_1
    assert sha256(POSTGRES_1.encode()).hexdigest()[:16] == "d5be64c6c0509264"


def test_both_engines_have_the_same_format() -> None:
    """What is moved from one to the other fits."""
    assert len(postgres_schema.MIGRATIONS) == len(migrate.MIGRATIONS)
