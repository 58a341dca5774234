"""The load balancer's file in `deploy/`: it is valid, passes WebSockets on, and tells who asks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.harness.balancer import ADDRESS, FILE, Balancer
from tests.harness.client import Client
from tests.harness.needs import need, works
from tests.harness.process import Server, enter, running
from tests.harness.running import on_a_loop


def test_the_file_of_haproxy_is_valid(tmp_path: Path) -> None:
    need(works("haproxy", "-v"), "haproxy")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=chat"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *files], check=True, capture_output=True)
    both = tmp_path / "chat.pem"
    both.write_text(certificate.read_text() + key.read_text())
    adapted = tmp_path / "haproxy.cfg"
    adapted.write_text(FILE.read_text().replace("/etc/haproxy/chat.pem", str(both)))
    checked = subprocess.run(["haproxy", "-c", "-f", adapted], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr.lower()


@pytest.mark.parametrize("sticky", [True, False], ids=["sticky", "round-robin"])
@on_a_loop(120)
async def test_whoever_comes_through_the_balancer_talks_under_their_own_address(
    tmp_path: Path, sticky: bool
) -> None:
    server = Server(tmp_path, {"server.trusted_proxies": ADDRESS})
    async with running(server):
        await server.set_up()
        balancer = Balancer(tmp_path / "balancer", [server.port], sticky=sticky)
        await balancer.start()
        try:
            await balancer.up(1)
            ada = await enter(balancer.port, "ada", "session.create")
            assert ("CHATBOX_NODE" in ada.cookie) == sticky
            await enter(balancer.port, "ben", "user.register")
            client = Client(balancer, ada)
            await client.connect()
            await client.post(1, "through the balancer")
            await client.settle()
            assert [message["text"] for message in client.mirror.rooms[1].messages.values()] == [
                "through the balancer"
            ]
            await client.close()
            assert server.rows("SELECT DISTINCT address FROM sessions") == [("127.0.0.1",)]
        finally:
            await balancer.stop()
