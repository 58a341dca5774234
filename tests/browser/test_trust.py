"""From HTTP to HTTPS: a device is shown how, and led there only once it trusts the server."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.browser.lan import HOST, address, context_of
from tests.browser.site import Person, Site
from tests.browser.support import Stage
from tests.browser.test_contrast import assert_readable
from tests.harness.impostor import Impostor


def test_what_plain_http_lacks_is_said_quietly_and_leads_to_the_page(lan: Site, strange: Browser) -> None:
    context = context_of(strange, lan)
    page = context.new_page()
    page.goto(f"{address(lan)}/")
    hint = page.locator(".entrance-hint")
    expect(hint).to_contain_text("no notifications, and others on the network could read along")
    expect(hint.get_by_role("link")).to_have_attribute("href", "/trust")
    context.close()

    context = context_of(strange, lan, lan.person("Elin Dahl"))
    page = context.new_page()
    page.goto(f"{address(lan)}/#room=1")
    hint = page.locator(".sidebar-hint")
    expect(hint.get_by_role("link", name="How to secure it")).to_have_attribute("href", "/trust")
    hint.get_by_role("button", name="Hide").click()
    expect(hint).to_be_hidden()
    page.reload()
    expect(page.locator(".sidebar-me")).to_contain_text("Elin Dahl")
    expect(hint).to_have_count(0)
    context.close()


def test_the_computer_itself_is_secure_as_it_is_and_not_warned(
    lan: Site, stages: Callable[[Site], Stage]
) -> None:
    page = stages(lan).window(lan.person("Fay Holm")).load("#room=1").page
    expect(page.locator(".room-header")).to_be_visible()
    expect(page.locator(".sidebar-hint")).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_device_that_does_not_trust_the_server_is_shown_how(
    lan: Site, strange: Browser, phone: bool, dark: bool
) -> None:
    page = context_of(strange, lan, phone=phone, dark=dark).new_page()
    page.goto(f"{address(lan)}/trust")
    expect(page.locator(".trust-status")).to_contain_text("This device does not know this server yet.")
    for kind in ("Windows", "Mac", "iPhone, iPad", "Android", "Linux", "Firefox", "Many devices"):
        page.get_by_text(kind, exact=True).click()
        assert 3 <= page.locator(".trust-steps li").count() <= 10
        assert_readable(page)
    expect(page.locator(".qr")).to_have_js_property("complete", True)
    assert page.locator(".qr").evaluate("image => image.naturalWidth") > 0
    page.context.close()


def test_what_is_downloaded_has_the_fingerprint_of_the_page_and_the_console(
    lan: Site, strange: Browser, tmp_path: Path
) -> None:
    page = context_of(strange, lan).new_page()
    page.goto(f"{address(lan)}/trust")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the certificate").click()
    downloading.value.save_as(tmp_path / "ca.crt")
    assert (tmp_path / "ca.crt").read_bytes() == (lan.server.data / "tls/ca.crt").read_bytes()
    said = re.sub(r"\s", "", lan.server.said)
    for shown in page.locator(".fingerprint").all_text_contents():
        assert re.fullmatch(r"([0-9A-F]{2}:)+[0-9A-F]{2}", shown)
        assert shown in said
    page.context.close()


def test_a_device_without_trust_is_led_nowhere(lan: Site, strange: Browser) -> None:
    context = context_of(strange, lan, lan.person("Dora Falk"))
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address(lan)}/trust")
    expect(page.locator(".trust-status")).to_contain_text("does not know this server yet")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator(".trust-go")).to_have_count(0)
    assert f"{address(lan, 'https')}/trust/ping" in asked
    page.goto(f"{address(lan)}/")
    assert page.url.startswith(address(lan))
    with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        context.new_page().goto(address(lan, "https"))
    context.close()


def test_a_device_that_trusts_the_server_goes_on_over_https_with_all_it_had(
    lan: Site, trusting: Browser
) -> None:
    ada = lan.person("Ada Lindqvist")
    room = lan.room(ada, f"move-{ada.id}")
    context = context_of(trusting, lan, ada)
    leave_things_behind(context, lan, room)
    elsewhere = context.new_page()  # another tab, which only reads
    elsewhere.goto(f"{address(lan)}/trust")
    page = context.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{address(lan)}/trust")
    page.get_by_role("button", name="Continue securely").click()
    page.get_by_role("button", name="Go on as Ada Lindqvist").click()

    page.locator(".sidebar-row", has_text=f"move-{ada.id}").click()
    expect(page.locator(".message-text", has_text="written without a network")).to_have_count(1)
    expect(page.locator(".is-pending")).to_have_count(0)
    expect(page.locator(".composer-input")).to_have_value("half a sentence")
    assert page.url.startswith(address(lan, "https"))
    assert page.evaluate("isSecureContext") is True
    assert page.evaluate("typeof navigator.serviceWorker") == "object"
    assert sockets == [f"wss://{HOST}:{lan.server.port}/ws"]
    assert "move=" not in page.url
    (cookie,) = context.cookies()
    assert cookie["name"].startswith("__Host-")
    assert cookie["secure"]
    assert lan.run(lan.server.command(ada, "ping")).status == 401  # what was over HTTP has ended
    messages = lan.ask(signed_in(lan, ada), "room.history", room=room)["messages"]
    assert [message["text"] for message in messages] == ["written without a network"]

    elsewhere.goto(f"{address(lan)}/#room={room}")  # an old bookmark
    expect(elsewhere.locator(".room-header")).to_contain_text(f"move-{ada.id}")
    assert elsewhere.url == f"{address(lan, 'https')}/#room={room}"
    context.close()


def leave_things_behind(context: BrowserContext, lan: Site, room: int) -> None:
    """On the page over HTTP: half a sentence, and a message that could not be sent."""
    page = context.new_page()
    page.goto(f"{address(lan)}/#room={room}")
    expect(page.locator(".room-header")).to_be_visible()
    context.set_offline(True)
    page.locator(".composer-input").fill("written without a network")
    page.locator(".composer-input").press("Enter")
    expect(page.locator(".is-pending")).to_have_count(1)
    page.locator(".composer-input").fill("half a sentence")
    expect_stored(page, "half a sentence")
    page.close()
    context.set_offline(False)


def expect_stored(page: Page, text: str) -> None:
    page.wait_for_function("(text) => Object.values(localStorage).includes(text)", arg=text)


def signed_in(lan: Site, person: Person) -> Person:
    """The same person, with another sign-in."""
    return lan.run(lan.server.sign_in(person.name))


def test_a_device_that_is_not_signed_in_goes_on_to_sign_in_there(lan: Site, trusting: Browser) -> None:
    context = context_of(trusting, lan)
    page = context.new_page()
    page.goto(f"{address(lan)}/trust")
    page.get_by_role("button", name="Continue securely").click()
    expect(page.get_by_label("User name")).to_be_visible()
    assert page.url == f"{address(lan, 'https')}/"
    page.goto(f"{address(lan, 'https')}/trust")
    expect(page.locator(".trust-status")).to_contain_text("This connection is secure.")
    context.close()


def test_a_link_with_a_secret_that_is_over_leads_to_signing_in(lan: Site, trusting: Browser) -> None:
    context = context_of(trusting, lan)
    page = context.new_page()
    page.goto(f"{address(lan, 'https')}/#move=made-up")
    expect(page.get_by_text("Your sign-in did not come along")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("User name")).to_be_visible()
    context.close()


def test_who_arrives_while_the_server_is_away_may_try_again(lan: Site, trusting: Browser) -> None:
    ada = lan.person("Ada Lindqvist")
    secret = lan.ask(ada, "session.move")["secret"]
    context = context_of(trusting, lan)
    page = context.new_page()
    page.route("**/api/link.check", lambda route: route.abort())
    page.goto(f"{address(lan, 'https')}/#move={secret}")
    expect(page.get_by_text("No connection to the server.")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name="Go on as Ada Lindqvist").click()
    expect(page.locator(".sidebar-row").first).to_be_visible()
    context.close()


def test_a_stolen_key_can_pose_as_no_site_outside(lan: Site, trusting: Browser, tmp_path: Path) -> None:
    impostor = Impostor(lan, tmp_path)
    page = trusting.new_page()
    try:
        page.goto(f"https://nas.lan:{impostor.pose_as('nas.lan')}/")
        expect(page.locator("body")).to_contain_text("impostor")
        for outside in ("bank.example", "8.8.8.8"):
            with pytest.raises(Error, match="net::ERR_CERT_"):
                page.goto(f"https://{outside}:{impostor.pose_as(outside)}/")
    finally:
        impostor.close()
        page.close()
