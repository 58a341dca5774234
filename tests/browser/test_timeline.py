"""The timeline stays where it is, whatever loads or arrives."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import Person, Site
from tests.browser.support import Stage, Window

SCROLL = """(top) => {
    const scroller = document.querySelector('.timeline-scroll');
    scroller.scrollTop = top;
    const edge = scroller.getBoundingClientRect().top;
    const shown = [...document.querySelectorAll('.timeline-list > .message')]
        .find((row) => row.getBoundingClientRect().top >= edge);
    return {seq: Number(shown.dataset.seq), top: shown.getBoundingClientRect().top};
}"""
PLACE = """(seq) => document.querySelector(`.message[data-seq="${seq}"]`).getBoundingClientRect().top"""
OLDEST = """() => Number(document.querySelector('.timeline-list > .message').dataset.seq)"""
BELOW = """() => {
    const scroller = document.querySelector('.timeline-scroll');
    return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
}"""


def fill(site: Site, person: Person, room: int, count: int) -> None:
    """Messages of several heights."""
    site.post_all(
        person, room, [f"message {number}" + "\nand more" * (number % 4) for number in range(count)]
    )


def wait_for_older(window: Window, than: int) -> None:
    expect(window.messages.first).not_to_have_attribute("data-seq", str(than))
    window.settle()


def test_older_pages_load_above_without_moving_what_is_seen(
    stage: Stage, site: Site, ada: Person, room: int
) -> None:
    fill(site, ada, room, 400)
    window = stage.window(ada).enter(room)
    expect(window.message("message 399")).to_be_visible()
    drawn = []
    while (oldest := window.page.evaluate(OLDEST)) > 4:
        before = window.page.evaluate(SCROLL, 300)
        wait_for_older(window, oldest)
        assert abs(window.page.evaluate(PLACE, before["seq"]) - before["top"]) <= 1
        drawn.append(window.messages.count())
    assert max(drawn) <= 300
    window.page.evaluate(SCROLL, 0)
    expect(window.page.locator(".room-start")).to_be_visible()
    window.page.get_by_role("button", name="Latest messages").click()
    expect(window.message("message 399")).to_be_in_viewport()


def test_a_message_that_arrives_moves_nothing_for_whoever_reads_above(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    fill(site, ada, room, 60)
    window = stage.window(ada).enter(room)
    before = window.page.evaluate(SCROLL, 1000)
    site.post(ben, room, "news\nin\nfour\nlines")
    pill = window.page.get_by_role("button", name="1 new")
    expect(pill).to_be_visible()
    window.settle()
    assert abs(window.page.evaluate(PLACE, before["seq"]) - before["top"]) <= 1
    pill.click()
    expect(window.message("news")).to_be_in_viewport()


UNTOLD_SCROLL = """async () => {
    const main = [...document.querySelectorAll('script')].find((one) => one.src.endsWith('/js/main.js'));
    const { ScrollAnchor } = await import(new URL('lib/scroll_anchor.js', main.src).href);
    const [scroller, body, list] = [0, 0, 0].map(() => document.createElement('div'));
    const add = (key) => {
        const item = document.createElement('p');
        item.dataset.key = key;
        item.textContent = key;
        list.append(item);
    };
    Object.assign(scroller.style, { height: '200px', overflowY: 'scroll' });
    body.append(list);
    scroller.append(body);
    document.body.append(scroller);
    for (let i = 0; i < 60; i += 1) add(`item ${i}`);
    const anchor = new ScrollAnchor(scroller, list, body, () => true);
    anchor.toBottom();
    scroller.scrollTop = 300;
    anchor.keep(() => add('news'));
    const top = scroller.scrollTop;
    anchor.close();
    scroller.remove();
    return top;
}"""


def test_a_scroll_of_this_very_moment_is_not_undone_by_what_arrives(
    stage: Stage, site: Site, ada: Person, room: int
) -> None:
    window = stage.window(ada).enter(room)
    assert window.page.evaluate(UNTOLD_SCROLL) == 300


def test_whoever_is_at_the_bottom_stays_there(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    fill(site, ada, room, 60)
    window = stage.window(ada).enter(room)
    for text in ("short", "long\n" * 30, "short again"):
        site.post(ben, room, text.strip())
    expect(window.message("short again")).to_be_in_viewport()
    window.settle()
    assert window.page.evaluate(BELOW) <= 1
    window.page.set_viewport_size({"width": 1000, "height": 500})
    window.settle()
    assert window.page.evaluate(BELOW) <= 1
    window.composer.fill("a composer\nthat\ngrows\nand\ngrows")
    window.settle()
    assert window.page.evaluate(BELOW) <= 1


def test_a_room_with_much_unread_opens_at_the_new_line(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    fill(site, ada, room, 30)
    site.post_all(ben, room, [f"unread {number}" for number in range(120)])
    window = stage.window(ada).enter(room)
    expect(window.page.locator(".timeline-new")).to_be_in_viewport()
    expect(window.page.locator(".message", has_text="unread 0")).to_be_in_viewport()
    expect(window.row(f"room-{ada.id}").locator(".count")).to_be_visible()
    window.page.keyboard.press("Escape")
    expect(window.row(f"room-{ada.id}").locator(".count")).to_have_count(0)


def test_a_link_to_a_message_opens_at_it(stage: Stage, site: Site, ada: Person, room: int) -> None:
    fill(site, ada, room, 200)
    old = site.ask(ada, "room.history", room=room, after=0, limit=20)["messages"][10]
    window = stage.window(ada).enter(room, old["seq"])
    expect(window.page.locator(f'.message[data-seq="{old["seq"]}"]')).to_be_in_viewport()
