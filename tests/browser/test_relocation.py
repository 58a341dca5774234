"""The address of the server is gone: open pages go on at another one, and admins learn how to keep one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.site import Person, Site
from tests.browser.support import OUTAGE, Stage, Window
from tests.browser.test_contrast import assert_readable

NEW = "127.0.0.2"
GONE = 45_000  # ms: the page looks for the server after twenty seconds
WARNED = r"ERR_CONNECTION_|ERR_FAILED|another origin: (http|ws)://127\.0\.0\.2|status of 404|Content Security"


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with two addresses, of which the first can be lost."""
    site = Site(tmp_path_factory.mktemp("moving"))
    site.start()
    listen(site, f"127.0.0.1, {NEW}")
    site.admin = site.set_up()
    yield site
    site.close()


def listen(site: Site, hosts: str) -> None:
    """Start again on the same port, at these addresses alone."""
    if site.server.running:
        site.run(site.server.stop())
    site.server.place = ["--host", hosts, "--port", str(site.server.port)]
    site.start()


@pytest.fixture
def stage(moving: Site, chromium: Browser) -> Iterator[Stage]:
    stage = Stage(moving, chromium)
    yield stage
    listen(moving, f"127.0.0.1, {NEW}")
    stage.close()


def windows_of(stage: Stage, person: Person, room: int, number: int = 1) -> list[Window]:
    """Tabs of one browser, in a room, which may complain of what is about to happen."""
    windows = [stage.window(person).enter(room)]
    for _ in range(1, number):
        windows.append(stage.window(beside=windows[0]).enter(room))
    windows[0].guard.expect(OUTAGE)
    windows[0].guard.expect(WARNED)
    return windows


def test_a_page_goes_on_where_the_server_is_with_its_sign_in_and_drafts(stage: Stage, moving: Site) -> None:
    ada = moving.person("Ada Lindqvist")
    room = moving.room(ada, f"move-{ada.id}")
    first, second = windows_of(stage, ada, room, 2)
    moving.run(moving.server.stop())
    first.say("written while it was gone")
    expect(first.page.locator(".is-pending")).to_have_count(1)
    first.composer.fill("half a sentence")
    listen(moving, NEW)  # which is a restart, too
    there = re.compile(rf"http://{re.escape(NEW)}:{moving.server.port}/")
    for window in (first, second):
        expect(window.page).to_have_url(there, timeout=GONE)
    expect(first.page.get_by_role("heading", name="The chat has moved here")).to_be_visible()
    first.page.get_by_role("button", name="Go on as Ada Lindqvist").click()
    expect(first.page.locator(".room-header")).to_contain_text(f"move-{ada.id}")
    expect(first.message("written while it was gone")).to_have_count(1)
    expect(first.page.locator(".is-pending")).to_have_count(0)
    expect(first.composer).to_have_value("half a sentence")
    assert "ticket" not in first.page.url
    second.page.reload()  # it was asked as well; meanwhile this browser is signed in there
    expect(second.page.locator(".room-header")).to_be_visible()
    (cookie,) = [each for each in first.context.cookies() if each["domain"] == NEW]
    assert cookie["httpOnly"]
    texts = [row[0] for row in moving.server.rows("SELECT text FROM messages WHERE room = ?", room)]
    assert texts == ["written while it was gone"]


def test_a_page_with_a_dialog_open_stays_and_offers_the_way(stage: Stage, moving: Site) -> None:
    ben = moving.person("Ben Okafor")
    room = moving.room(ben, f"stay-{ben.id}")
    (window,) = windows_of(stage, ben, room)
    window.page.keyboard.press("Control+/")
    expect(window.page.locator("dialog[open]")).to_be_visible()
    listen(moving, NEW)
    expect(window.page.get_by_text("The chat has moved").last).to_be_attached(timeout=GONE)
    assert f"http://{NEW}" not in window.page.url
    window.page.keyboard.press("Escape")
    window.page.locator(".bar a").click()
    window.page.get_by_role("button", name="Go on as Ben Okafor").click()
    expect(window.page.locator(".sidebar-row").first).to_be_visible()


@pytest.fixture(scope="module")
def readdressed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server whose address is another one than at its last start."""
    site = Site(tmp_path_factory.mktemp("readdressed"))
    place = ["--host", "127.0.0.1", "--port", "0", "--set"]
    site.server.place = [*place, "server.address=192.168.1.20"]
    site.start()
    site.admin = site.set_up()
    site.run(site.server.stop())
    site.server.place = [*place, "server.address=192.168.1.77"]
    site.start()
    site.admin = site.run(site.server.sign_in(site.admin.name))
    site.run(site.server.says("The address has changed"))
    yield site
    site.close()


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_admin_is_told_of_a_new_address_and_how_to_keep_it(
    chromium: Browser, readdressed: Site, tmp_path: Path, phone: bool, dark: bool
) -> None:
    stage = Stage(readdressed, chromium)
    window = stage.window(readdressed.admin, phone=phone, dark=dark).load()
    page = window.page
    bar = page.locator(".bar", has_text="The others now open")
    new, old = (f"http://192.168.1.{end}:" for end in (77, 20))
    expect(bar).to_contain_text(re.compile(rf"The others now open {new}\d+ \(before: {old}\d+\)\."))
    assert_readable(page)
    page.screenshot(path=tmp_path / "bar.png")
    bar.get_by_role("button", name="How to keep it").click()
    dialog = page.get_by_role("dialog", name="Keep the address")
    expect(dialog.locator("li")).to_have_count(4)
    expect(dialog).to_contain_text("which has the address 192.168.1.77 now")
    assert_readable(page)
    page.screenshot(path=tmp_path / "dialog.png")
    stage.close()


def test_a_notice_that_was_read_is_gone(chromium: Browser, readdressed: Site) -> None:
    stage = Stage(readdressed, chromium)
    window = stage.window(readdressed.admin).load()
    bar = window.page.locator(".bar", has_text="The others now open")
    bar.get_by_role("button", name="All right").click()
    expect(bar).to_be_hidden()
    window.page.reload()
    expect(window.page.locator(".room-header")).to_be_visible()
    expect(bar).to_be_hidden()
    stage.close()
