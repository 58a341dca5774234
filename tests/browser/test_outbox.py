"""What is written while the server cannot be reached."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, WebSocketRoute, expect

from tests.browser.site import Person, Site
from tests.browser.support import OFFLINE, Stage, Window


def assert_sent_once(window: Window, text: str) -> None:
    expect(window.message(text)).to_have_count(1)
    expect(window.page.locator(".message.is-pending")).to_have_count(0, timeout=30_000)
    rows = window.stage.site.server.rows("SELECT count(*) FROM messages WHERE text = ?", text)
    assert rows == [(1,)]


def test_a_message_written_offline_waits_with_a_clock(
    stage: Stage, ada: Person, ben: Person, room: int
) -> None:
    window, other = stage.window(ada).enter(room), stage.window(ben).enter(room)
    with window.offline():
        window.say("from the tunnel")
        waiting = window.message("from the tunnel")
        expect(waiting.locator(".message-state")).to_have_text("Will be sent when you are online")
        expect(window.page.locator(".bar.is-warning:visible")).to_have_count(1)
        expect(other.messages).to_have_count(0)
    expect(other.message("from the tunnel")).to_be_visible()
    expect(window.page.locator(".bar.is-warning:visible")).to_have_count(0)
    assert_sent_once(window, "from the tunnel")


def test_what_was_missed_offline_arrives(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "before")
    gone = site.post(ben, room, "soon gone")
    window = stage.window(ada).enter(room)
    expect(window.message("soon gone")).to_be_visible()
    with window.offline():
        site.ask(ben, "message.delete", room=room, seq=gone)
        site.post(ben, room, "meanwhile")
    expect(window.message("meanwhile")).to_be_visible()
    assert window.texts() == ["before", "This message was deleted.", "meanwhile"]


def test_a_draft_outlives_a_reload(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    window.composer.press_sequentially("half a thought")
    window.page.reload()
    expect(window.composer).to_have_value("half a thought")
    window.click_room("general")
    expect(window.composer).to_have_value("")
    window.click_room(f"room-{ada.id}")
    expect(window.composer).to_have_value("half a thought")
    window.composer.press("Enter")
    expect(window.message("half a thought")).to_be_visible()
    window.page.reload()
    expect(window.message("half a thought")).to_be_visible()
    expect(window.composer).to_have_value("")


def test_the_outbox_outlives_a_reload_and_the_server(own_stage: Stage) -> None:
    site = own_stage.site
    ada = site.set_up()
    window = own_stage.window(ada).load()
    expect(window.page.locator(".room-header")).to_contain_text("general")
    own_stage.outage()
    site.run(site.server.kill())
    window.say("kept through all of it")
    expect(window.message("kept through all of it").locator(".message-state")).to_be_visible()
    with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
        window.page.reload()
    site.start()
    window.load()
    assert_sent_once(window, "kept through all of it")


def test_what_is_written_before_the_room_could_load_is_shown_and_sent(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    site.post(ben, room, "what was said before")
    window = stage.window(ada)
    cut: list[str | bytes] = []

    def cut_before_the_history(page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if cut or "room.history" not in str(message):
                server.send(message)
            else:
                cut.append(message)
                window.context.set_offline(True)
                page.close(code=1012)

        page.on_message(pass_on)

    window.guard.expect(OFFLINE)
    window.page.route_web_socket("**/ws", cut_before_the_history)
    window.load(f"#room={room}")
    expect(window.page.locator(".timeline-top [role=alert]")).to_be_visible()
    window.say("written all the same")
    waiting = window.message("written all the same").locator(".message-state")
    expect(waiting).to_have_text("Will be sent when you are online")
    window.context.set_offline(False)
    assert_sent_once(window, "written all the same")
    expect(window.page.locator(".timeline-top [role=alert]")).to_have_count(0)
    assert window.texts() == ["what was said before", "written all the same"]


def test_two_tabs_of_one_browser_send_a_message_once(
    stage: Stage, ada: Person, ben: Person, room: int
) -> None:
    first = stage.window(ada).enter(room)
    second = stage.window(beside=first).enter(room)
    other = stage.window(ben).enter(room)
    with first.offline():
        first.say("once, please")
        second.say("and this once")
        expect(first.message("once, please").locator(".message-state")).to_be_visible()
        expect(second.message("and this once").locator(".message-state")).to_be_visible()
    for window in (first, second, other):
        assert_sent_once(window, "once, please")
        assert_sent_once(window, "and this once")


def test_a_refused_message_says_why_and_can_be_thrown_away(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    window = stage.window(ben).enter(room)
    with window.offline():
        window.say("too late")
        expect(window.message("too late").locator(".message-state")).to_be_visible()
        site.ask(ada, "room.update", room=room, archived=True)
    failed = window.message("too late").locator(".message-state.is-failed")
    expect(failed).to_contain_text("Not sent.")
    failed.get_by_role("button", name="Delete").click()
    expect(window.message("too late")).to_have_count(0)
