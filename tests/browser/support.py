"""Windows of people in Chromium, and a guard over all that goes wrong unseen in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    WebError,
    WebSocket,
    expect,
)

from tests.browser.site import Person, Site

CHROMIUM = os.environ.get("CHATBOX_CHROMIUM") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WAIT = 8000  # ms for whatever a page should come to show
expect.set_options(timeout=WAIT)

# How a page learns that it has to ask who one is.
STRANGER = r"the server responded with a status of 401|WebSocket connection to .* failed"
REFUSED = r"the server responded with a status of 4\d\d"
OUTAGE = r"ERR_CONNECTION_(REFUSED|RESET|CLOSED)|ERR_EMPTY_RESPONSE|WebSocket connection to .* failed"
OFFLINE = r"ERR_INTERNET_DISCONNECTED|WebSocket connection to .* failed"


class Guard:
    """Whatever a window's console, network or scripts complain of, unless it is expected."""

    def __init__(self, origin: str) -> None:
        self.trouble: list[str] = []
        self.requests: list[Request] = []
        self._origin = origin
        self._expected: list[re.Pattern[str]] = []

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of a context."""
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("page", lambda page: page.on("websocket", self._socket))

    def expect(self, pattern: str) -> None:
        """From now on, complaints like this one are part of the test."""
        self._expected.append(re.compile(pattern))

    def assert_quiet(self) -> None:
        """Nothing was complained of but what was expected."""
        left = [line for line in self.trouble if not any(one.search(line) for one in self._expected)]
        assert not left, "\n".join(left)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"}:
            self.trouble.append(f"console {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.trouble.append(f"uncaught: {error.error}")

    def _request(self, request: Request) -> None:
        self.requests.append(request)
        self._address(request.url)

    def _socket(self, socket: WebSocket) -> None:
        self._address(socket.url)

    def _address(self, url: str) -> None:
        own = (self._origin, self._origin.replace("http", "ws", 1), "blob:", "data:")
        if not url.startswith(own):
            self.trouble.append(f"a request to another origin: {url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the browser's own doing, when a page goes
            self.trouble.append(f"failed: {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.trouble.append(
                f"refused: {response.url}: the server responded with a status of {response.status}"
            )


class Window:
    """One window of a person. What a test says of a room, it says in this object's words."""

    def __init__(self, stage: Stage, context: BrowserContext, guard: Guard) -> None:
        self.stage = stage
        self.context = context
        self.guard = guard
        self.page: Page = context.new_page()

    # -- places --------------------------------------------------------------------------------------------

    def load(self, fragment: str = "") -> Window:
        """Open the page anew, at a place."""
        self.page.goto(f"{self.stage.site.server.url}/{fragment}")
        return self

    def enter(self, room: int, seq: int = 0) -> Window:
        """Open the page in a room, and wait until its messages are there."""
        self.load(f"#room={room}" + (f"&seq={seq}" if seq else ""))
        expect(self.page.locator(".room-header")).to_be_visible()
        expect(self.page.locator(".timeline-list > *, .room-start").first).to_be_attached()
        return self

    def row(self, name: str) -> Locator:
        """A room's row in the sidebar."""
        exact = re.compile(f"^{re.escape(name)}$")
        return self.page.locator(
            ".sidebar-row", has=self.page.locator(".sidebar-name").filter(has_text=exact)
        )

    def click_room(self, name: str) -> None:
        """Go to a room by the sidebar."""
        self.row(name).click()
        expect(self.page.locator(".room-header")).to_contain_text(name)

    def administer(self, section: str) -> None:
        """Go to a section of the administration page."""
        self.page.get_by_role("button", name="Administration").click()
        self.page.get_by_role("navigation", name="Sections").get_by_role("button", name=section).click()

    # -- messages ------------------------------------------------------------------------------------------

    @property
    def composer(self) -> Locator:
        return self.page.locator(".composer-input")

    def say(self, text: str) -> None:
        """Type a message and send it, once no dialog is in the way: keys would go there."""
        expect(self.page.locator("dialog:modal")).to_have_count(0)
        self.composer.fill(text)
        self.composer.press("Enter")

    @property
    def messages(self) -> Locator:
        return self.page.locator(".timeline-list > .message")

    def message(self, text: str) -> Locator:
        """The messages that contain a text."""
        return self.messages.filter(has_text=text)

    def texts(self) -> list[str]:
        """What the messages on the page say, in their order."""
        return self.page.locator(".message-text, .message-tombstone").all_inner_texts()

    def transcript(self) -> list[list[str]]:
        """Who said what, and in what state, as far as the page shows it."""
        found: list[list[str]] = self.page.evaluate(
            """() => [...document.querySelectorAll('.timeline-list > .message')].map((row) => [
                row.dataset.user, row.querySelector('.message-text, .message-tombstone').innerText,
                row.classList.contains('is-pending') ? 'pending' : 'stored'])"""
        )
        return found

    def act(self, message: Locator, action: str) -> None:
        """Choose from a message's menu, once it was sent."""
        expect(message).to_have_attribute("data-seq", re.compile(r"\d+"))
        message.hover()
        message.get_by_role("button", name="What to do with this message").click()
        self.page.get_by_role("menuitem", name=action).click()

    # -- the window itself ---------------------------------------------------------------------------------

    def look_away(self) -> None:
        """The window loses the focus, as far as the page can know. Playwright gives it to all of them."""
        self.page.evaluate("() => { document.hasFocus = () => false; dispatchEvent(new Event('blur')); }")

    def look_back(self) -> None:
        """The window has the focus again."""
        self.page.evaluate("() => { delete document.hasFocus; dispatchEvent(new Event('focus')); }")

    @contextmanager
    def offline(self) -> Iterator[None]:
        """Cut the network off for a while."""
        self.guard.expect(OFFLINE)
        self.context.set_offline(True)
        try:
            yield
        finally:
            self.context.set_offline(False)

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def top_of(self, message: Locator) -> float:
        """Where a message stands on the screen, in px."""
        box = message.bounding_box()
        assert box is not None
        return box["y"]


