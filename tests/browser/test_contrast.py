"""What can be measured of being readable: contrast, names of controls, text that fits."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Person, Site
from tests.browser.support import STRANGER, Stage

# Every element with text of its own: its colour against what is behind it (WCAG 2.2, 1.4.3). A canvas turns
# whatever notation a colour has into bytes, and lays what is half transparent over what is below.
CONTRASTS = """() => {
    const pen = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
        .getContext('2d', {willReadFrequently: true});
    const bytes = (layers) => {
        pen.clearRect(0, 0, 1, 1);
        for (const colour of layers) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const behind = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            layers.unshift(getComputedStyle(at).backgroundColor);
            if (bytes([layers[0]])[3] === 255) return layers;
        }
        return ['white', ...layers];
    };
    const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
        if (element.closest(':disabled, .visually-hidden, .is-pending')) continue;
        const layers = behind(element);
        const [a, b] = [light(bytes([...layers, getComputedStyle(element).color])), light(bytes(layers))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const name = `${element.className}: ${element.textContent.trim().slice(0, 40)}`;
        if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${name}`);
    }
    return [...new Set(found)];
}"""
NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, textarea, select')]
    .filter((one) => one.checkVisibility() && !one.closest('[aria-hidden=true]'))
    .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
    .map((one) => one.outerHTML.slice(0, 120))"""
SPILLS = """() => document.documentElement.scrollWidth > innerWidth"""


def assert_readable(page: Page) -> None:
    assert page.evaluate(CONTRASTS) == []
    assert page.evaluate(NAMELESS) == []
    assert not page.evaluate(SPILLS)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_every_page_is_readable(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int, dark: bool, phone: bool
) -> None:
    site.post(
        ben, room, f"@{ada.name} **bold** `code` ~~gone~~ https://example.org\n> quoted\n```\nblock\n```"
    )
    edited = site.post(ben, room, "edited")
    site.ask(ben, "message.edit", room=room, seq=edited, text="edited again")
    deleted = site.post(ben, room, "deleted")
    site.ask(ben, "message.delete", room=room, seq=deleted)
    site.post(ada, room, "an answer", reply_to=edited)
    site.post(ben, site.direct(ben, ada), "psst")
    window = stage.window(ada, phone=phone, dark=dark).enter(room)
    page = window.page
    assert_readable(page)

    page.locator(".room-tools").get_by_role("button").nth(1).click()
    expect(page.locator(".member").first).to_be_visible()
    assert_readable(page)
    window.load()
    expect(window.row("Ben Okafor")).to_be_visible()
    assert_readable(page)
    page.locator(".sidebar-me").click()
    assert_readable(page)
    page.get_by_role("menuitem", name="Profile and settings").click()
    expect(page.get_by_label("Status")).to_be_visible()
    assert_readable(page)


# The sections of the administration page, and what is there once each is drawn.
SECTIONS = {
    "Overview": ".disk",
    "Being reached": ".state",
    "People": "tbody tr",
    "Invitations": ".page-section .empty, tbody tr",
    "Rooms": "tbody tr",
    "Name and joining": ".logo-row",
    "Limits and settings": "tbody tr",
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_entrance_and_the_administration_are_readable(stage: Stage, site: Site, dark: bool) -> None:
    stranger = stage.window(dark=dark).load()
    stranger.guard.expect(STRANGER)
    expect(stranger.page.get_by_label("User name")).to_be_visible()
    assert_readable(stranger.page)
    admin = stage.window(site.sure(), dark=dark).load()
    page = admin.page
    for section, shows in SECTIONS.items():
        admin.administer(section)
        expect(page.locator(shows).first).to_be_visible()
        assert_readable(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_dialogs_for_oneself_and_for_admins_are_readable(
    stage: Stage, site: Site, ben: Person, dark: bool
) -> None:
    admin = stage.window(site.sure(), dark=dark).load("#room=1")
    page = admin.page
    expect(page.locator(".room-header")).to_be_visible()
    for item, shows in {"About Chatbox": ".fold", "Sign in on my phone": ".qr"}.items():
        page.locator(".sidebar-me").click()
        page.get_by_role("menuitem", name=item).click()
        expect(page.locator(f"dialog {shows}").first).to_be_visible()
        assert_readable(page)
        page.keyboard.press("Escape")
    admin.administer("People")
    row = page.locator("tbody tr").filter(has=page.get_by_text(f"@{ben.name}", exact=True))
    row.get_by_role("button", name="What to do with").click()
    page.get_by_role("menuitem", name="Remove for good").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_readable(page)
