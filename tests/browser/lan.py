"""A server that is known by a name of a local network, over HTTP and HTTPS."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext

from tests.browser.site import Person, Site
from tests.browser.support import DESK, PHONE, WAIT

HOST = "chat.lan"


def address(site: Site, scheme: str = "http") -> str:
    return f"{scheme}://{HOST}:{site.server.port}"


def context_of(
    browser: Browser,
    site: Site,
    person: Person | None = None,
    *,
    secure: bool = False,
    phone: bool = False,
    dark: bool = False,
) -> BrowserContext:
    """A browser's window in which this person is signed in over HTTP, or `secure`: over HTTPS."""
    context = browser.new_context(
        viewport=PHONE if phone else DESK,  # type: ignore[arg-type]  # a plain dict is what it takes
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT)
    if person:
        name, _, value = person.cookie.partition("=")
        if secure:
            url = address(site, "https")
            context.add_cookies([{"name": f"__Host-{name}", "value": value, "url": url, "secure": True}])
        else:
            context.add_cookies([{"name": name, "value": value, "url": address(site)}])
    return context