class Stage:
    """The windows of one test."""

    def __init__(self, site: Site, browser: Browser) -> None:
        self.site = site
        self.windows: list[Window] = []
        self._browser = browser

    def window(
        self,
        person: Person | None = None,
        *,
        phone: bool = False,
        dark: bool = False,
        beside: Window | None = None,
    ) -> Window:
        """A new window, of a person who is signed in there. `beside`: another tab of the same browser."""
        guard = beside.guard if beside else Guard(self.site.server.url)
        context = beside.context if beside else self._context(guard, phone, dark)
        if person:
            name, _, value = person.cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": person.origin}])
        elif not beside:
            guard.expect(STRANGER)
        window = Window(self, context, guard)
        self.windows.append(window)
        return window

    def _context(self, guard: Guard, phone: bool, dark: bool) -> BrowserContext:
        context = self._browser.new_context(
            viewport=PHONE if phone else DESK,  # type: ignore[arg-type]  # a plain dict is what it takes
            has_touch=phone,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(WAIT)
        guard.watch(context)
        return context

    def outage(self) -> None:
        """The server will be away: every window may complain of that."""
        for window in self.windows:
            window.guard.expect(OUTAGE)

    def keep_pictures(self, folder: Path) -> None:
        """What every window shows, for whoever looks into a failure."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, window in enumerate(self.windows):
            if not window.page.is_closed():
                window.page.screenshot(path=folder / f"{number}.png")

    def close(self) -> None:
        """Close all windows; none of them may have had anything to complain of."""
        for context in {window.context for window in self.windows}:
            context.close()
        for guard in {window.guard for window in self.windows}:
            guard.assert_quiet()
