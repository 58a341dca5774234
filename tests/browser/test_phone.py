"""My sign-in on my phone: a code here, a tap there, and a yes here."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.site import Person
from tests.browser.support import REFUSED, STRANGER, Stage, Window


def offer(window: Window) -> str:
    """Show a code; gives the address in it, as a camera would."""
    page = window.page
    with page.expect_response("**/api/session.move") as answered:
        page.locator(".sidebar-me").click()
        page.get_by_role("menuitem", name="Sign in on my phone").click()
    expect(page.get_by_role("img", name="QR code to sign in")).to_be_visible()
    return str(answered.value.json()["url"])


def scan(stage: Stage, address: str) -> Page:
    phone = stage.window(phone=True)
    phone.guard.expect(f"{STRANGER}|{REFUSED}")
    phone.page.goto(address)
    assert "move=" not in phone.page.url  # no secret stays in the address bar
    return phone.page


def test_a_phone_is_signed_in_once_the_screen_agrees(stage: Stage, ben: Person) -> None:
    window = stage.window(ben).load("#room=1")
    phone = scan(stage, offer(window))
    expect(phone.get_by_role("heading", name="Sign in as Ben Okafor?")).to_be_visible()
    phone.get_by_role("button", name="Sign in as Ben Okafor").click()
    expect(phone.get_by_text("Now agree to it on the other screen.")).to_be_visible()
    dialog = window.page.get_by_role("dialog", name="Sign in on my phone")
    expect(dialog).to_contain_text("Is this your phone?")
    expect(dialog).to_contain_text("127.0.0.1")
    dialog.get_by_role("button", name="Yes, sign it in").click()
    expect(dialog).to_contain_text("Your phone is signed in.")
    expect(phone.locator(".sidebar-me")).to_contain_text("Ben Okafor")
    dialog.get_by_role("button", name="Close").click()
    window.enter(1)  # still signed in here
    window.page.locator(".sidebar-me").click()
    window.page.get_by_role("menuitem", name="Where you are signed in").click()
    expect(window.page.get_by_role("dialog").get_by_role("button", name="Sign out there")).to_have_count(1)


def test_a_phone_that_is_not_mine_stays_out(stage: Stage, ben: Person) -> None:
    window = stage.window(ben).load("#room=1")
    phone = scan(stage, offer(window))
    phone.get_by_role("button", name="Sign in as Ben Okafor").click()
    dialog = window.page.get_by_role("dialog", name="Sign in on my phone")
    dialog.get_by_role("button", name="No", exact=True).click()
    expect(phone.get_by_text("This code works no more")).to_be_visible()
    phone.get_by_role("button", name="Sign in as somebody else").click()
    expect(phone.get_by_label("User name")).to_be_visible()


def test_a_code_is_worthless_once_its_dialog_is_closed(stage: Stage, ben: Person) -> None:
    window = stage.window(ben).load("#room=1")
    address = offer(window)
    window.page.keyboard.press("Escape")
    expect(window.page.get_by_role("dialog")).to_have_count(0)
    while stage.site.ask(ben, "session.moving")["phase"] != "over":
        window.page.wait_for_timeout(50)
    phone = scan(stage, address)
    expect(phone.get_by_role("button", name="Go on")).to_be_visible()
    expect(phone.get_by_role("button", name="Sign in as Ben Okafor")).to_have_count(0)
