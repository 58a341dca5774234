"""From an empty folder to a talk that outlives its server."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

from playwright.sync_api import expect

from tests.browser.site import PASSWORD, Site
from tests.browser.support import Stage, Window

MANY = 12


def test_two_people_set_up_talk_and_go_on_after_a_kill(own_stage: Stage) -> None:
    site = own_stage.site
    ada, ben = own_stage.window(), own_stage.window()
    set_up(ada, site.opened)
    join(ben, invitation(ada))

    ada.click_room("general")
    ben.say("Hello Ada!")
    expect(ada.message("Hello Ada!")).to_be_visible()
    ada.say("Hello **Ben**, welcome in the attic.")
    expect(ben.message("welcome in the attic").locator("strong")).to_have_text("Ben")

    own_stage.outage()
    killed = site.soon(kill_amid(site, stored=2 + MANY))
    said = talk_until(killed, ada, ben)
    for window in (ada, ben):
        window.say("written while nobody listened")
        expect(window.message("written while nobody listened").last.locator(".message-state")).to_be_visible()
        expect(window.page.locator(".bar.is-warning:visible")).to_be_visible()
    site.start()

    for window in (ada, ben):
        expect(window.message("written while nobody listened")).to_have_count(2, timeout=30_000)
        expect(window.page.locator(".message.is-pending")).to_have_count(0, timeout=30_000)
    stored = [
        [str(user), text.replace("*", ""), "stored"]
        for user, text in site.server.rows("SELECT user, text FROM messages ORDER BY seq")
    ]
    assert ada.transcript() == ben.transcript() == stored
    wanted = [f"{name} counts {number}" for number in range(said) for name in ("Ada", "Ben")]
    assert sorted(text for _, text, _ in stored if "counts" in text) == sorted(wanted)


def set_up(window: Window, address: str) -> None:
    """The first page, opened with the token that the server gave to the browser of its machine."""
    assert "#setup=" in address
    page = window.page
    page.goto(address)
    page.get_by_label("Name of this chat").fill("Attic")
    page.get_by_label("Full name").fill("Ada Lindqvist")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    assert "setup" not in page.url  # no secret stays in the address bar
    page.get_by_role("button", name="Start the chat").click()
    expect(page.locator(".room-header")).to_contain_text("general")


def invitation(window: Window) -> str:
    """Make an invitation; gives the link to hand over."""
    page = window.page
    window.administer("Invitations")
    page.get_by_role("button", name="Make an invitation link").click()
    page.get_by_role("dialog").get_by_role("button", name="Make an invitation link").click()
    link = page.get_by_role("dialog", name="Invitation link", exact=True)
    address = link.get_by_role("textbox").input_value()
    link.get_by_role("button", name="Close").click()
    return address


def join(window: Window, address: str) -> None:
    """Accept an invitation."""
    page = window.page
    page.goto(address)
    expect(page.get_by_text("Ada Lindqvist invites you to Attic.")).to_be_visible()
    page.get_by_label("Full name").fill("Ben Okafor")
    page.get_by_label("User name").fill("ben")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    assert "invite" not in page.url
    page.get_by_role("button", name="Make my account").click()
    expect(page.locator(".room-header")).to_contain_text("general")


async def kill_amid(site: Site, stored: int) -> None:
    """kill -9 as soon as so many messages are on disk."""
    found = 0
    while found < stored:
        await asyncio.sleep(0.001)
        found = site.server.rows("SELECT count(*) FROM messages")[0][0]
    await site.server.kill()


def talk_until(killed: Future[None], ada: Window, ben: Window) -> int:
    """Both go on talking until some time after the server was killed. Gives how often each of them spoke."""
    said = after = 0
    while after < 3:
        ada.say(f"Ada counts {said}")
        ben.say(f"Ben counts {said}")
        said += 1
        after += killed.done()
        assert said < 200, "the server was never killed"
    killed.result()
    return said
