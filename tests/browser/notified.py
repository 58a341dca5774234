"""What a device shows of notifications, as far as its browser tells."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.support import WAIT

# As Chrome for Android: what it says of the permission is true, but no page may make one.
ILLEGAL = """if (window.Notification) window.Notification = new Proxy(Notification, {
    construct() { throw new TypeError("Illegal constructor"); },
});"""
# Nobody is told when one appears or goes.
SHOWN = """async ([texts, wait]) => {
    for (const until = Date.now() + wait; ; await new Promise((done) => setTimeout(done, 20))) {
        const registration = await navigator.serviceWorker.getRegistration();
        const all = await registration?.getNotifications() ?? [];
        const shown = all.map(({ title, body }) => `${title}: ${body}`).sort();
        if (String(shown) === String(texts) || Date.now() > until) return shown;
    }
}"""


def expect_notified(page: Page, *texts: str) -> None:
    """Exactly these are open, now or soon."""
    expected = sorted(texts)
    assert page.evaluate(SHOWN, [expected, WAIT]) == expected
