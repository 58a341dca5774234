"""Writing, changing and finding messages."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import FilePayload, expect

from tests.browser.bitmaps import png
from tests.browser.site import Person, Site
from tests.browser.support import Stage, Window

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'


def attach(window: Window, *files: FilePayload) -> None:
    """Choose files, and wait until they are uploaded."""
    window.page.locator(".composer input[type=file]").set_input_files(list(files))
    expect(window.page.locator(".upload")).to_have_count(len(files))
    expect(window.page.locator(".upload-progress")).to_have_count(0)


def test_up_edits_the_last_message_for_everybody(stage: Stage, ada: Person, ben: Person, room: int) -> None:
    window, other = stage.window(ada).enter(room), stage.window(ben).enter(room)
    window.say("teh build is green")
    expect(other.message("teh build")).to_be_visible()
    window.composer.press("ArrowUp")
    expect(window.composer).to_have_value("teh build is green")
    window.say("the build is green")
    for each in (window, other):
        expect(each.message("the build is green").locator(".message-edited")).to_have_text("edited")
        expect(each.messages).to_have_count(1)
    expect(window.composer).to_have_value("")


def test_a_deleted_message_leaves_a_tombstone_for_everybody(
    stage: Stage, ada: Person, ben: Person, room: int
) -> None:
    window, other = stage.window(ada).enter(room), stage.window(ben).enter(room)
    window.say("said too much")
    expect(other.message("said too much")).to_be_visible()
    window.act(window.message("said too much"), "Delete")
    window.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for each in (window, other):
        expect(each.messages).to_have_count(1)
        expect(each.messages.locator(".message-tombstone")).to_have_text("This message was deleted.")


def test_a_reply_shows_what_it_answers(stage: Stage, site: Site, ada: Person, ben: Person, room: int) -> None:
    site.post(ben, room, "who takes the keys?")
    window = stage.window(ada).enter(room)
    window.act(window.message("who takes"), "Reply")
    window.say("I do")
    expect(window.message("I do").locator(".message-quote")).to_contain_text("who takes the keys?")


def test_a_name_is_completed_and_its_owner_sees_the_mention(
    stage: Stage, ada: Person, ben: Person, room: int
) -> None:
    window, other = stage.window(ada).enter(room), stage.window(ben).enter(room)
    window.composer.press_sequentially(f"hi @{ben.name[:3]}")
    offered = window.page.get_by_role("listbox", name="People")
    expect(offered).to_contain_text(f"@{ben.name}")
    window.composer.press_sequentially(ben.name[3:])
    expect(offered.get_by_role("option")).to_have_count(1)
    window.composer.press("Enter")
    expect(window.composer).to_have_value(f"hi @{ben.name} ")
    window.composer.press("Enter")
    expect(other.page.locator(".mention.is-me")).to_have_text(f"@{ben.name}")
    expect(window.page.locator(".mention")).not_to_have_class(re.compile("is-me"))


def test_markup_is_drawn_and_hostile_text_stays_text(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    window.say(
        "**bold** `code` <img src=x onerror=alert(1)> [link](javascript:alert(1)) https://example.org/x"
    )
    message = window.messages.last
    expect(message.locator("strong")).to_have_text("bold")
    expect(message.locator("code")).to_have_text("code")
    expect(message.locator(".message-text a")).to_have_attribute("href", "https://example.org/x")
    expect(message.locator("img")).to_have_count(0)
    expect(message).to_contain_text("<img src=x onerror=alert(1)>")


def test_shift_and_enter_breaks_the_line(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    window.composer.press_sequentially("one")
    window.composer.press("Shift+Enter")
    window.composer.press_sequentially("two")
    window.composer.press("Enter")
    said = window.page.locator(".message-text")
    expect(said).to_have_text(re.compile(r"^one\ntwo$"), use_inner_text=True)


def test_pictures_are_shown_and_everything_else_is_attached(
    stage: Stage, ada: Person, ben: Person, room: int
) -> None:
    window, other = stage.window(ada).enter(room), stage.window(ben).enter(room)
    picture = png(300, 120, [(60, 90, 200), (240, 240, 240)])
    attach(
        window,
        FilePayload(name="flag.png", mimeType="image/png", buffer=picture),
        FilePayload(name="plan.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4 nothing in it"),
        FilePayload(name="art.svg", mimeType="image/svg+xml", buffer=SVG),
    )
    window.say("for you")
    for each in (window, other):
        expect(each.page.locator(".attachment-image img")).to_have_count(1)
        expect(each.page.locator(".attachment-card")).to_have_text(
            [re.compile("plan.pdf"), re.compile("art.svg")]
        )
        image = each.page.locator(".attachment-image img")
        expect(image).to_have_js_property("complete", True)
        expect(image).to_have_js_property("naturalWidth", 300)
    art = other.page.locator(".attachment-card", has_text="art.svg").get_attribute("href")
    answer = other.context.request.get(f"{stage.site.server.url}{art}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]

    other.page.locator(".attachment-image").click()
    expect(other.page.get_by_role("dialog", name="flag.png").locator("img")).to_be_visible()
    other.page.keyboard.press("Escape")
    expect(other.page.get_by_role("dialog")).to_have_count(0)


def test_more_files_than_may_go_at_once_all_arrive(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    names = [f"page-{number}.bin" for number in range(10)]
    attach(window, *(FilePayload(name=name, mimeType="", buffer=name.encode() * 50_000) for name in names))
    expect(window.page.locator(".upload.is-failed")).to_have_count(0)
    window.say("all ten")
    expect(window.page.locator(".attachment-card")).to_have_text([re.compile(name) for name in names])


def test_an_upload_can_be_thrown_away_before_it_is_sent(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    attach(window, FilePayload(name="wrong.txt", mimeType="text/plain", buffer=b"wrong"))
    window.page.get_by_role("button", name="Remove wrong.txt").click()
    expect(window.page.locator(".upload")).to_have_count(0)
    expect(window.page.get_by_role("button", name="Send")).to_be_disabled()


def test_a_file_over_the_limit_is_refused_for_good(
    stage: Stage, ada: Person, room: int, tmp_path: Path
) -> None:
    window = stage.window(ada).enter(room)
    film = tmp_path / "film.bin"
    with film.open("wb") as file:
        file.truncate(25 * 2**20 + 1)
    window.page.locator(".composer input[type=file]").set_input_files(film)
    upload = window.page.locator(".upload")
    expect(upload).to_contain_text("Too big. At most 25 MB per file.")
    expect(upload.get_by_role("button")).to_have_count(1)
    upload.get_by_role("button", name="Remove film.bin").click()
    expect(upload).to_have_count(0)


def test_an_own_message_is_changed_from_the_bar_over_it(stage: Stage, ada: Person, room: int) -> None:
    window = stage.window(ada).enter(room)
    window.say("teh end")
    message = window.message("teh end")
    expect(message).to_have_attribute("data-seq", re.compile(r"\d+"))  # one that waits cannot be changed yet
    message.hover()
    message.get_by_role("button", name="Edit").click()
    expect(window.composer).to_have_value("teh end")


def test_what_is_found_can_be_jumped_to(
    stage: Stage, site: Site, ada: Person, ben: Person, room: int
) -> None:
    word = f"quetzal{room}"
    seq = site.post(ben, room, f"I saw a {word} today")
    site.post_all(ben, room, [f"filler {number}" for number in range(150)])
    window = stage.window(ada).load("#room=1")
    page = window.page
    page.locator(".room-header").get_by_role("button", name="Search").click()
    page.get_by_role("searchbox").fill(word)
    hit = page.locator(".search-hit")
    expect(hit.locator("mark")).to_have_text(word)
    hit.click()
    found = page.locator(f'.message[data-seq="{seq}"]')
    expect(found).to_be_in_viewport()
    page.get_by_role("searchbox").fill("nothing-has-this-word")
    expect(page.get_by_text("Nothing found for “nothing-has-this-word”.")).to_be_visible()
