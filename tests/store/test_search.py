"""Both engines find the same: what is typed into the search field, hit for hit."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from pathlib import Path

from chatbox.model import Message
from chatbox.rules.search import fts_query
from chatbox.store import messages
from chatbox.store.base import Batch, Steps, Store, one
from chatbox.store.postgres_opening import open_postgres
from chatbox.store.sqlite import open_store
from chatbox.store.words import indexed, words
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.running import amount, chance
from tests.store.support import GENERAL, Bench, draft

WORDS = """
    the server is at 10.0.0.1:8642 and 10.0.0.12 version 1.2.3-rc1 C++ c# .net e-mail
    x@example.org #ops @ada Straße STRASSE groß naïve NAÏVE cafe\u0301 café Ångström
    ångström ﬁnd find Ǆ ǆ ŉ İstanbul ıstanbul istanbul Ελληνικά ΣΊΣΥΦΟΣ σίσυφος Русский
    русский ёлка елка Ё їжак العربية مُحَمَّد محمد עִבְרִית עברית हिन्दी हिंदी ภาษาไทย 漢字
    漢字かな 日本語、テスト 안녕하세요 ＡＢＣ ａｂｃ 𝒳𝓎 𐐀𐐨 😀 👩‍👩‍👧 ☕️ 5€ ½ ² ٣ ३
    _private under_score __init__ it's it’s report_2026-03.pdf photo.JPG naïve.txt
    C:\\temp\\x a\u00adb zero\u200bwidth one\u00a0two “quoted” (par) to be or not to be that
    that that % 100% _ \\ ' '' " "" : & | ! <-> :* word:* NOT AND OR NEAR(a b) * ^a -b
""".split()  # noqa: SIM905 - it is read by people


def text_of(dice: random.Random) -> str:
    if dice.random() < 0.03:  # more places than a tsvector remembers
        return " ".join(
            [*["log", "line"] * dice.randrange(120, 300), "at", "the", "end", *dice.choices(WORDS, k=3)]
        )
    if dice.random() < 0.02:  # a word longer than it takes
        return dice.choice("xö漢") * dice.randrange(400, 900) + " " + dice.choice(WORDS)
    return dice.choice(" \n").join(dice.choices(WORDS, k=dice.randrange(1, 14)))


def question_of(dice: random.Random, texts: list[str]) -> str:
    """A few words, alone or as they follow each other in some message, whole or only begun, maybe quoted."""
    if dice.random() < 0.2:
        return " ".join(dice.choices(WORDS, k=dice.randrange(1, 4)))
    parts = dice.choice(texts).split()
    if not parts:
        return "x"
    start = dice.randrange(len(parts))
    asked = " ".join(parts[start : start + dice.randrange(1, 4)])
    if dice.random() < 0.4:
        asked = asked[: dice.randrange(1, len(asked) + 1)]
    return f'"{asked}"' if dice.random() < 0.3 else asked


async def fill(bench: Bench, texts: list[str], dice: random.Random) -> None:
    """The same messages, every fifth with a file, then edits and deletions."""
    named = {place: dice.choice(WORDS) for place in range(0, len(texts), 5)}
    await bench.commit(
        *(partial(upload, place=place, name=name, user=bench.ada) for place, name in named.items())
    )
    seqs = []
    for start in range(0, len(texts), 100):
        part = enumerate(texts[start : start + 100], start)
        replies = await bench.commit(
            *(
                draft(bench.ada, f"{place}", text, files=(file_id(place),) if place in named else ())
                for place, text in part
            )
        )
        seqs += [reply.seq for reply in replies]
    fifth = len(seqs) // 5
    await bench.commit(
        *(partial(delete, seq=seq) for seq in dice.sample(seqs, fifth)),
        *(partial(edit, seq=seq, text=text_of(dice)) for seq in dice.sample(seqs, fifth)),
    )


def file_id(place: int) -> str:
    return f"file-of-place-{place:06}"


def upload(batch: Batch, place: int, name: str, user: int) -> Steps[None]:
    yield one(
        "INSERT INTO files (id, hash, name, size, type, user, created_at) VALUES (?, '00', ?, 9, '', ?, 0)",
        file_id(place), name, user,
    )  # fmt: skip


def delete(batch: Batch, seq: int) -> Steps[Message]:
    return (yield from messages.delete(batch, GENERAL, seq))


def edit(batch: Batch, seq: int, text: str) -> Steps[Message | None]:
    found = yield from messages.get(GENERAL, seq)
    if found is None or found.deleted:
        return None
    return (yield from messages.edit(batch, GENERAL, seq, text, None, ()))


async def hits(store: Store, asked: str, user: int) -> list[int]:
    """The places of what is found, through all pages."""
    query = fts_query(asked)
    found: list[int] = []
    before = 2**62
    while query is not None:
        page = await store.read(messages.search(query, user, None, before, 50))
        found += [message.seq for _, message in page]
        if len(page) < 50:
            break
        before = page[-1][0]
    return found


def test_both_engines_find_the_same_messages_in_the_same_order(tmp_path: Path) -> None:
    dice = chance()
    url = postgres.server().wiped()

    async def compare() -> None:
        stores: list[Store] = [await open_store(tmp_path / "chatbox.sqlite3", SetClock())]
        stores.append(await open_postgres(url, SetClock()))
        texts = [text_of(dice) for _ in range(amount("SEARCH_TEXTS", 300))]
        later = dice.random()
        try:
            for store in stores:
                bench = Bench(store)
                bench.ada = await bench.add_person("ada")
                await fill(bench, texts, random.Random(later))
            some = 0
            for _ in range(amount("SEARCHES", 300)):
                asked = question_of(dice, texts)
                expected, found = [await hits(store, asked, bench.ada) for store in stores]
                assert found == expected, asked
                some += bool(found)
            assert some > 50
            assert await hits(stores[0], "log", 99) == await hits(stores[1], "log", 99) == []
        finally:
            for store in stores:
                await store.close()

    asyncio.run(compare())


def test_words_are_those_of_sqlite() -> None:
    assert words("Ünïcode ÀÉ 10.0.0.1") == ["unicode", "ae", "10", "0", "0", "1"]
    assert words("cafe\u0301 _ 漢字、かな 😀 it's") == ["cafe", "漢字", "かな", "it", "s"]


def test_a_phrase_does_not_go_from_the_text_into_a_file_name() -> None:
    vector, plain = indexed(["one two", "three"])
    assert (vector, plain) == ("'one':2 'two':3 'three':5", None)


def test_what_a_tsvector_forgets_is_kept_as_plain_words() -> None:
    assert indexed(["a " * 255]).plain is None
    assert indexed(["a " * 256, "b"]).plain == f" {' '.join(['a'] * 256)} \n b "
    assert indexed(["x" * 500]).plain == f" {'x' * 500} "
    assert indexed([" ".join(f"w{number}" for number in range(16_001))]).plain is not None
