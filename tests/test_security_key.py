"""The security key on its way from one computer to another, by the command line and by the browser."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from chatbox.errors import Conflict, Invalid, NotFound
from chatbox.lan import pem
from chatbox.lan.certificates import load_authority, make_authority, save_authority
from chatbox.lan.security_key import unlock
from chatbox.operations import run_offline
from chatbox.settings import Settings
from tests.harness.http import Http
from tests.harness.process import PASSWORD, Server, running, serving
from tests.harness.running import on_a_loop


def operate(folder: Path, what: str, file: Path, password: str = PASSWORD) -> str:
    values = {"file": str(file), "password": password}
    return str(run_offline(Settings(), folder, f"security_key_{what}", values)["summary"])


def fingerprint(folder: Path) -> str:
    authority = load_authority(folder)
    assert authority is not None
    return authority.fingerprint


def test_it_goes_from_one_folder_to_another_and_the_old_one_is_kept(tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "key.txt"
    for folder in (old, new):
        folder.mkdir()
        save_authority(folder, make_authority("Attic", ["localhost"], pem.now()))
    before = fingerprint(new)
    assert "Keep it apart from its password" in operate(old, "save", file)
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    told = operate(new, "use", file)
    assert fingerprint(new) == fingerprint(old) != before
    (aside,) = new.glob("tls-before-*")
    assert str(aside) in told
    assert (aside / "ca.key").is_file()
    assert sorted(path.name for path in new.iterdir()) == ["tls", aside.name]  # no database was made


def test_what_is_refused_says_why(tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    with pytest.raises(NotFound, match="no security key"):
        operate(tmp_path, "save", file)
    save_authority(tmp_path, make_authority("Attic", ["localhost"], pem.now()))
    operate(tmp_path, "save", file)
    with pytest.raises(Conflict, match="File exists"):
        operate(tmp_path, "save", file)
    with pytest.raises(Conflict, match="No such file"):
        operate(tmp_path, "save", tmp_path / "nowhere" / "key.txt")
    with pytest.raises(Invalid, match="does not fit"):
        operate(tmp_path, "use", file, "plum-trout-lantern-8")
    with pytest.raises(Invalid, match="cannot be read"):
        operate(tmp_path, "use", tmp_path / "no.txt")
    with pytest.raises(Invalid, match="full path"):
        operate(tmp_path, "use", Path("key.txt"))
    file.write_bytes(b"\xff" * 1000)
    with pytest.raises(Invalid, match="holds no security key"):
        operate(tmp_path, "use", file)


async def authority_of(server: Server) -> bytes:
    """The certificate that devices are given, once there is one."""
    http = Http(server.port)
    while (answer := await http.ask("GET", "/trust/chatbox-ca.crt")).status != 200:  # noqa: ASYNC110 - foreign
        await asyncio.sleep(0.05)
    await http.close()
    return answer.body


@on_a_loop()
async def test_devices_trust_a_new_computer_that_was_given_it(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    file = tmp_path / "key.txt"
    async with serving(tmp_path / "old") as (server, (ada,)):
        trusted = await authority_of(server)
        code, printed = await server.run(
            "security-key", "save", str(file), "--password-file", "-", text=f"{PASSWORD}\n"
        )
        assert code == 0, printed
        http = Http(server.port, ada.headers)
        json_type = {"Content-Type": "application/json"}
        for body, status in ((b"{}", 400), (b'{"password":"short"}', 400), (b'{"password":7}', 400)):
            assert (await http.ask("POST", "/security-key", body, json_type)).status == status
        asked = json.dumps({"password": PASSWORD}).encode()
        answer = await http.ask("POST", "/security-key", asked, json_type)
        assert answer.status == 200, answer.body
        assert "attachment" in answer.headers["content-disposition"]
        text = answer.body.decode()
        assert unlock(text, PASSWORD, pem.now()).fingerprint == fingerprint(server.data)
        await http.close()
    other = Server(tmp_path / "new")
    code, printed = await other.run(
        "security-key", "use", str(file), "--password-file", "-", text=f"{PASSWORD}\n"
    )
    assert code == 0, printed
    async with running(other):
        await other.set_up()
        assert await authority_of(other) == trusted
        code, printed = await other.run(
            "security-key", "use", str(file), "--password-file", "-", text=f"{PASSWORD}\n"
        )
        assert "restart it" in printed
