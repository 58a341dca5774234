"""What the system shows when nobody looks: by a service worker over HTTPS, where phones let no page do it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Worker, expect

from tests.backup.test_upgrade import LATER
from tests.browser.lan import address, context_of
from tests.browser.notified import ILLEGAL, expect_notified
from tests.browser.site import Person, Site
from tests.browser.support import OUTAGE, STRANGER, Guard
from tests.harness.process import program

# A browser without workers; the page's own notifications are written down.
WITHOUT_WORKERS = """delete Navigator.prototype.serviceWorker;
    window.made = [];
    window.Notification = class extends Notification {
        constructor(...all) {
            super(...all);
            made.push(this);
            this.addEventListener("close", () => { this.gone = true; });
        }
    };"""
# Only a person's click lets a worker move windows, so what it would do with them is written down.
CLICK = """async () => {
    const done = [];
    WindowClient.prototype.focus = async () => { done.push("focus"); };
    self.clients.openWindow = async (address) => { done.push(address); };
    const [notification] = await registration.getNotifications();
    const event = new NotificationEvent("notificationclick", { notification });
    let work = null;
    event.waitUntil = (promise) => { work = promise; };
    self.dispatchEvent(event);
    await work;
    return done;
}"""

Open = Callable[..., Page]


@pytest.fixture
def opened(lan: Site, trusting: Browser) -> Iterator[Open]:
    """Opens the chat for a person who allows notifications and looks away; nothing may go wrong there."""
    guards: list[tuple[Guard, Page]] = []

    def open(person: Person, script: str = "", *, expecting: str = "") -> Page:
        context = context_of(trusting, lan, person, secure=True, phone=script == ILLEGAL)
        context.grant_permissions(["notifications"], origin=address(lan, "https"))
        context.add_init_script(script)
        guard = Guard(address(lan, "https"))
        guard.watch(context)
        if expecting:
            guard.expect(expecting)
        page = context.new_page()
        page.goto(address(lan, "https"))
        guards.append((guard, page))
        page.locator(".sidebar-me").click()
        page.get_by_role("menuitem", name="Profile and settings").click()
        page.get_by_label("Notifications on this device").check()
        page.keyboard.press("Escape")
        page.evaluate("() => { document.hasFocus = () => false; dispatchEvent(new Event('blur')); }")
        return page

    yield open
    for guard, page in guards:
        page.context.close()
        guard.assert_quiet()


def worker_of(page: Page) -> Worker:
    page.evaluate("() => navigator.serviceWorker.ready")
    known = page.context.service_workers
    return known[0] if known else page.context.wait_for_event("serviceworker")


@pytest.fixture
def ada(lan: Site) -> Person:
    return lan.person("Ada Lindqvist")


@pytest.fixture
def ben(lan: Site) -> Person:
    return lan.person("Ben Okafor")


def test_a_phone_that_lets_no_page_notify_is_notified_and_led_to_the_message(
    lan: Site, opened: Open, ada: Person, ben: Person
) -> None:
    room = lan.room(ada, f"lunch-{ada.id}", ben)
    page = opened(ada, ILLEGAL)
    worker = worker_of(page)
    assert page.evaluate(
        "navigator.serviceWorker.ready.then(({ active, scope }) => [active.state, active.scriptURL, scope])"
    ) == ["activated", f"{address(lan, 'https')}/sw.js", f"{address(lan, 'https')}/"]
    seq = lan.post(ben, room, f"@{ada.name} There is coffee.")
    told = f"Ben Okafor mentioned you in lunch-{ada.id}: @{ada.name} There is coffee."
    expect_notified(page, told)

    assert worker.evaluate(CLICK) == ["focus"]
    expect(page.locator(".message", has_text="There is coffee.")).to_be_visible()
    page.wait_for_url(f"**/#room={room}&seq={seq}")
    expect_notified(page)
    page.go_back()
    expect(page.locator(".sidebar-row").first).to_be_visible()

    seq = lan.post(ben, room, f"@{ada.name} And cake.")
    expect_notified(page, told.replace("There is coffee", "And cake"))
    page.goto(f"{address(lan, 'https')}/trust")
    assert worker.evaluate(CLICK) == [f"/#room={room}&seq={seq}"]


def test_a_notification_goes_when_its_message_is_read_and_all_go_with_the_person(
    lan: Site, opened: Open, ada: Person, ben: Person
) -> None:
    page = opened(ada, expecting=STRANGER)
    rooms = [lan.direct(ben, ada), lan.room(ada, f"lunch-{ada.id}", ben)]
    seqs = [lan.post(ben, rooms[0], "Hello?"), lan.post(ben, rooms[1], f"@{ada.name} here")]
    direct, mention = "Ben Okafor: Hello?", f"Ben Okafor mentioned you in lunch-{ada.id}: @{ada.name} here"
    expect_notified(page, direct, mention)
    lan.ask(ada, "room.read", room=rooms[0], seq=seqs[0])  # on another device
    expect_notified(page, mention)
    lan.ask(ada, "room.read", room=rooms[1], seq=seqs[1])
    expect_notified(page)

    lan.post(ben, rooms[0], "Hello?")
    expect_notified(page, direct)
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    expect_notified(page)
    assert page.evaluate("navigator.serviceWorker.getRegistration().then(Boolean)")


def test_where_there_is_no_worker_the_page_notifies(
    lan: Site, opened: Open, ada: Person, ben: Person
) -> None:
    page = opened(ada, WITHOUT_WORKERS)
    room = lan.direct(ben, ada)
    for text in ("Hello?", "Are you there?"):
        lan.post(ben, room, text)
        page.wait_for_function("(text) => made.at(-1)?.body === text", arg=text)
    page.evaluate("made.at(-1).onclick()")
    expect(page.locator(".message", has_text="Are you there?")).to_be_visible()
    page.wait_for_function("() => made.every(({ gone }) => gone)")
    lan.ask(ada, "room.read", room=room, seq=lan.post(ben, room, "Never mind."))
    page.wait_for_function("() => made.length === 3 && made.at(-1).gone")


def test_plain_http_has_no_worker_and_the_console_stays_empty(
    lan: Site, strange: Browser, ada: Person
) -> None:
    context = context_of(strange, lan, ada)
    said: list[Any] = []
    asked: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(error.error))
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(f"{address(lan)}/#room=1")
    expect(page.locator(".room-header")).to_be_visible()
    expect(page.locator(".sidebar-hint")).to_contain_text("no notifications")
    expect(page.locator(".message, .room-start").first).to_be_visible()
    assert not [
        line for line in said if "ERR_CERT_AUTHORITY_INVALID" not in line
    ]  # it asks whether HTTPS works
    assert not [url for url in asked if url.endswith("sw.js")]
    assert not context.service_workers
    context.close()


@pytest.mark.skipif(program()[0] != sys.executable, reason="a later release is made from source")
def test_the_worker_of_a_later_release_takes_the_place_of_the_old_one(
    lan: Site, opened: Open, ada: Person
) -> None:
    page = opened(ada, expecting=OUTAGE)
    assert worker_of(page).evaluate("self.later") is None
    secured = lan.server.log.count("HTTPS answers on the same port")
    assert lan.run(lan.server.stop()) == 0
    lan.server.program = [*LATER, "quick"]
    lan.start()
    lan.run(lan.server.told("HTTPS answers on the same port", secured + 1))
    with page.context.expect_event("serviceworker") as replacing:
        page.goto(address(lan, "https"))
    assert replacing.value.evaluate("self.later") is True
    assert page.evaluate(
        """async () => {
            const { waiting, installing, active } = await navigator.serviceWorker.getRegistration();
            const newest = installing ?? waiting ?? active;
            while (newest.state !== "activated")
                await new Promise((done) => newest.addEventListener("statechange", done, { once: true }));
            return (await navigator.serviceWorker.getRegistration()).active === newest;
        }"""
    )
