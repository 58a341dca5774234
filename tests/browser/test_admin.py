"""The administration page: what admins see and change, and the password that it asks for."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chatbox.version import VERSION
from tests.browser.bitmaps import png
from tests.browser.site import PASSWORD, Person, Site
from tests.browser.support import REFUSED, Stage, Window
from tests.harness.http import Http


async def authority(site: Site) -> None:
    """Wait until the server has an authority of its own, which it makes soon after the setup."""
    http = Http(site.server.port)
    made = False
    while not made:
        await asyncio.sleep(0.05)
        made = "authority" in (await http.ask("GET", "/trust/about")).json
    await http.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Site]:
    """A server of the test's own, which is known by a name on the network."""
    site = Site(tmp_path, {"server.hosts": "office.home.arpa"})
    site.start()
    site.admin = site.set_up()
    yield site
    site.close()


def admin_window(stage: Stage, section: str, *, phone: bool = False) -> Window:
    window = stage.window(stage.site.admin, phone=phone).load("#room=1")
    expect(window.page.locator(".room-header")).to_be_visible()
    window.administer(section)
    return window


def fact(page: Page, name: str) -> str:
    row = page.locator(".facts > div", has=page.locator("dt", has_text=re.compile(f"^{name}$")))
    return row.locator("dd").inner_text()


def test_the_overview_tells_who_is_here_and_how_much_there_is(
    office: Site, stages: Callable[[Site], Stage]
) -> None:
    stage = stages(office)
    ben = office.person("Ben Okafor")
    room = office.room(ben, "ops")
    office.post_all(ben, room, ["one", "two", "three"])
    page = admin_window(stage, "Overview").page
    expect(page.locator(".faces .avatar")).to_have_count(1)
    assert (fact(page, "People"), fact(page, "Rooms"), fact(page, "Messages")) == ("2 people", "2", "3")
    assert re.fullmatch(r"\d+ [KM]B", fact(page, "Database"))
    stage.window(ben).load()
    expect(page.locator(".faces .avatar")).to_have_text([re.compile("[A-Z]{1,2}"), "BO"])
    expect(page.locator(".faces")).to_contain_text("Ben Okafor")
    page.get_by_role("button", name="Can my colleagues reach me?").click()
    expect(page.get_by_role("img", name="QR code of the address")).to_be_visible()


@pytest.fixture
def behind_a_proxy(tmp_path: Path) -> Iterator[Site]:
    """A server that takes nobody for somebody who sits at it."""
    site = Site(tmp_path, {"server.trusted_proxies": "192.0.2.1"})
    site.start()
    site.admin = site.set_up()
    yield site
    site.close()


def test_whether_it_runs_always_is_shown_to_those_who_cannot_change_it(
    behind_a_proxy: Site, stages: Callable[[Site], Stage]
) -> None:
    page = admin_window(stages(behind_a_proxy), "Overview").page
    part = page.locator("section", has=page.get_by_role("heading", name="Running always"))
    switch = part.get_by_role("switch", name="Start Chatbox with this computer")
    expect(switch).to_be_disabled()
    expect(switch).not_to_be_checked()
    expect(part.locator(".note p")).to_have_text(re.compile("Only somebody|systemd|administrator"))
    expect(part.get_by_text("somebody has to start it again")).to_be_visible()
    expect(part.get_by_text("It goes on running now")).to_have_count(0)


def test_after_ten_minutes_a_change_asks_for_the_password(
    office: Site, stages: Callable[[Site], Stage]
) -> None:
    stage = stages(office)
    window = admin_window(stage, "Name and joining")
    page = window.page
    window.guard.expect(REFUSED)
    expect(page.get_by_label("Name of this chat")).to_be_visible()
    stage.outage()
    office.run(office.server.stop())
    office.start()  # which has forgotten when the password was given last
    expect(page.get_by_text("Offline.")).to_have_count(0)
    page.get_by_label("Name of this chat").fill("Loft")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Is it you?")
    dialog.get_by_label("Password", exact=True).fill("not the password")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_text("The password is wrong.")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("That was cancelled.")).to_be_visible()
    expect(page.locator(".sidebar-server")).to_have_text("Attic")

    page.get_by_role("button", name="Save").click()
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    expect(page.locator(".sidebar-server")).to_have_text("Loft")
    page.get_by_label("Name of this chat").fill("Attic")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".sidebar-server")).to_have_text("Attic")  # without being asked again


