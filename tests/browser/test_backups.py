"""Backups in the browser: made, downloaded and restored by an admin, and restored instead of the setup."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import PASSWORD, Person, Site
from tests.browser.support import OUTAGE, REFUSED, STRANGER, Stage

RESTARTING = r"status of 503"


def backups_of(stage: Stage, admin: Person) -> Page:
    """The admins' page, as far as backups go."""
    window = stage.window(admin).load()
    window.administer("Backups")
    return window.page


@pytest.fixture
def admin(own_site: Site) -> Person:
    return own_site.set_up()


def test_an_admin_makes_a_backup_downloads_it_and_restores_it(
    own_stage: Stage, own_site: Site, admin: Person, tmp_path: Path
) -> None:
    own_site.post(admin, 1, "kept")
    page = backups_of(own_stage, admin)
    expect(page.get_by_text("No backup yet")).to_be_visible()
    expect(page.get_by_text("on the same disk as the chat")).to_be_visible()
    page.get_by_role("button", name="Back up now").click()
    expect(page.get_by_text("1 person · 1 message · 0 files")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the backup of").click()
    target = tmp_path / download.value.suggested_filename
    download.value.save_as(target)
    with zipfile.ZipFile(target) as archive:
        assert "manifest.json" in archive.namelist()

    own_site.post(admin, 1, "lost")
    own_stage.windows[0].guard.expect(OUTAGE)
    own_stage.windows[0].guard.expect(RESTARTING)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a backup…").click()
    chooser.value.set_files(target)
    expect(page.get_by_role("dialog")).to_contain_text(f"Put {target.name} in the place of everything")
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("is checked. Chatbox starts anew")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a backup…")).to_be_enabled(timeout=30_000)
    own_stage.windows[0].click_room("general")
    expect(own_stage.windows[0].message("kept")).to_be_visible()
    expect(own_stage.windows[0].message("lost")).to_have_count(0)
    assert len(list(own_site.server.data.glob("before-restore-*"))) == 1


def test_an_admin_restores_one_that_the_server_has(own_stage: Stage, own_site: Site, admin: Person) -> None:
    own_site.post(admin, 1, "kept")
    own_site.ask(admin, "backup.create")
    page = backups_of(own_stage, admin)
    own_site.post(admin, 1, "lost")
    own_stage.windows[0].guard.expect(OUTAGE)
    own_stage.windows[0].guard.expect(RESTARTING)
    button = page.get_by_role("button", name="Restore the backup of")
    expect(button).to_have_text("Restore")  # in a word: an arrow that turns back may mean anything
    button.click()
    expect(page.get_by_role("dialog")).to_contain_text("Put the backup of Today")
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("is checked. Chatbox starts anew")).to_be_visible()
    expect(page.get_by_role("button", name="Choose a backup…")).to_be_enabled(timeout=30_000)
    own_stage.windows[0].click_room("general")
    expect(own_stage.windows[0].message("kept")).to_be_visible()
    expect(own_stage.windows[0].message("lost")).to_have_count(0)


def test_another_open_page_shows_the_restored_state_by_itself(
    own_stage: Stage, own_site: Site, admin: Person
) -> None:
    ben = own_site.person("Ben Okafor")
    own_site.post(admin, 1, "kept")
    target = own_site.server.data.parent / "b.zip"
    code, printed = own_site.run(own_site.server.run("backup", str(target)))
    assert code == 0, printed
    own_site.post(admin, 1, "lost")
    window = own_stage.window(ben).load()
    expect(window.message("lost")).to_be_visible()
    code, printed = own_site.run(own_site.server.run("restore", str(target)))
    assert code == 0, printed
    assert "restart it" in printed
    own_stage.outage()
    window.guard.expect(RESTARTING)
    assert own_site.run(own_site.server.stop()) == 0
    own_site.start()
    expect(window.message("lost")).to_have_count(0, timeout=30_000)
    expect(window.message("kept")).to_be_visible()


def test_on_a_new_computer_a_backup_is_restored_instead_of_the_setup(
    own_stage: Stage, own_site: Site, site: Site, stages: Callable[[Site], Stage]
) -> None:
    target = own_site.server.data.parent / "b.zip"
    code, printed = site.run(site.server.run("backup", str(target)))
    assert code == 0, printed
    window = own_stage.window()
    page = window.load().page
    page.get_by_role("button", name="Restore a backup instead").click()
    page.get_by_role("button", name="Set up a new chat instead").click()
    expect(page.get_by_role("heading", name="Set up Chatbox")).to_be_visible()
    page.get_by_role("button", name="Restore a backup instead").click()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.locator(".field-error:visible")).to_have_text(["Fill this in.", "Fill this in."])
    window.guard.expect(REFUSED)
    page.get_by_label("Setup code").fill("2222 2222")
    page.get_by_label("Backup", exact=True).set_input_files(target)
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_text("This is not the code in the window")).to_be_visible()
    (letter := own_site.server.data.parent / "letter.zip").write_text("Dear Ben,")
    page.get_by_label("Setup code").fill((own_site.server.data / "setup-code.txt").read_text())
    page.get_by_label("Backup", exact=True).set_input_files(letter)
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_text("letter.zip cannot be restored.")).to_be_visible()
    window.guard.expect(OUTAGE)
    window.guard.expect(RESTARTING)
    window.guard.expect(STRANGER)
    page.get_by_label("Backup", exact=True).set_input_files(target)
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in to Attic")).to_be_visible(timeout=30_000)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".room-header")).to_contain_text("general")


def test_an_admin_gets_the_security_key_in_an_encrypted_file(
    own_stage: Stage, own_site: Site, admin: Person, tmp_path: Path
) -> None:
    own_site.run(own_site.server.told("HTTPS answers on the same port"))  # the key is there by then
    page = backups_of(own_stage, admin)
    page.get_by_label("A password for the file").fill(PASSWORD)
    page.get_by_label("The same once more").fill("something else")
    page.get_by_role("button", name="Download the security key").click()
    expect(page.get_by_text("The two are not the same.")).to_be_visible()
    page.get_by_label("The same once more").fill(PASSWORD)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the security key").click()
    assert download.value.suggested_filename == "chatbox-security-key.txt"
    download.value.save_as(tmp_path / "key.txt")
    text = (tmp_path / "key.txt").read_text()
    assert text.startswith("This is the security key of a Chatbox server")
    assert "PRIVATE KEY" not in text
    expect(page.get_by_label("A password for the file")).to_have_value("")


@pytest.fixture
def failing_site(tmp_path: Path) -> Iterator[Site]:
    """A server whose folder for backups cannot be made."""
    (tmp_path / "file").touch()
    site = Site(tmp_path, {"backup.folder": str(tmp_path / "file" / "backups")})
    site.server.expected = ("the backup failed",)
    site.start()
    yield site
    site.close()


def test_a_backup_that_fails_is_shown_to_admins_wherever_they_are(
    failing_site: Site, stages: Callable[[Site], Stage]
) -> None:
    admin = failing_site.set_up()
    ben = failing_site.person("Ben Okafor")
    stage = stages(failing_site)
    other, here = stage.window(ben).load(), stage.window(admin).load()
    page = backups_of(stage, admin)
    page.get_by_role("button", name="Back up now").click()
    expect(page.get_by_text("The last backup failed")).to_be_visible()
    expect(here.page.locator(".bar.is-warning:visible")).to_contain_text("The backup failed.")
    here.page.reload()
    expect(here.page.locator(".bar.is-warning:visible")).to_contain_text("The backup failed.")
    expect(other.page.locator(".bar:visible")).to_have_count(0)
