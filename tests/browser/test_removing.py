"""Removing somebody, and oneself: what is asked, and what the others then see."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import PASSWORD, Person, Site
from tests.browser.support import REFUSED, STRANGER, Stage, Window


def begin_removal(admin: Window, person: Person) -> None:
    """Up to the question what becomes of the messages. Others have the same full name."""
    admin.administer("People")
    name = admin.page.get_by_text(f"@{person.name}", exact=True)
    row = admin.page.locator("tbody tr").filter(has=name)
    row.get_by_role("button", name="What to do with").click()
    admin.page.get_by_role("menuitem", name="Remove for good").click()
    expect(admin.page.get_by_role("dialog")).to_contain_text("What becomes of the messages?")


def test_somebody_is_removed_and_the_messages_stay(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "what was said stays")
    direct = site.direct(ada, ben)
    site.post(ben, direct, "between us")
    witness = stage.window(ada).enter(room)
    removed = stage.window(ben).enter(room)
    removed.guard.expect(STRANGER)
    admin = stage.window(site.sure()).load()
    begin_removal(admin, ben)
    admin.page.get_by_role("button", name="Remove for good").click()
    expect(admin.page.get_by_text("Ben Okafor is removed.")).to_be_visible()

    expect(removed.page.get_by_label("User name")).to_be_visible()
    former = f"Former member {ben.id}"
    expect(witness.message("what was said stays")).to_contain_text(former)
    witness.click_room(former)
    expect(witness.message("between us")).to_be_visible()
    expect(witness.page.get_by_text("Nobody else is here any more.")).to_be_visible()
    expect(witness.composer).to_be_hidden()
    expect(witness.page.get_by_text("Ben Okafor")).to_have_count(0)


def test_somebody_is_removed_with_all_messages(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "nobody should read this")
    site.post(ada, room, "this one is mine")
    witness = stage.window(ada).enter(room)
    admin = stage.window(site.sure(), phone=True).load()
    begin_removal(admin, ben)
    admin.page.get_by_text("They are deleted").click()
    admin.page.get_by_role("button", name="Remove for good").click()
    expect(admin.page.get_by_text("The messages are being deleted.")).to_be_visible()
    expect(witness.page.locator(".message-tombstone")).to_have_text(["This message was deleted."])
    expect(witness.message("this one is mine")).to_be_visible()
    expect(witness.message("nobody should read this")).to_have_count(0)


def test_who_leaves_gives_the_password_and_is_gone(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "so long")
    witness = stage.window(ada).enter(room)
    window = stage.window(ben).enter(room)
    window.guard.expect(f"{STRANGER}|{REFUSED}")
    page = window.page
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitem", name="Profile and settings").click()
    page.get_by_role("button", name="Remove my account…").click()
    dialog = page.get_by_role("dialog", name="Remove my account")
    dialog.get_by_label("Password", exact=True).fill("not the password")
    dialog.get_by_role("button", name="Remove my account for good").click()
    expect(dialog.get_by_text("The password is wrong.")).to_be_visible()
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Remove my account for good").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(witness.message("so long")).to_contain_text(f"Former member {ben.id}")
