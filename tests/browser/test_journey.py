"""From the first start to a restored backup, with a phone that is never reloaded by hand: docs/journey.md.

CHATBOX_SCREENSHOTS=1 takes the pictures of that page anew.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.backup.test_upgrade import LATER
from tests.browser.device import device, trust
from tests.browser.notified import ILLEGAL, expect_notified
from tests.browser.site import PASSWORD, Site
from tests.browser.support import OUTAGE, REFUSED, STRANGER, Stage, Window
from tests.harness import qr
from tests.harness.network import Desk, Host, hosts
from tests.harness.process import ROOT, program

OLD, NEW, PHONE = "192.168.77.2", "192.168.77.99", "192.168.77.3"
PAGE = ROOT / "docs" / "journey.md"
FOLDER = ROOT / "docs" / "pictures" / "journey"
TAKES = os.environ.get("CHATBOX_SCREENSHOTS") == "1"
MOVING = 60_000  # ms in which a page sees that the address is gone, and looks for the server elsewhere
RETRY = 30  # seconds that a page waits at most before it tries again
ARRIVING = 30_000  # ms in which a page is back after a restart
# Runs a program in a terminal, so that it draws what a person at the console sees.
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"

pytestmark = pytest.mark.skipif(program()[0] != sys.executable, reason="a later release is made from source")


class Journey(NamedTuple):
    """Ada at the computer on which Chatbox runs, and Ben with a phone in the same Wi-Fi."""

    site: Site
    desk: Host
    ada: Window
    ben: Window
    home: Path  # of the phone
    pictures: Path
    pages: list[str]  # that the phone has loaded, without the secrets in them

    def take(self, window: Window, name: str) -> None:
        """A picture for docs/journey.md."""
        window.page.mouse.move(0, 0)
        window.settle()
        window.page.screenshot(path=self.pictures / f"{name}.png")

    @property
    def server(self) -> Desk:
        assert isinstance(self.site.server, Desk)
        return self.site.server

    def wait(self, *seconds: int) -> None:
        """So much time goes by on the phone, one after the other."""
        for each in seconds:
            self.ben.context.clock.fast_forward(1000 * each)


@pytest.fixture
def network() -> Iterator[tuple[Host, Host]]:
    """Two machines with a Wi-Fi between them."""
    with hosts("desk", "phone") as (desk, phone):
        desk.pair("wlan0", f"{OLD}/24", phone)
        phone.ip("address", "add", f"{PHONE}/24", "dev", "eth0")
        yield desk, phone


@pytest.fixture
def site(tmp_path: Path, network: tuple[Host, Host]) -> Iterator[Site]:
    """A server at its first start, in a terminal, on a computer with a screen."""
    site = Site(tmp_path, at_a_desk=True, host=network[0])
    assert isinstance(site.server, Desk)
    site.server.hurry()
    site.server.program = in_a_terminal(*site.server.program)
    site.server.environment |= {"LC_ALL": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1"}
    site.start()
    yield site
    site.close()


@pytest.fixture
def browsers(
    playwright: Playwright, network: tuple[Host, Host], tmp_path: Path
) -> Iterator[tuple[Browser, Browser]]:
    """One on each machine. The phone asks the network for chatbox.local, and that is what it is told."""
    desk, phone = network
    names = f"MAP chatbox.local {NEW}"
    with (
        device(playwright, tmp_path / "desk", host=desk) as here,
        device(playwright, tmp_path / "phone", host=phone, names=names) as there,
    ):
        yield here, there


@pytest.fixture
def journey(
    site: Site, network: tuple[Host, Host], browsers: tuple[Browser, Browser], tmp_path: Path
) -> Iterator[Journey]:
    pictures = FOLDER if TAKES else tmp_path / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    near, far = (Stage(site, browser) for browser in browsers)
    ada, ben = near.window(), far.window(phone=True)
    ada.page.set_viewport_size({"width": 1000, "height": 980})
    ben.guard.expect(r"another origin: (http|ws)s?://(192\.168\.77\.\d+|chatbox\.local):8642/")
    ben.context.add_init_script(ILLEGAL)
    ben.context.clock.install()
    pages: list[str] = []
    ben.page.on(
        "request",
        lambda request: pages.append(plain(request.url)) if request.is_navigation_request() else None,
    )
    yield Journey(site, network[0], ada, ben, tmp_path / "phone", pictures, pages)
    near.close()
    far.close()


def in_a_terminal(*words: str) -> list[str]:
    return [sys.executable, "-c", TERMINAL, *words]


def plain(url: str) -> str:
    return url.partition("#")[0]


def test_a_phone_goes_through_it_all_without_a_reload_by_hand(journey: Journey) -> None:
    set_up(journey)
    address = code_on_the_console(journey)
    assert address == code_on_the_page(journey) == f"http://{OLD}:8642"
    join(journey, address)
    come_to_trust(journey)
    go_on_securely(journey)
    be_notified(journey)
    lose_the_address(journey)
    back_up(journey)
    upgrade(journey)
    restore(journey)
    assert journey.pages == [
        f"http://{OLD}:8642/",  # the only address that anybody opened by hand
        f"http://{OLD}:8642/trust",
        f"https://{OLD}:8642/",
        "https://chatbox.local:8642/",  # when the address was gone
        "https://chatbox.local:8642/",  # the client of the later release
    ]


def set_up(journey: Journey) -> None:
    page = journey.ada.page
    page.goto(journey.site.opened)
    page.get_by_label("Name of this chat").fill("Attic")
    page.get_by_text("Anyone on this network").click()
    page.get_by_label("Full name").fill("Ada Lindqvist")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    journey.take(journey.ada, "1-setup")
    page.set_viewport_size({"width": 1000, "height": 720})
    page.get_by_role("button", name="Start the chat").click()
    expect(page.locator(".room-header")).to_contain_text("general")


def code_on_the_console(journey: Journey) -> str:
    """What the camera of a phone reads there, below what the page in docs says that it says."""
    journey.site.run(journey.server.says("Set up by ada."))
    journey.site.run(journey.server.says("█\n\n"))
    said = re.sub(r"[0-9A-Z]{4}-[0-9A-Z]{4}$", "7KQ4-M2XP", journey.server.said, count=1, flags=re.MULTILINE)
    said = re.sub(r"^\d\d:\d\d:\d\d", "09:15:02", said, flags=re.MULTILINE)
    assert re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0] in said
    lines = [line.strip() for line in journey.server.said.splitlines() if line.startswith("  ██")]
    return qr.read(qr.drawn(lines, dark=False))


def code_on_the_page(journey: Journey) -> str:
    """The same on the admins' page."""
    journey.ada.administer("Being reached")
    drawn = journey.ada.page.locator(".qr path").get_attribute("d") or ""
    journey.take(journey.ada, "2-reached")
    runs = [tuple(map(int, run)) for run in re.findall(r"M(\d+) (\d+)h(\d+)", drawn)]
    dark = {(y, x + n) for x, y, length in runs for n in range(length)}
    side = range(min(y for y, _ in dark), max(y for y, _ in dark) + 1)
    return qr.read([[(y, x) in dark for x in side] for y in side])


