"""Coming in and going out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import PASSWORD, Person, Site
from tests.browser.support import REFUSED, Stage


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_wrong_password_is_told_beside_its_field(stage: Stage, ben: Person) -> None:
    window = stage.window().load()
    page = window.page
    window.guard.expect(REFUSED)

    sign_in(page, ben.name, "not the password")
    password = page.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_be_focused()
    told = page.locator(".field", has=password).locator(f"#{password.get_attribute('id')}-error")
    expect(told).to_contain_text(re.compile("password", re.IGNORECASE))

    sign_in(page, ben.name, PASSWORD)
    expect(page.locator(".room-header")).to_contain_text("general")


def test_an_empty_form_says_what_to_fill_in(stage: Stage) -> None:
    page = stage.window().load().page
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Fill this in.")).to_have_count(2)
    expect(page.get_by_label("User name")).to_be_focused()


def test_the_setup_form_tells_all_that_is_wrong_at_once(own_stage: Stage) -> None:
    page = own_stage.window().load().page
    page.get_by_label("Setup code").fill("ABCD-EF")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Start the chat").click()
    expect(page.locator(".field-error:visible")).to_have_text(
        [
            "The code has eight letters and digits.",
            "Fill this in.",
            "Fill this in.",
            "Use 10 characters or more.",
        ]
    )
    expect(page.get_by_label("Setup code")).to_be_focused()


def test_a_password_is_shown_when_asked_for(stage: Stage) -> None:
    page = stage.window().load().page
    password = page.get_by_label("Password", exact=True)
    password.fill("plum")
    page.get_by_role("button", name="Show").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(password).to_have_attribute("type", "password")


def test_where_nobody_may_join_the_page_says_so(stage: Stage, site: Site) -> None:
    assert site.admin
    site.ask(site.admin, "server.update", join="closed")
    try:
        page = stage.window().load().page
        expect(page.get_by_text("New people cannot join right now.")).to_be_visible()
        expect(page.get_by_role("button", name="Make an account")).to_have_count(0)
    finally:
        site.ask(site.admin, "server.update", join="network")


def test_a_new_person_makes_an_account_and_is_in(stage: Stage) -> None:
    page = stage.window().load().page
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("Full name").fill("Cleo Marsh")
    page.get_by_label("User name").fill("cleo")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Make my account").click()
    expect(page.locator(".field-error:visible")).to_have_text("Use 10 characters or more.")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    expect(page.locator(".sidebar-me")).to_contain_text("Cleo Marsh")
    page.reload()
    expect(page.locator(".sidebar-me")).to_contain_text("Cleo Marsh")


DEAD = "It has expired, was used already, or is not complete. Ask for a new one."
LATE = "Your sign-in did not come along: too much time has passed. Sign in once more."
LINKS = {  # what a code or a letter may hold, and what the page says; nothing where it is no secret at all
    "an invitation that never was": ("#invite=nothing-of-the-kind", DEAD),
    "one cut short": ("#invite=x", DEAD),
    "one far too long": (f"#invite={'x' * 5000}", DEAD),
    "one with a letter that no secret has": ("#invite=%F0%9F%98%80", DEAD),
    "one with a byte that nothing may hold": ("#invite=a%00", DEAD),
    "one that is no text": ("#invite=%ff", DEAD),
    "a password link that never was": ("#password=x", DEAD),
    "a sign-in that never was": ("#move=x", LATE),
    "a ticket that was made up": (f"#move=ticket-1-9999999999999-{'0' * 64}", LATE),
    "a sign-in with nonsense for drafts": ("#move=x&kept=%7B", LATE),
    "a sign-in with a byte that nothing may hold": ("#move=a%00", LATE),
    "no invitation": ("#invite=", ""),
    "the setup of a server that is set up": ("#setup=x", ""),
    "a place that is none": ("#room=x&seq=-1", ""),
    "words": ("#nothing", ""),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_link_that_does_not_work_says_so_and_leads_to_the_door(stage: Stage, case: str) -> None:
    fragment, said = LINKS[case]
    window = stage.window()
    window.guard.expect(REFUSED)
    page = window.load(fragment).page
    if said:
        expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
        expect(page.get_by_text(said)).to_be_visible()
        page.get_by_role("button", name="Go on" if said == LATE else "Sign in").click()
    expect(page.get_by_role("heading", name="Sign in to Attic")).to_be_visible()


def test_signing_out_leaves_nothing_behind(stage: Stage, site: Site, ben: Person, room: int) -> None:
    person = site.run(site.server.sign_in(ben.name))
    window = stage.window(person).enter(room)
    window.guard.expect(REFUSED)
    page = window.page
    window.say("what was said stays")
    expect(window.message("what was said stays")).to_be_visible()
    window.composer.fill("a secret half sentence")
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitem", name="Sign out").click()

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    kept = page.evaluate("() => JSON.stringify({...localStorage, ...sessionStorage})")
    assert "secret" not in kept
    assert "what was said" not in kept
    page.reload()
    expect(page.get_by_label("User name")).to_be_visible()


def test_a_new_password_link_is_spent_by_its_use(stage: Stage, site: Site, ben: Person) -> None:
    assert site.admin
    url = site.ask(site.admin, "user.reset_link", user=ben.id)["url"]
    window = stage.window()
    window.guard.expect(REFUSED)
    page = window.page
    page.goto(url)
    expect(page.get_by_role("heading", name=f"New password for {ben.name}")).to_be_visible()
    assert "password=" not in page.url
    page.get_by_label("New password").fill("quiet harbour lantern 7")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill("quiet harbour lantern 7")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("made a new-password link for your account")).to_be_visible()
    page.get_by_role("button", name="All right").click()
    expect(page.get_by_text("made a new-password link for your account")).to_be_hidden()