def test_a_question_for_the_password_that_cannot_be_loaded_is_said(
    office: Site, stages: Callable[[Site], Stage]
) -> None:
    stage = stages(office)
    window = admin_window(stage, "Name and joining")
    save = window.page.get_by_role("button", name="Save")
    expect(save).to_be_visible()
    window.guard.expect(REFUSED)
    stage.outage()
    office.run(office.server.stop())
    office.start()  # which has forgotten when the password was given last
    expect(window.page.get_by_text("Offline.")).to_have_count(0)
    window.guard.expect("ERR_FAILED")
    window.page.route("**/dialogs/confirm.js", lambda route: route.abort())  # as after an upgrade
    save.click()
    missing = window.page.locator(".toast", has_text="This part of the page could not be loaded.")
    expect(missing.get_by_role("button", name="Reload")).to_be_visible()


def test_the_picture_of_the_server_is_shown_to_everybody(
    office: Site, stages: Callable[[Site], Stage]
) -> None:
    stage = stages(office)
    ben = stage.window(office.person("Ben Okafor")).load("#room=1")
    expect(ben.page.locator(".sidebar-badge")).to_have_text("A")
    page = admin_window(stage, "Name and joining").page
    picture = png(300, 120, [(60, 90, 200), (240, 240, 240)])
    page.locator(".logo-row input[type=file]").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture}
    )
    image = ben.page.locator(".sidebar-badge img")
    expect(image).to_be_visible()
    assert image.evaluate(
        "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    ) == [
        192,
        192,
    ]
    stranger = stage.window().load()
    expect(stranger.page.locator(".entrance-badge img")).to_be_visible()
    page.get_by_role("button", name="Remove it").click()
    expect(ben.page.locator(".sidebar-badge")).to_have_text("A")

    page.locator(".logo-row input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": base64.b64decode("AAAA")}
    )
    expect(page.get_by_text("This file is no picture")).to_be_visible()


def test_rooms_are_archived_without_being_read(office: Site, stages: Callable[[Site], Stage]) -> None:
    ben = office.person("Ben Okafor")
    room = office.room(ben, "ops", topic="What runs where")
    office.post(ben, room, "one")
    office.room(ben, "payroll", kind="private")
    stage = stages(office)
    member = stage.window(ben).enter(room)
    page = admin_window(stage, "Rooms").page
    row = page.locator("tbody tr").filter(has_text="#ops")
    expect(page.locator("tbody tr")).to_have_count(2)
    words = row.locator("td[data-label]").evaluate_all("(cells) => cells.map((cell) => cell.dataset.label)")
    assert words == ["person", "message"]  # on a phone, behind the numbers
    expect(page.get_by_text("Besides these: 1 private room, 0 direct conversations.")).to_be_visible()
    row.get_by_role("button", name="Archive").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    expect(row.locator(".chip")).to_have_text("archived")
    expect(member.page.get_by_text("This room is archived.")).to_be_visible()
    row.get_by_role("button", name="Bring back").click()
    expect(member.composer).to_be_visible()


def test_a_limit_is_changed_and_holds_at_once(office: Site, stages: Callable[[Site], Stage]) -> None:
    stage = stages(office)
    ben = stage.window(office.person("Ben Okafor")).enter(1)
    window = admin_window(stage, "Limits and settings")
    page = window.page
    window.guard.expect(REFUSED)
    longest = page.get_by_label("Longest message")
    longest.fill("a lot")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field-error:visible")).to_contain_text("must be a number of bytes")
    expect(page.locator(".limit-fields")).to_contain_text("1 byte to 16 MB, or 0 for no limit")
    longest.fill("100")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved")).to_be_visible()
    ben.composer.fill("x" * 120)
    expect(ben.page.get_by_text("20 characters too many")).to_be_visible()
    longest.fill("0")
    page.get_by_role("button", name="Save").click()
    expect(ben.page.get_by_text("20 characters too many")).to_be_hidden()
    ben.composer.fill("no limit " * 20)
    ben.composer.press("Enter")
    expect(ben.message("no limit")).to_be_visible()
    # The machine's own are shown, and what the file says cannot be changed here.
    expect(page.locator("tbody tr").filter(has_text="server.hosts")).to_contain_text("office.home.arpa")
    expect(page.locator("tbody tr").filter(has_text="server.hosts")).to_contain_text("at the start, by --set")
    expect(page.locator("tbody tr").filter(has_text="log.level")).not_to_contain_text("by --set")
    burst = page.get_by_label("Messages at once after a pause")
    expect(burst).not_to_be_editable()
    expect(page.locator(".limit-fields")).to_contain_text("It is given at the start, by --set.")