def join(journey: Journey, address: str) -> None:
    """The phone opens what its camera has read, and its person makes an account."""
    ben, page = journey.ben, journey.ben.page
    ben.guard.expect(STRANGER)
    journey.site.run(journey.server.told("HTTPS answers on the same port"))
    page.goto(address)
    expect(page.locator(".entrance-hint")).to_be_visible()
    journey.take(ben, "3-opened")
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("Full name").fill("Ben Okafor")
    page.get_by_label("User name").fill("ben")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    ben.click_room("general")
    ben.composer.fill("half a sentence")
    page.go_back()
    journey.site.run(journey.server.says(f"First device connected from the network: {PHONE}"))
    expect(journey.ada.page.get_by_text("1 other device")).to_be_visible()


def come_to_trust(journey: Journey) -> None:
    """The certificate is installed, as the page says it. Systems tell their browsers of that; on Linux nobody
    does, and Chromium believes the first answer for half an hour. So that first one is given here, and
    tests/browser/test_trust.py shows that it is the true one."""
    ben, page = journey.ben, journey.ben.page
    ben.guard.expect("ERR_FAILED")
    page.route("**/trust/ping", lambda route: route.abort())
    page.locator(".sidebar-hint").get_by_role("link").click()
    expect(page.locator(".trust-status")).to_contain_text("This device does not know this server yet.")
    page.get_by_text("Android", exact=True).click()
    journey.take(ben, "4-trust")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the certificate").click()
    certificate = journey.home / downloading.value.suggested_filename
    downloading.value.save_as(certificate)
    trust(journey.home, certificate)
    page.unroute_all()
    journey.wait(4)
    expect(page.locator(".trust-status")).to_contain_text("It works.")
    journey.take(ben, "5-trusted")


def go_on_securely(journey: Journey) -> None:
    ben, page = journey.ben, journey.ben.page
    page.get_by_role("button", name="Continue securely").click()
    page.get_by_role("button", name="Go on as Ben Okafor").click()
    ben.click_room("general")
    expect(ben.composer).to_have_value("half a sentence")
    assert page.evaluate("isSecureContext") is True
    journey.take(ben, "6-secure")
    say(ben, "half a sentence, and the other half")
    journey.ada.click_room("general")
    expect(journey.ada.message("and the other half")).to_be_visible()
    page.go_back()


