"""What was read, on every window of a person."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.site import Person, Site
from tests.browser.support import Stage, Window


def bold(row: Locator) -> bool:
    weight: str = row.locator(".sidebar-name").evaluate("(name) => getComputedStyle(name).fontWeight")
    return int(weight) >= 600


def away(window: Window) -> Window:
    """In #general."""
    window.load("#room=1")
    expect(window.page.locator(".room-header")).to_contain_text("general")
    return window


def test_counts_agree_in_two_windows_and_go_when_read_in_one(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    name = f"room-{ada.id}"
    first, second = away(stage.window(ada)), away(stage.window(ada))
    assert not bold(first.row(name))
    site.post(ben, room, "one")
    site.post(ben, room, "two")
    for window in (first, second):
        expect(window.row(name).locator(".count > [aria-hidden]")).to_have_text("2")
        expect(window.row(name).locator(".badge")).to_have_count(0)
        assert bold(window.row(name))
        expect(window.page).to_have_title(re.compile("^• #general"))

    site.post(ben, room, f"@{ada.name} look")
    for window in (first, second):
        expect(window.row(name).locator(".badge > [aria-hidden]")).to_have_text("1")
        expect(window.page).to_have_title(re.compile(r"^\(1\) #general"))

    second.click_room(name)
    for window in (first, second):
        expect(window.row(name).locator(".badge, .count")).to_have_count(0)
        expect(window.page).not_to_have_title(re.compile(r"[(•]"))
    assert not bold(first.row(name))


def test_the_new_line_stands_until_the_room_is_left(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    name = f"room-{ada.id}"
    site.post(ada, room, "read")
    window = away(stage.window(ada))
    site.post(ben, room, "first unread")
    site.post(ben, room, "second unread")
    expect(window.row(name).locator(".count")).to_be_visible()
    window.click_room(name)
    line = window.page.locator(".timeline-new")
    expect(line.locator("+ .message")).to_contain_text("first unread")
    expect(window.row(name).locator(".count")).to_have_count(0)
    site.post(ben, room, "third, seen as it came")
    expect(window.message("third")).to_be_visible()
    expect(line).to_have_count(1)
    window.click_room("general")
    window.click_room(name)
    expect(window.message("third")).to_be_visible()
    expect(line).to_have_count(0)


def test_a_message_can_be_marked_unread(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    for text in ("one", "two", "three"):
        site.post(ben, room, text)
    window, other = stage.window(ada).enter(room), away(stage.window(ada))
    name = f"room-{ada.id}"
    expect(other.row(name).locator(".count")).to_have_count(0)
    window.act(window.message("two"), "Mark unread from here")
    expect(window.page.locator(".timeline-new + .message")).to_contain_text("two")
    expect(other.row(name).locator(".count > [aria-hidden]")).to_have_text("2")


def test_a_room_of_which_nothing_was_read_opens_at_its_first_message(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "the very first")
    site.ask(ada, "room.read", room=room, seq=0, unread=True)
    window = stage.window(ada).enter(room)
    expect(window.page.locator(".timeline-new + .message")).to_contain_text("the very first")


def test_nobody_reads_in_a_window_that_is_looked_away_from(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    window = stage.window(ada).enter(room)
    window.look_away()
    site.post(ben, room, f"@{ada.name} are you there?")
    expect(window.message("are you there?")).to_be_visible()
    expect(window.page).to_have_title(re.compile(r"^\(1\)"))
    window.look_back()
    expect(window.page).not_to_have_title(re.compile(r"^\(1\)"))


def test_somebody_typing_is_seen(stage: Stage, ada: Person, ben: Person, room: int) -> None:
    first, second = stage.window(ada).enter(room), stage.window(ben).enter(room)
    first.composer.press_sequentially("Hm")
    expect(second.page.locator(".typing-line")).to_have_text("Ada Lindqvist is typing…")
    first.say("Hm, no.")
    expect(second.page.locator(".typing-line")).to_have_text("")
