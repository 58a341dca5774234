"""An office with something to talk about: what the pictures in the documentation show."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chatbox.store.integrity import CHECKED, message_crc
from tests.browser.site import Person, Site

NOW = datetime(2026, 3, 3, 11, 4, tzinfo=ZoneInfo("Europe/Berlin"))
PEOPLE = ("Ada Lindqvist", "Ben Okafor", "Cleo Marsh", "Imani Diallo")
ROOMS = {  # topic, kind
    "general": ("Everything that concerns all of us", "public"),
    "ops": ("What runs, and what does not", "public"),
    "lunch": ("Today: soup", "public"),
    "release-7": ("Frozen on Thursday, out on Monday", "public"),
    "payroll": ("", "private"),
}
CODE = """The nightly build is green again. The culprit was a stale lock in `store/sqlite.py`:
```python
async with self.writer.transaction() as tx:
    head = await tx.advance(room, len(drafts))
```"""
SWITCHES = "The new switches are in the rack. Wi-Fi on the third floor stays off until six."
TASKS = """Three things before we move:
1. label your monitor
2. back up what is only on your machine
3. take the plants home"""
PLAN = b"%PDF-1.7\n" + b"\0" * 1_800_000


class Line(NamedTuple):
    """What somebody said. `at`: day of March and time. `answers`: how many lines further up."""

    who: str
    room: str
    at: str
    text: str
    file: str = ""
    answers: int = 0


LINES = [
    Line("Imani", "general", "2 16:40", SWITCHES),
    Line("Ben", "general", "2 16:48", "Thank you! That explains my afternoon 😄"),
    Line("Ben", "general", "3 09:14", CODE),
    Line("Ben", "general", "3 09:15", "I'll leave the branch up until Friday in case anybody wants to look."),
    Line(
        "Cleo",
        "general",
        "3 09:21",
        "Thanks! Here is the floor plan for the move, **please check your desk** by Thursday.",
        file="floor-plan-2026.pdf",
        answers=1,
    ),
    Line("Imani", "general", "3 09:47", TASKS),
    Line("Ada", "general", "3 09:50", "Plants: done. They send their regards."),
    Line("Ben", "general", "3 11:02", "@ada could you look at the release notes when you have five minutes?"),
    Line("Cleo", "ops", "3 08:55", "Disk on the build machine is at 71 %."),
    Line("Imani", "ops", "3 10:12", "Cleaned up, 44 % now."),
    Line("Cleo", "ops", "3 10:13", "Thank you!"),
    Line("Imani", "lunch", "2 11:50", "Soup at the corner, who comes along?"),
    Line("Ada", "lunch", "2 11:52", "Me!"),
    Line("Cleo", "release-7", "3 10:30", "@ada the translations are complete, may I merge?"),
    Line("Ada", "payroll", "2 10:00", "The March sheet is ready for review."),
    Line("Imani", "Ben, Imani", "2 09:30", "Coffee at ten?"),
    Line("Cleo", "Cleo", "2 15:00", "See you at three."),
    Line("Ben", "Ben", "2 17:30", "Did the invitation for Dan go out?"),
    Line("Ada", "Ben", "2 17:41", "Yes, an hour ago."),
    Line("Ben", "Ben", "3 10:58", "Do you have the keys of the small meeting room?"),
]  # fmt: skip
READ = {
    "general": 7,
    "ops": 0,
    "lunch": 2,
    "release-7": 0,
    "payroll": 1,
    "Ben": 2,
    "Cleo": 1,
    "Ben, Imani": 1,
}


class Office:
    """The scenario on a server of its own. `people` by first name, `rooms` by the name that Ada sees."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.people: dict[str, Person] = {"Ada": site.set_up()}
        self.rooms: dict[str, int] = {"general": 1}
        self._enter()
        self._make_rooms()
        self._talk()

    def _enter(self) -> None:
        for full_name in PEOPLE:
            first = full_name.split()[0]
            if first not in self.people:
                self.people[first] = self.site.run(self.site.server.register(first.lower()))
            self.site.ask(self.people[first], "user.update", full_name=full_name)
        self.site.ask(self.people["Ada"], "server.update", name="Kestrel office")
        self.site.ask(self.people["Ada"], "user.update", status="🎧 In the lab until 3")

    def _make_rooms(self) -> None:
        ada, *others = self.people.values()
        for name, (topic, kind) in ROOMS.items():
            if name == "general":
                self.site.ask(ada, "room.update", room=1, topic=topic)
            else:
                self.rooms[name] = self.site.room(ada, name, *others, kind=kind, topic=topic)
        for names in ("Cleo", "Ben, Imani", "Ben"):
            self.rooms[names] = self.site.direct(ada, *(self.people[name] for name in names.split(", ")))

    def _talk(self) -> None:
        seqs: list[tuple[int, int, int]] = []
        for number, line in enumerate(LINES):
            author, room = self.people[line.who], self.rooms[line.room]
            fields: dict[str, object] = {}
            if line.file:
                fields["files"] = [self.site.upload(author, line.file, PLAN)]
            if line.answers:
                fields["reply_to"] = seqs[number - line.answers][1]
            seq = self.site.post(author, room, line.text, **fields)
            seqs.append((room, seq, _milliseconds(line.at)))
        self.site.run(self.site.server.stop())
        self._date(seqs)
        self.site.start()
        self._seqs = seqs

    def _date(self, seqs: list[tuple[int, int, int]]) -> None:
        """All was said just now; give each message the time that it has in the scenario."""
        with closing(sqlite3.connect(self.site.server.data / "chatbox.sqlite3")) as database, database:
            for room, seq, at in seqs:
                row = database.execute(
                    f"UPDATE messages SET at = ? WHERE room = ? AND seq = ? RETURNING {CHECKED}",
                    (at, room, seq),
                ).fetchone()
                crc = message_crc(*row)
                database.execute("UPDATE messages SET crc = ? WHERE room = ? AND seq = ?", (crc, room, seq))

    def read(self) -> None:
        """Ada has read each room so far, and no further."""
        for name, count in READ.items():
            its = [0, *(seq for room, seq, _ in self._seqs if room == self.rooms[name])]
            self.site.ask(self.people["Ada"], "room.read", room=self.rooms[name], seq=its[count], unread=True)


def _milliseconds(at: str) -> int:
    day, time = at.split()
    hour, minute = map(int, time.split(":"))
    return int(NOW.replace(day=int(day), hour=hour, minute=minute).timestamp() * 1000)
