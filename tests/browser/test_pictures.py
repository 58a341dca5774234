"""The office of the documentation's pictures. CHATBOX_SCREENSHOTS=1 takes them anew, in both themes."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.scenario import NOW, Office
from tests.browser.support import Stage, Window
from tests.harness.process import ROOT

FOLDER = ROOT / "docs" / "pictures"
TAKES = os.environ.get("CHATBOX_SCREENSHOTS") == "1"
MOST_BYTES = 200_000


def take(window: Window, path: Path) -> None:
    window.page.screenshot(path=path)
    assert path.stat().st_size < MOST_BYTES


def test_the_office_looks_alive(own_stage: Stage, tmp_path: Path) -> None:
    office = Office(own_stage.site)
    folder = FOLDER if TAKES else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    own_stage.window(office.people["Ben"]).load()
    cleo = own_stage.window(office.people["Cleo"]).enter(office.rooms["general"])

    for theme in ("light", "dark") if TAKES else ("dark",):
        office.read()
        phone = own_stage.window(office.people["Ada"], phone=True, dark=theme == "dark")
        phone.context.clock.set_fixed_time(NOW)
        phone.load()
        expect(phone.row("release-7").locator(".badge")).to_be_visible()
        phone.settle()
        take(phone, folder / f"phone-rooms-{theme}.png")
        phone.enter(office.rooms["general"])
        expect(phone.page.locator(".attachment-card")).to_be_visible()
        phone.settle()
        take(phone, folder / f"phone-{theme}.png")
        phone.page.close()  # or it would go on reading

        office.read()
        desk = own_stage.window(office.people["Ada"], dark=theme == "dark")
        desk.context.clock.set_fixed_time(NOW)
        desk.enter(office.rooms["general"])
        expect(desk.page.locator(".attachment-card")).to_be_visible()
        expect(desk.row("general").locator(".badge")).to_have_count(0)
        expect(desk.page.locator(".timeline-new")).to_be_visible()
        desk.page.locator(".room-tools").get_by_role("button").nth(1).click()
        expect(desk.page.locator(".member")).to_have_count(4)
        desk.message("please check your desk").hover()
        cleo.composer.press_sequentially("I")
        expect(desk.page.locator(".typing-line")).to_have_text("Cleo Marsh is typing…")
        desk.settle()
        take(desk, folder / f"desk-{theme}.png")
        desk.page.close()
