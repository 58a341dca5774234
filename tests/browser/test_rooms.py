"""Rooms and people, as they change for everybody who looks."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.site import Person, Site
from tests.browser.support import STRANGER, Stage, Window


def pick(window: Window, person: Person) -> None:
    """Choose a person in a dialog."""
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(person.name)
    expect(dialog.locator(".picker-list button")).to_have_count(1)
    dialog.get_by_role("textbox").press("Enter")
    expect(dialog.locator(".picked-one")).to_have_count(1)


def test_whoever_is_taken_out_of_a_private_room_loses_it_at_once(
    stage: Stage, ada: Person, ben: Person
) -> None:
    name = f"payroll-{ada.id}"
    window, other = stage.window(ada).load(), stage.window(ben).load()
    page = window.page
    page.get_by_role("button", name="Add a room").click()
    page.get_by_role("menuitem", name="New room").click()
    dialog = page.get_by_role("dialog", name="New room")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_text("Only people who are added").click()
    dialog.get_by_role("button", name="Create the room").click()
    expect(page.locator(".room-header")).to_contain_text(name)
    expect(other.row(name)).to_have_count(0)

    page.get_by_role("button", name="More about this room").click()
    page.get_by_role("menuitem", name="Add a person").click()
    pick(window, ben)
    page.get_by_role("dialog").locator(".button-primary").click()
    window.say("for your eyes only")
    other.click_room(name)
    expect(other.message("for your eyes only")).to_be_visible()

    page.locator(".room-tools").get_by_role("button").nth(1).click()
    page.locator(".panel").get_by_role("button", name="Ben Okafor").click()
    page.get_by_role("menuitem", name="Take out of the room").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(other.row(name)).to_have_count(0)
    expect(other.message("for your eyes only")).to_have_count(0)
    expect(other.page.locator(".room-header")).to_contain_text("general")
    window.say("and now without Ben")
    expect(window.message("and now without Ben")).to_be_visible()
    expect(other.page.get_by_text("without Ben")).to_have_count(0)


def test_a_public_room_is_found_and_joined_and_left(
    stage: Stage, site: Site, ada: Person, ben: Person
) -> None:
    name = f"lunch-{ada.id}"
    room = site.room(ada, name, topic="Where to eat")
    site.post(ada, room, "soup today")
    window = stage.window(ben).load()
    page = window.page
    page.get_by_role("button", name="Add a room").click()
    page.get_by_role("menuitem", name="All rooms").click()
    page.get_by_role("dialog").get_by_role("button", name=f"Join {name}").click()
    expect(window.message("soup today")).to_be_visible()
    expect(page.locator(".room-topic")).to_have_text("Where to eat")
    page.get_by_role("button", name="More about this room").click()
    page.get_by_role("menuitem", name="Leave the room").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(window.row(name)).to_have_count(0)


def test_a_renamed_room_is_renamed_for_everybody(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    window = stage.window(ben).enter(room)
    site.ask(ada, "room.update", room=room, name=f"new-name-{room}", topic="A new topic")
    expect(window.row(f"new-name-{room}")).to_be_visible()
    expect(window.page.locator(".room-header")).to_contain_text(f"new-name-{room}")
    expect(window.page.locator(".room-topic")).to_have_text("A new topic")


def test_a_direct_message_reaches_the_other(stage: Stage, ada: Person, ben: Person) -> None:
    window, other = stage.window(ada).load(), stage.window(ben).load()
    expect(other.page.locator(".room-header")).to_contain_text("general")
    window.page.get_by_role("button", name="Start a direct message").click()
    pick(window, ben)
    window.page.get_by_role("dialog").get_by_role("button", name="Start").click()
    expect(window.page.locator(".room-header")).to_contain_text("Ben Okafor")
    window.say("just us two")
    expect(other.row("Ada Lindqvist").locator(".badge > [aria-hidden]")).to_have_text("1")
    other.click_room("Ada Lindqvist")
    expect(other.message("just us two")).to_be_visible()
    expect(other.row("Ada Lindqvist").locator(".badge")).to_have_count(0)


def test_a_new_name_is_seen_elsewhere_at_once(stage: Stage, ada: Person, ben: Person, room: int) -> None:
    window, other = stage.window(ada).enter(room), stage.window(ben).enter(room)
    window.say("who am I?")
    expect(other.message("who am I?").locator(".message-author")).to_have_text("Ada Lindqvist")
    page = window.page
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitem", name="Profile and settings").click()
    page.get_by_label("Full name").fill("Ada Byron")
    page.get_by_label("Status").fill("In the lab until 3")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    for each in (window, other):
        expect(each.message("who am I?").locator(".message-author")).to_have_text("Ada Byron")
    expect(page.locator(".sidebar-me")).to_contain_text("In the lab until 3")


def test_a_status_stands_beside_the_name_wherever_it_is(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    direct = site.direct(ada, ben)
    site.post(ben, room, "back soon")
    window, phone = stage.window(ada).enter(direct), stage.window(ada, phone=True).enter(direct)
    site.ask(ben, "user.update", status="At lunch until 1")
    page, told = window.page, "At lunch until 1"
    for each in (window, phone):
        expect(each.page.locator(".room-header").get_by_text(told).filter(visible=True)).to_have_count(1)

    window.enter(room)
    page.locator(".room-tools").get_by_role("button").nth(1).click()
    expect(page.locator(".panel").get_by_role("button", name="Ben Okafor")).to_contain_text(told)
    window.message("back soon").locator(".message-author").click()
    expect(page.locator(".card")).to_contain_text(told)


def test_presence_follows_who_is_here(stage: Stage, site: Site, ada: Person, ben: Person) -> None:
    site.direct(ada, ben)
    window = stage.window(ada).load()
    mark = window.row("Ben Okafor").locator(".presence")
    expect(mark).to_have_attribute("data-state", "offline")
    stage.window(ben).load()
    expect(mark).to_have_attribute("data-state", "online")


def test_whoever_is_disabled_is_out_at_once(stage: Stage, site: Site, ben: Person, room: int) -> None:
    admin, other = stage.window(site.sure()).load(), stage.window(ben).enter(room)
    other.guard.expect(STRANGER)
    page = admin.page
    admin.administer("People")
    page.get_by_role("searchbox", name="Find a person").fill(ben.name)
    expect(page.locator("tbody tr").filter(has_text="sign-in")).to_have_count(1)
    page.get_by_role("button", name="What to do with Ben Okafor").click()
    page.get_by_role("menuitem", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.locator(".chip-warn")).to_have_text("disabled")
    expect(other.page.get_by_label("User name")).to_be_visible()
    expect(other.page.locator(".timeline")).to_have_count(0)


def test_an_archived_room_can_be_read_and_not_written_in(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ada, room, "the last word")
    window = stage.window(ben).enter(room)
    expect(window.composer).to_be_visible()
    site.ask(ada, "room.update", room=room, archived=True)
    expect(window.page.get_by_text("This room is archived.")).to_be_visible()
    expect(window.composer).to_be_hidden()
    expect(window.message("the last word")).to_be_visible()
    window.page.reload()
    expect(window.page.locator(".room-header")).to_contain_text(re.compile("room-"))
