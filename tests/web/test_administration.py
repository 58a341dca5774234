"""The administration over HTTP: the password in between, the server's picture, and who counts as a device."""

from __future__ import annotations

import base64
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from chatbox.rules.tokens import digest
from chatbox.settings import Server as ServerSettings
from chatbox.settings import Settings
from chatbox.store import sessions, users
from chatbox.store.base import Batch, Steps
from tests.chat.support import PASSWORD
from tests.web.support import Answer, Person, Site

PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000040000000400806000000")
TOKEN = "the-cookie-of-a-browser"


def browser(site: Site, person: Person) -> dict[str, str]:
    """What a browser of this person sends, signed in without a password of late."""

    def change(batch: Batch) -> Steps[Any]:
        stored = yield from sessions.add(
            batch, person.id, digest(TOKEN), kind="browser", label="", address="", shared=False
        )
        yield from users.update(person.id, password=hashed)
        return stored

    async def submit() -> Any:
        return await site.ctx.committer.submit(change)

    hashed = site.run(site.ctx.hashing.hash(PASSWORD))
    site.run(submit())
    return {"Cookie": f"{site.cookie_name}={TOKEN}", "Origin": site.origin}


def refusal(answer: Answer) -> tuple[int, str, str | None]:
    error = answer.json["error"]
    return answer.status, error["code"], error.get("field")


def test_a_browser_is_asked_and_a_token_is_not(site: Site, ada: Person) -> None:
    sent = browser(site, ada)
    update = {"join": "closed"}
    assert refusal(site.ask("POST", "/api/server.update", update, sent)) == (403, "forbidden", "confirm")
    assert site.ask("POST", "/api/server.update", update, ada.bearer).status == 200
    wrong = site.ask("POST", "/api/session.confirm", {"password": "wrong"}, sent)
    assert refusal(wrong) == (403, "forbidden", "password")
    assert site.ask("POST", "/api/session.confirm", {"password": PASSWORD}, sent).json == {"seconds": 600}
    assert site.ask("POST", "/api/server.update", update, sent).status == 200
    for name in ("people.list", "settings.list", "admin.overview", "admin.rooms", "admin.reach"):
        assert site.ask("POST", f"/api/{name}", {}, ada.bearer).status == 200


def test_the_picture_is_handed_out_to_anybody_and_never_runs(site: Site, ada: Person) -> None:
    mark = site.command(ada, "admin.logo", image=base64.b64encode(PNG).decode())["logo"]
    answer = site.ask("GET", f"/logo/{mark}")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in answer.headers["cache-control"]
    assert site.ask("HEAD", f"/logo/{mark}").status == 200
    assert site.command(ada, "admin.logo") == {"logo": ""}
    assert site.ask("GET", f"/logo/{mark}").status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"image": "not base64"}, "image"),
        ({"image": base64.b64encode(b"x" * (96 * 1024 + 1)).decode()}, "image"),
        ({"image": base64.b64encode(b"<svg/>").decode()}, "image"),
        ({"picture": ""}, "picture"),
    ],
    ids=["no base64", "too large", "svg", "unknown field"],
)
def test_what_is_no_picture_is_refused(site: Site, ada: Person, body: dict[str, str], field: str) -> None:
    assert refusal(site.ask("POST", "/api/admin.logo", body, ada.bearer)) == (400, "bad_request", field)


def test_behind_a_proxy_the_devices_before_it_count(tmp_path: Path) -> None:
    proxied = Settings(server=ServerSettings(trusted_proxies=(ip_network("127.0.0.0/8"),)))
    site = Site(tmp_path, proxied)
    try:
        ada = site.add_person("ada", admin=True)
        for address in ("192.168.1.77", "192.168.1.77", "192.168.1.78", "127.0.0.1"):
            site.ask("GET", "/healthz", headers={"X-Forwarded-For": address})
        found = site.command(ada, "admin.reach")
        assert (found["devices"], found["can_open"]) == (2, False)
    finally:
        site.close()


def test_who_comes_through_a_proxy_on_this_computer_does_not_sit_at_it(site: Site, ada: Person) -> None:
    """Not even where `trusted_proxies` does not know of it."""
    for name, body in (("admin.firewall", {}), ("service.set", {"on": True})):
        at_it = site.ask("POST", f"/api/{name}", body, ada.bearer)
        assert refusal(at_it) == (409, "conflict", None)  # where these tests run nothing of it can be had
        for sign in ({"X-Forwarded-For": "203.0.113.9"}, {"Host": "chat.example"}):
            through = site.ask("POST", f"/api/{name}", body, ada.bearer | sign)
            assert refusal(through) == (403, "forbidden", None)


def test_this_computer_is_no_other_device(site: Site, ada: Person) -> None:
    assert site.command(ada, "admin.reach")["devices"] == 0
    site.ctx.devices.note("192.168.1.34")
    found = site.command(ada, "admin.reach")
    assert (found["devices"], found["late"]) == (1, False)
