"""Backups over HTTP: who gets one, over which way, and how one comes in."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import zipfile
from typing import Any

import pytest

from chatbox.chat import backups
from chatbox.rules.tokens import digest
from chatbox.store import sessions
from chatbox.store.base import Batch, Steps
from tests.web.file_support import upload
from tests.web.support import Answer, Person, Site, until

AFAR = {"X-Forwarded-For": "192.168.1.2"}


@pytest.fixture
def run(site: Site, ada: Person) -> str:
    """The name of a backup of the schedule with a file in it."""
    file = upload(site, ada, content=b"picture")
    site.command(ada, "message.post", room=1, nonce="a" * 16, text="kept", files=[file["id"]])
    return site.run(backups.run(site.ctx)).name


def restore(site: Site, who: Person | None, body: Any, name: str = "b.zip", **headers: str) -> Answer:
    sent = {key.replace("_", "-"): value for key, value in headers.items()} | (who.bearer if who else {})
    return site.ask("POST", f"/restore?name={name}", body, sent)


def test_an_admin_gets_a_backup_as_one_file_that_restores(site: Site, ada: Person, run: str) -> None:
    answer = site.ask("GET", f"/backups/{run}.zip", headers=ada.bearer)
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="chatbox-{run}.zip"'
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["counts"]["messages"] == 1
        assert archive.read(f"uploads/{(hash := next(iter(manifest['uploads'])))[:2]}/{hash}") == b"picture"
    until(lambda: not list((site.folder / "backups" / "runs").glob("*.zip")))
    assert restore(site, ada, answer.body).status == 200
    assert (site.folder / "restore" / "plan.json").exists()


def test_nothing_of_a_backup_crosses_the_network_in_the_open(site: Site, ada: Person, run: str) -> None:
    for headers in (AFAR, {"Host": "192.168.1.2"}):
        for answer in (
            site.ask("GET", f"/backups/{run}.zip", headers=ada.bearer | headers),
            site.ask("POST", "/restore", b"x" * 1000, ada.bearer | headers),
        ):
            assert answer.status == 403
            assert "HTTPS: see /trust" in answer.json["error"]["message"]


def test_an_admin_in_a_browser_gives_the_password_first(site: Site, ada: Person, run: str) -> None:
    """Whoever comes upon a browser that was left open must not carry everything away."""
    token = secrets.token_urlsafe(32)
    session = site.run(sign_in(site, ada.id, token))
    cookie = {"Cookie": f"{site.cookie_name}={token}", "Origin": site.origin}
    asks: tuple[tuple[str, str, Any], ...] = (
        ("GET", f"/backups/{run}.zip", None),
        ("POST", "/restore?name=b.zip", b"x" * 1000),
        ("POST", f"/restore?backup={run}", b""),
        ("POST", "/security-key", b'{"password":"plum-trout-lantern"}'),
        ("POST", "/api/backup.ready", {}),
    )
    for method, path, body in asks:
        answer = site.ask(method, path, body, cookie)
        assert answer.status == 403, path
        assert answer.json["error"]["field"] == "confirm"
    site.ctx.confirmed.add(ada.id, session)
    found = [site.ask(method, path, body, cookie).status for method, path, body in asks]
    assert found == [200, 400, 200, 404, 200]


async def sign_in(site: Site, user: int, token: str) -> int:
    """In a browser; gives the session's id."""

    def change(batch: Batch) -> Steps[int]:
        made = yield from sessions.add(
            batch, user, digest(token), kind="browser", label="", address="", shared=False
        )
        return made.id

    session: int = await site.ctx.committer.submit(change)
    return session


def test_a_name_that_is_none_leads_nowhere(site: Site, ada: Person) -> None:
    for name in ("2001-01-01_000000", "..%2f..%2fetc%2fpas", "0" * 17):
        assert site.ask("GET", f"/backups/{name}.zip", headers=ada.bearer).status == 404


def test_what_is_no_backup_is_refused_and_leaves_nothing(site: Site, ada: Person) -> None:
    shutil.rmtree(site.folder / "restore", ignore_errors=True)
    answer = restore(site, ada, b"Dear Ben, " * 500_000, "letter.zip")
    assert answer.status == 400
    assert answer.json["error"]["message"].startswith("letter.zip cannot be restored.")
    assert answer.json["error"]["field"] == "file"
    until(lambda: not (site.folder / "restore.upload").exists())
    assert not (site.folder / "restore").exists()


def test_a_backup_that_the_disk_has_no_room_for_is_refused_before_it_is_sent(
    site: Site, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(site.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=64 * 2**20 + 1000))
    answer = restore(site, ada, b"x" * 5000)
    assert answer.status == 413
    assert "not enough room" in answer.json["error"]["message"]
    until(lambda: not (site.folder / "restore.upload").exists())


def test_one_is_taken_in_at_a_time(site: Site, ada: Person) -> None:
    until(lambda: not site.ctx.backups.arriving)  # what an earlier test sent is cleared away after its answer
    site.ctx.backups.arriving = True
    assert restore(site, ada, b"x").status == 409
    site.ctx.backups.arriving = False


def test_one_that_the_server_has_needs_no_body(site: Site, ada: Person, ben: Person, run: str) -> None:
    asked: list[bool] = []
    site.ctx.server.restart = lambda: asked.append(True)
    shutil.rmtree(site.folder / "restore", ignore_errors=True)
    for name, who, status in (
        (run, ben, 403),
        ("2001-01-01_000000", ada, 404),
        ("..%2f..%2fruns", ada, 404),
    ):
        assert site.ask("POST", f"/restore?backup={name}", b"", who.bearer).status == status
    assert site.ask("POST", f"/restore?backup={run}", b"x" * 100, ada.bearer).status == 400
    assert asked == []
    answer = site.ask("POST", f"/restore?backup={run}", b"", ada.bearer)
    assert answer.json["summary"].startswith(f"{run}, the backup of")
    assert (site.folder / "restore" / "plan.json").exists()
    until(lambda: asked == [True])


def test_the_server_starts_anew_once_it_is_staged(site: Site, ada: Person, run: str) -> None:
    until(lambda: not site.ctx.backups.arriving)
    asked: list[bool] = []
    site.ctx.server.restart = lambda: asked.append(True)
    zipped = site.ask("GET", f"/backups/{run}.zip", headers=ada.bearer).body
    assert restore(site, ada, b"nonsense").status == 400
    assert asked == []
    answer = restore(site, ada, zipped)
    assert "checked and ready" in answer.json["summary"]
    until(lambda: asked == [True])
