"""The address of a server changes while it runs, and its machine sleeps."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.network import Desk, Host, hosts
from tests.harness.process import PASSWORD, ROOT
from tests.harness.running import on_a_loop

OLD, NEW, OFFICE, PHONE = "192.168.77.2", "192.168.77.99", "10.1.0.2", "10.1.0.3"

# Somebody who stays on the line, and writes down what is said of addresses.
LISTEN = """
import json, sys
from websockets.sync.client import connect
with connect(sys.argv[1], additional_headers={"Authorization": "Bearer " + sys.argv[2]}) as there:
    there.send(json.dumps({"id": 1, "do": "hello"}))
    for frame in there:
        heard = json.loads(frame)
        if heard.get("re") == 1:
            print(json.dumps(heard["ok"]["server"]["addresses"]), flush=True)
        if heard.get("ev") == "addresses":
            print(json.dumps(heard["addresses"]), flush=True)
            if sys.argv[3] in heard["addresses"]:
                break
"""


@pytest.fixture
def network() -> Iterator[tuple[Host, Host]]:
    """A desk with a router's Wi-Fi and an office's cable, and a phone on the cable."""
    with hosts("desk", "phone") as (desk, phone):
        desk.pair("wlan0", f"{OLD}/24")
        desk.pair("eth0", f"{OFFICE}/24", phone)
        phone.ip("address", "add", f"{PHONE}/24", "dev", "eth0")
        yield desk, phone


@on_a_loop()
async def test_a_new_address_is_told_to_open_pages_the_admin_and_the_console(
    tmp_path: Path, network: tuple[Host, Host]
) -> None:
    desk, phone = network
    server = Desk(tmp_path, desk)
    server.hurry()
    await server.start()
    (tmp_path / "password").write_text(PASSWORD)
    server.command_line("user", "add", "ada", "--admin", "--password-file", str(tmp_path / "password"))
    token = server.command_line("user", "token", "ada", "--label", "phone").splitlines()[0]
    listening = phone.words(
        sys.executable, "-c", LISTEN, f"ws://{OFFICE}:8642/ws", token, f"http://{NEW}:8642"
    )
    with subprocess.Popen(listening, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())[0] == f"http://{OLD}:8642"
        desk.move("wlan0", f"{OLD}/24", f"{NEW}/24")
        addresses = json.loads(process.stdout.readlines()[-1])
    assert addresses == [f"http://{NEW}:8642", "http://chatbox.local:8642", f"http://{OFFICE}:8642"]
    await server.says(f"The address has changed: the others now open  http://{NEW}:8642  (before: ")
    await server.told(f", {NEW}, ")  # the certificate was made anew
    ask = ("curl", "-s", "--max-time", "20", "-H", f"Authorization: Bearer {token}", "-d", "{}")
    notice = json.loads(phone.run(*ask, f"http://{OFFICE}:8642/api/hello"))["me"]["notice"]
    assert (notice["kind"], notice["url"]) == ("address", f"http://{NEW}:8642")
    assert await server.stop() == 0
    server.assert_quiet()


@on_a_loop()
async def test_after_a_sleep_the_name_is_announced_again(tmp_path: Path, network: tuple[Host, Host]) -> None:
    server = Desk(tmp_path, network[0])
    server.hurry()
    await server.start()
    await server.told("chatbox.local is announced at ")
    server.signal(signal.SIGSTOP)
    network[1].run("sleep", "4")
    server.signal(signal.SIGCONT)
    await server.told("this machine has slept: all are asked whether they are there")
    await server.told("chatbox.local is announced at ", 2)
    assert await server.stop() == 0
