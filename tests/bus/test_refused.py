"""A Redis that is there and does not let a node do what it must: the start says why, and what to do."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatbox.cluster import try_redis
from chatbox.errors import NetworkError
from tests.harness.certificates import TestAuthority
from tests.harness.needs import need
from tests.harness.redis import redis_in


def own_address() -> str:
    """One of this computer's that is not its loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            need(False, "an address besides the loopback")
        return str(probe.getsockname()[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# What the server is started with, what it is told then, what the address is, and what a person reads.
CASES: dict[str, tuple[str, str, str, str]] = {
    "password needed": ("", "CONFIG SET requirepass secret", "redis://HOST", "it asks for a password: "),
    "wrong password": ("", "CONFIG SET requirepass secret", "redis://:x@HOST", "it refuses the password: "),
    "password not needed": ("", "", "redis://:x@HOST", "it has no password, and the address holds one: "),
    "unknown user": ("", "", "redis://ada:x@HOST", "it refuses the password: "),
    "no right to publish": (
        "", "ACL SETUSER ada on >x +@all ~* resetchannels", "redis://ada:x@HOST", "allow its user everything",
    ),
    "no right to write": (
        "", "ACL SETUSER ada on >x +@all -@write ~* &*", "redis://ada:x@HOST", "allow its user everything",
    ),
    "copy": ("", "REPLICAOF 127.0.0.1 9", "redis://HOST", "it is a copy that cannot be written: "),
    "number": ("", "", "redis://HOST/99", "it has no database of that number: "),
    "old": ("--rename-command HELLO no", "", "redis://HOST", "it is older than version 6"),
    "certificate": ("TLS", "", "rediss://TLS", "its certificate does not hold: "),
    "option": ("", "", "redis://HOST?nonsense=1", "its address has an option after the ? that is not known"),
    "option's value": ("", "", "redis://HOST?socket_timeout=x", "its address has an option after the ?"),
    "others' computers": ("OPEN", "", "redis://OUTSIDE", "it lets nobody in from other computers"),
    "no Redis": ("", "", "redis://WEB", "what answers there is no Redis"),
}  # fmt: skip
REFUSED = {words for *_, words in CASES.values()}


@pytest.mark.parametrize("case", CASES)
def test_a_start_with_a_redis_that_refuses_says_what_to_do(case: str, tmp_path: Path) -> None:
    start, told, address, words = CASES[case]
    certificate, key = TestAuthority().write(tmp_path)
    secure = free_port()
    files = f"--tls-cert-file {certificate} --tls-key-file {key} --tls-ca-cert-file {certificate}"
    start = {
        "TLS": f"--tls-port {secure} --tls-auth-clients no {files}",
        "OPEN": "--bind * --protected-mode yes",
    }.get(start, start)

    async def refused() -> str:
        web = await asyncio.start_server(answer_as_web, "127.0.0.1", 0)
        async with redis_in(tmp_path, *start.split()) as redis, web:
            if told:
                assert await redis.say(*told.split()) == b"+OK"
            places = {
                "HOST": f"127.0.0.1:{redis.port}",
                "TLS": f"127.0.0.1:{secure}",
                "WEB": f"127.0.0.1:{web.sockets[0].getsockname()[1]}",
                "OUTSIDE": f"{own_address()}:{redis.port}",
            }
            found = address
            for name, place in places.items():
                found = found.replace(name, place)
            with pytest.raises(NetworkError) as caught:
                await try_redis(found)
            assert str(caught.value).startswith(f"The Redis at {urlsplit(found).netloc.rpartition('@')[2]}, ")
            return str(caught.value)

    assert words in asyncio.run(refused())


async def answer_as_web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


def test_a_redis_that_lets_a_node_in_or_is_away_keeps_no_start_up(tmp_path: Path) -> None:
    async def start() -> None:
        async with redis_in(tmp_path) as redis:
            await redis.say(
                "ACL", "SETUSER", "ada", "on", ">x", "+@all", "-@dangerous", "~chatbox:*", "&chatbox:*"
            )
            await try_redis(redis.url)
            await try_redis(redis.url.replace("//", "//ada:x@"))
            port = redis.port
        await try_redis(f"redis://127.0.0.1:{port}")
        await try_redis("redis://no-such-host.invalid")

    asyncio.run(start())