def test_a_sheet_with_an_invitation_can_be_printed(office: Site, stages: Callable[[Site], Stage]) -> None:
    office.ask(office.sure(), "server.update", join="invite")
    stage = stages(office)
    page = admin_window(stage, "Being reached").page
    expect(page.get_by_text("No other device has come yet.")).to_be_visible()
    office.run(authority(office))
    page.get_by_role("button", name="Make a sheet…").click()
    sheet = page.locator("dialog .sheet")
    plain = sheet.locator(".qr path").get_attribute("d")
    page.get_by_label("Name of the Wi-Fi").fill("Attic 5G")
    expect(sheet).to_contain_text("Attic 5G")
    page.get_by_label("With an invitation link").select_option("30")
    expect(sheet).to_contain_text("This code lets people join until")
    assert sheet.locator(".qr path").get_attribute("d") != plain
    expect(sheet).to_contain_text(f"http://office.home.arpa:{office.server.port}")
    expect(sheet).to_contain_text("Guest Wi-Fi, VPN and mobile data will not work.")
    expect(sheet.locator("footer code")).to_have_text(re.compile(r"([0-9A-F]{2}:){31}[0-9A-F]{2}"))
    assert office.server.rows("SELECT kind FROM links") == [("invite",)]

    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    page.emulate_media(media="print")
    expect(page.locator(".print-only .sheet")).to_be_visible()
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("#frame")).to_be_hidden()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".print-only")).to_have_count(0)


def test_the_steps_for_each_firewall_can_be_read(office: Site, stages: Callable[[Site], Stage]) -> None:
    page = admin_window(stages(office), "Being reached").page
    for system, command in {
        "Windows": "netsh advfirewall firewall add rule name=Chatbox",
        "Linux with ufw": f"sudo ufw allow {office.server.port}/tcp",
        "Linux with firewalld": f"sudo firewall-cmd --permanent --add-port={office.server.port}/tcp",
    }.items():
        box = page.locator("details.fold:not(:has(details))").filter(has_text=system)
        box.locator("summary").click()
        expect(box.locator("code").filter(has_text=command)).to_be_visible()
    expect(page.get_by_text("client isolation")).to_be_visible()


def test_on_a_phone_the_sections_are_a_list_and_back_leads_through_it(
    office: Site, stages: Callable[[Site], Stage]
) -> None:
    window = stages(office).window(office.admin, phone=True).load()
    page = window.page
    page.get_by_role("button", name="Administration").click()
    sections = page.get_by_role("navigation", name="Sections")
    sections.get_by_role("button", name="Rooms").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rooms")
    expect(sections).to_be_hidden()
    page.go_back()
    expect(sections).to_be_visible()
    page.get_by_role("button", name="Back", exact=True).click()
    expect(window.row("general")).to_be_visible()


def test_whoever_is_no_admin_never_sees_it(stage: Stage, ben: Person) -> None:
    page = stage.window(ben).load("#room=1").page
    expect(page.locator(".room-header")).to_be_visible()
    expect(page.get_by_role("button", name="Administration")).to_have_count(0)
    page.evaluate(
        """() => { history.replaceState({place: {page: 'admin', section: 'people'}}, '', '/');
        dispatchEvent(new PopStateEvent('popstate')); }"""
    )
    expect(page.locator(".admin")).to_have_count(0)


def test_everybody_can_read_what_the_program_is_made_of(stage: Stage, ben: Person) -> None:
    page = stage.window(ben).load("#room=1").page
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitem", name="About Chatbox").click()
    dialog = page.get_by_role("dialog", name="About Chatbox")
    expect(dialog).to_contain_text(f"Chatbox {VERSION}.")
    tornado = dialog.locator("details").filter(has_text="tornado")
    tornado.locator("summary").click()
    expect(tornado.locator(".long-text")).to_contain_text("Apache License")
    for part in ("Python", "SQLite", "OpenSSL"):
        expect(dialog.locator("summary").filter(has_text=part).first).to_be_attached()
