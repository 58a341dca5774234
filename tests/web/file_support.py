"""What the tests of files do: upload, fetch, post, and look at the disk."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote

from tests.web.support import Answer, Person, Site


def upload(site: Site, who: Person, name: str = "a.bin", content: Any = b"content") -> Any:
    answer = site.ask("POST", f"/files?name={quote(name)}", content, who.bearer)
    assert answer.status == 200, answer.body
    return answer.json


def address(file: Any) -> str:
    return f"/files/{file['id']}/{quote(file['name'], safe='')}"


def fetch(site: Site, who: Person | None, file: Any, method: str = "GET", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.ask(method, address(file), headers=sent | (who.bearer if who else {}))


def post(site: Site, who: Person, room: int, *sent: Any) -> int:
    nonce = secrets.token_hex(8)
    ids = [file["id"] for file in sent]
    return int(site.command(who, "message.post", room=room, nonce=nonce, text="", files=ids)["seq"])


def private_room(site: Site, owner: Person) -> int:
    name = secrets.token_hex(6)
    return int(site.command(owner, "room.create", name=f"r{name}", kind="private")["room"]["id"])


def on_disk(site: Site) -> set[str]:
    return {path.name for path in (site.folder / "uploads").rglob("*") if path.is_file()}
