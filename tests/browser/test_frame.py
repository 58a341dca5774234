"""The frame: keys, the phone's pages, the theme, and what a first visit loads."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.site import Person, Site
from tests.browser.support import Stage

MOST_REQUESTS = 60
MOST_BYTES = 120_000


def test_the_jump_list_leads_to_a_room(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).load("#room=1")
    expect(window.page.locator(".room-header")).to_contain_text("general")
    window.page.keyboard.press("Control+k")
    field = window.page.get_by_role("combobox", name="Jump to a room or person")
    expect(field).to_be_focused()
    field.fill(f"room-{ada.id}")
    field.press("Enter")
    expect(window.page.locator(".room-header")).to_contain_text(f"room-{ada.id}")
    expect(window.composer).to_be_focused()


def test_alt_and_arrows_walk_through_the_rooms(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    quiet, news = site.room(ada, f"a-quiet-{ada.id}", ben), site.room(ada, f"z-news-{ada.id}", ben)
    site.post(ben, news, "news")
    assert quiet < news
    window = stage.window(ada).load("#room=1")
    header = window.page.locator(".room-header")
    expect(window.row(f"z-news-{ada.id}").locator(".count")).to_be_visible()
    window.page.keyboard.press("Alt+ArrowDown")
    expect(header).to_contain_text(f"a-quiet-{ada.id}")
    window.page.keyboard.press("Control+Alt+ArrowDown")
    expect(header).to_contain_text(f"z-news-{ada.id}")
    window.page.keyboard.press("Alt+ArrowUp")
    expect(header).to_contain_text(f"room-{ada.id}")


def test_esc_closes_one_thing_after_another(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ada, room, "mine")
    window = stage.window(ada).enter(room)
    page, composer = window.page, window.composer
    page.locator(".room-header").get_by_role("button", name="Search").click()
    panel, editing = page.locator(".panel-header"), page.get_by_text("Editing your message.")
    offered = page.get_by_role("listbox", name="People")
    composer.press("ArrowUp")
    composer.press_sequentially(f" @{ben.name}")
    expect(offered).to_be_visible()

    page.keyboard.press("Escape")
    expect(offered).to_be_hidden()
    expect(editing).to_be_visible()
    page.keyboard.press("Escape")
    expect(editing).to_be_hidden()
    expect(panel).to_be_visible()
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(panel).to_be_visible()
    expect(composer).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_messages_are_walked_through_with_arrows(stage: Stage, site: Site, ada: Person, room: int) -> None:
    site.post_all(ada, room, ["one", "two", "three"])
    window = stage.window(ada).enter(room)
    window.composer.focus()
    window.page.keyboard.press("Shift+Tab")
    window.page.keyboard.press("Shift+Tab")
    expect(window.message("three")).to_be_focused()
    window.page.keyboard.press("ArrowUp")
    expect(window.message("two")).to_be_focused()
    window.page.keyboard.press("Home")
    expect(window.message("one")).to_be_focused()


def test_what_arrives_is_announced(stage: Stage, site: Site, ada: Person, ben: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    site.post(ben, room, "listen to this")
    expect(window.page.get_by_role("log")).to_have_text("Ben Okafor: listen to this")


def test_the_theme_is_chosen_and_kept(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    page = window.page
    colour = "() => getComputedStyle(document.querySelector('.sidebar-me')).color"
    before = page.evaluate(colour)
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitemradio", name="Dark theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(colour) != before
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_phone_goes_from_list_to_room_to_panel_and_back(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "hello, phone")
    window = stage.window(ada, phone=True).load()
    page = window.page
    row = window.row(f"room-{ada.id}")
    expect(row.locator(".count")).to_be_visible()
    expect(page.locator(".room")).to_be_hidden()
    row.tap()
    expect(window.message("hello, phone")).to_be_visible()
    expect(row).to_be_hidden()
    window.composer.fill("first line")
    window.composer.press("Enter")
    expect(window.composer).to_have_value("first line\n")
    page.get_by_role("button", name="Send").tap()
    expect(window.message("first line")).to_be_visible()

    page.locator(".room-header").get_by_role("button", name="Search").tap()
    expect(page.locator(".panel-header")).to_be_visible()
    page.go_back()
    expect(page.locator(".panel-header")).to_have_count(0)
    expect(window.message("hello, phone")).to_be_visible()
    page.go_back()
    expect(row).to_be_visible()
    expect(page.locator(".room")).to_be_hidden()


def test_the_line_below_the_list_goes_from_edge_to_edge_on_the_phone(stage: Stage, ada: Person) -> None:
    page = stage.window(ada, phone=True).load().page
    box = page.locator(".sidebar-me").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, page.viewport_size["width"] if page.viewport_size else 0)


def test_a_long_press_opens_a_messages_menu_on_the_phone(
    stage: Stage, site: Site, ada: Person, room: int
) -> None:
    site.post(ada, room, "press me")
    window = stage.window(ada, phone=True).enter(room)
    box = window.message("press me").bounding_box()
    assert box
    touch = window.context.new_cdp_session(window.page)
    point = {"x": box["x"] + 100, "y": box["y"] + 12}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(window.page.get_by_role("menuitem", name="Reply")).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    window.page.get_by_role("menuitem", name="Edit").tap()
    expect(window.composer).to_have_value("press me")


def test_targets_on_the_phone_are_large_enough(stage: Stage, site: Site, ada: Person, room: int) -> None:
    site.post(ada, room, "something")
    window = stage.window(ada, phone=True).enter(room)
    sizes = """() => [...document.querySelectorAll('button, textarea')]
        .filter((one) => one.checkVisibility() && !one.closest('.message'))
        .map((one) => [one.getAttribute('aria-label') || one.textContent, one.getBoundingClientRect()])
        .filter(([, box]) => box.height < 40 || box.width < 40)
        .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""
    assert window.page.evaluate(sizes) == []
    assert window.page.evaluate("() => document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_keys_are_explained_where_there_may_be_keys(stage: Stage, ada: Person, phone: bool) -> None:
    page = stage.window(ada, phone=phone).load().page
    page.locator(".sidebar-me").click()
    expect(page.get_by_role("menuitem", name="Profile and settings")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Keyboard shortcuts")).to_have_count(0 if phone else 1)


def test_a_first_visit_is_small(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada)
    heads: dict[str, float] = {}
    bodies: dict[str, float] = {}
    tools = window.context.new_cdp_session(window.page)
    tools.send("Network.enable")

    def headed(event: dict[str, Any]) -> None:
        heads[event["requestId"]] = event["response"]["encodedDataLength"]

    def finished(event: dict[str, Any]) -> None:
        bodies[event["requestId"]] = event["encodedDataLength"] - heads[event["requestId"]]

    tools.on("Network.responseReceived", headed)
    tools.on("Network.loadingFinished", finished)
    window.enter(room)
    window.page.wait_for_load_state("networkidle")
    assert 20 < len(window.guard.requests) <= MOST_REQUESTS
    assert len(bodies) == len(window.guard.requests)
    print(f"{len(bodies)} requests, {sum(bodies.values()):.0f} bytes, {sum(heads.values()):.0f} of headers")
    assert sum(bodies.values()) <= MOST_BYTES


def test_a_second_visit_loads_no_asset_again(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    loaded = """() => performance.getEntriesByType('resource')
        .filter((one) => one.transferSize > 0).map((one) => one.name)"""
    window.page.reload()
    expect(window.page.locator(".room-header")).to_be_visible()
    assert [name for name in window.page.evaluate(loaded) if re.search(r"\.(js|css)$", name)] == []


def test_a_page_of_which_a_part_did_not_arrive_is_loaded_again(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada)
    lost = []

    def lose(route: Route) -> None:
        lost.append(route.request.url)
        route.abort("addressunreachable")

    window.page.route("**/js/views/sidebar.js", lose, times=2)
    window.guard.expect("ERR_ADDRESS_UNREACHABLE")
    window.enter(room)
    assert len(lost) == 2
    assert window.page.evaluate("sessionStorage.length") == 0  # the next mishap has all its tries again


def test_a_page_that_never_arrives_says_so(stage: Stage, ada: Person) -> None:
    window = stage.window(ada)
    window.guard.expect("ERR_ADDRESS_UNREACHABLE")
    window.page.route("**/js/main.js", lambda route: route.abort("addressunreachable"))
    window.page.clock.install()
    window.load()
    for _ in range(5):
        with window.page.expect_navigation():
            window.page.clock.run_for(8000)
    expect(window.page.get_by_text("Part of this page did not arrive. Load it again.")).to_be_visible()