def say(ben: Window, text: str) -> None:
    """On a phone Enter begins a line."""
    ben.composer.fill(text)
    ben.page.get_by_role("button", name="Send").click()
    expect(ben.message(text)).to_be_visible()
    expect(ben.page.locator(".is-pending")).to_have_count(0, timeout=ARRIVING)


def be_notified(journey: Journey) -> None:
    """The person allows notifications, and lets the phone lie."""
    ben, page = journey.ben, journey.ben.page
    ben.context.grant_permissions(["notifications"])
    page.locator(".sidebar-me").click()
    page.get_by_role("menuitem", name="Profile and settings").click()
    page.get_by_label("Notifications on this device").check()
    page.keyboard.press("Escape")
    ben.look_away()
    journey.ada.say("@ben There is coffee.")
    expect_notified(page, "Ada Lindqvist mentioned you in general: @ben There is coffee.")
    expect(ben.row("general").locator(".badge")).to_contain_text("1 mention")
    ben.look_back()


def lose_the_address(journey: Journey) -> None:
    """The router gives the computer another one. Ada is told, Ben's phone finds the server by its name."""
    ada, ben = journey.ada, journey.ben
    ben.guard.expect(OUTAGE)
    journey.desk.move("wlan0", f"{OLD}/24", f"{NEW}/24")
    bar = ada.page.locator(".bar", has_text=f"The others now open http://{NEW}:8642")
    expect(bar).to_be_visible()
    journey.take(ada, "7-address")
    bar.get_by_role("button", name="All right").click()
    journey.wait(20, 10, 20)  # it asks whether the server lives, gives it up, and looks for it elsewhere
    expect(ben.page.get_by_role("heading", name="The chat has moved here")).to_be_visible(timeout=MOVING)
    assert plain(ben.page.url) == "https://chatbox.local:8642/"
    journey.take(ben, "8-moved")
    ben.page.get_by_role("button", name="Go on as Ben Okafor").click()
    ben.click_room("general")
    expect(ben.message("There is coffee.")).to_be_visible()


def back_up(journey: Journey) -> None:
    page = journey.ada.page
    journey.ada.administer("Backups")
    page.get_by_role("button", name="Back up now").click()
    expect(page.get_by_text("2 people · 2 messages · 0 files")).to_be_visible()


def upgrade(journey: Journey) -> None:
    """A later release takes the place of this one. A page that is looked at offers its own, and takes it by
    itself when nobody looks."""
    ada, ben = journey.ada, journey.ben
    ada.guard.expect(OUTAGE)
    for window in (ada, ben):
        window.guard.expect("status of 503")
    ben.page.evaluate("document.body.dataset.before = 'the upgrade'")
    journey.server.program = in_a_terminal(*journey.desk.words(*LATER, "quick"))
    assert journey.site.run(journey.server.stop()) == 0
    journey.site.start()
    journey.wait(RETRY)
    expect(ben.page.get_by_text("There is a new version")).to_be_visible(timeout=ARRIVING)
    assert ben.page.evaluate("document.body.dataset.before") == "the upgrade"
    journey.take(ben, "9-upgraded")
    with ben.page.expect_navigation():
        ben.page.evaluate(
            """() => {
                Object.defineProperty(document, "hidden", { value: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    expect(ben.message("There is coffee.")).to_be_visible(timeout=ARRIVING)
    expect(ben.page.get_by_text("There is a new version")).to_be_hidden()


def restore(journey: Journey) -> None:
    """What was written after the backup is gone from every page."""
    ada, ben = journey.ada, journey.ben
    ada.guard.expect(REFUSED)  # until the password was given once more
    ben.page.evaluate("document.body.dataset.before = 'the restore'")
    say(ben, "written too late")
    page = ada.page
    page.get_by_role("button", name="Reload").click()
    page.get_by_role("button", name="Restore the backup of").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    page.get_by_role("dialog", name="Is it you?").get_by_label("Password", exact=True).fill(PASSWORD)
    starts = journey.server.log.count("Ready.")
    page.get_by_role("button", name="Go on").click()
    journey.site.run(journey.server.told("Ready.", starts + 1))
    journey.wait(RETRY)
    expect(ben.message("written too late")).to_have_count(0, timeout=ARRIVING)
    expect(ben.message("There is coffee.")).to_be_visible()
    say(ben, "Back where we were.")
    journey.take(ben, "10-restored")
    assert ben.page.evaluate("document.body.dataset.before") == "the restore"
    ada.click_room("general")
    expect(ada.message("Back where we were.")).to_be_visible(timeout=ARRIVING)
    assert ada.texts() == [
        "half a sentence, and the other half",
        "@ben There is coffee.",
        "Back where we were.",
    ]
