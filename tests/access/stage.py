"""A site with one person for each way to stand towards a room, and a new room for each trial."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chatbox.chat import backups
from chatbox.chat.accounts import setup_done
from chatbox.model import Draft, Posted
from chatbox.rules.tokens import digest
from chatbox.store import files, links, messages, rooms, sessions, users
from chatbox.store.base import Batch, Steps, one
from tests.chat.support import DAY, PASSWORD
from tests.web.file_support import upload
from tests.web.support import Answer, Site

ROLES = ("nobody", "stranger", "former", "member", "owner", "admin", "disabled", "bot")
MISSING = 999_999_999  # a room that is not there
ORIGIN = "http://192.168.1.5:8642"  # where the server says that it is

_INSIDE = ("former", "member", "owner", "disabled", "bot")


class Scene(NamedTuple):
    """A room with messages and files, and somebody new in it for admins to deal with: the `target`."""

    role: str
    token: str  # of the one who asks
    room: int
    own: int  # the seq of a message of the one who asks, or of the member where there is none
    foreign: int  # the seq of a message of the target
    target: int
    target_name: str
    target_session: int
    invite: int
    invite_secret: str
    reset_secret: str
    posted_file: str
    unposted_file: str  # the member's


class Stage:
    """The site and its cast. The admin is in no room but that of everybody."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.password = site.run(site.ctx.hashing.hash(PASSWORD))
        self.cast = {role: site.add_person(role, admin=role == "admin") for role in ROLES[1:]}
        self._numbers = itertools.count(1)
        content = upload(site, self.cast["member"], content=b"the content of every file")
        ((self.content,),) = self._rows("SELECT hash FROM files WHERE id = ?", content["id"])
        self._commit(self._dress)
        setup_done(site.ctx)
        site.ctx.server.addresses = lambda: [ORIGIN]
        packed = site.run(backups.pack_for_download(site.ctx, self.new_backup()))
        self.zipped = packed.read_bytes()

    def new_backup(self) -> str:
        """The name of a new backup of the schedule; an older one of this day is gone then."""
        return self.site.run(backups.run(self.site.ctx)).name

    def id(self, role: str) -> int:
        return self.cast[role].id

    def ask(
        self, scene: Scene, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A request of the one whom the scene is for: the bot with a bearer token, people with a cookie."""
        if scene.role == "bot":
            who = {"Authorization": f"Bearer {scene.token}"}
        elif scene.role == "nobody":
            who = {}
        else:
            who = {"Cookie": f"{self.site.cookie_name}={scene.token}", "Origin": self.site.origin}
        return self.site.ask(method, path, body, who | dict(headers or {}))

    def scene(self, role: str, kind: str) -> Scene:
        """A new room of this kind, and a new sign-in of the one who plays this role."""
        number = next(self._numbers)

        def change(batch: Batch) -> Steps[Scene]:
            return (yield from self._build(batch, role, kind, number))

        made: Scene = self._commit(change)
        if role in self.cast:
            ((session,),) = self._rows("SELECT max(id) FROM sessions WHERE user = ?", self.id(role))
            self.site.run(self._confirm(self.id(role), session))
        return made

    async def _confirm(self, user: int, session: int) -> None:
        self.site.ctx.confirmed.add(user, session)

    def _build(self, batch: Batch, role: str, kind: str, number: int) -> Steps[Scene]:
        yield from files.delete_unposted(batch.now + 1)  # nobody may have too many of them
        token, invite_secret, reset_secret = (secrets.token_urlsafe(32) for _ in range(3))
        target = yield from self._person(batch, f"target{number}")
        room = yield from self._room(batch, kind, number, target)
        inside = [self.id(each) for each in ("former", "member", "owner", "bot")] + [target]
        posted = yield from _post(batch, room, inside, number)
        if kind != "direct":
            yield from rooms.remove_member(batch, room, self.id("former"))
        signed_in = yield from self._sign_in(batch, self.id("member"), secrets.token_urlsafe(32))
        of_target = yield from self._sign_in(batch, target, secrets.token_urlsafe(32))
        attached = yield from self._file(batch, "member", signed_in)
        yield from files.attach([attached], room, posted[self.id("member")])
        unposted = yield from self._file(batch, "member", signed_in)
        if role != "nobody":
            yield from users.update(self.id(role), password=self.password)
            yield from self._sign_in(batch, self.id(role), token)
        expires = batch.now + DAY
        invite = yield from links.add_invite(
            batch, digest(invite_secret), made_by=self.id("admin"), expires_at=expires, uses=None
        )
        yield from links.add_password(
            batch, digest(reset_secret), user=target, made_by=self.id("admin"), expires_at=expires
        )
        own = posted.get(self.cast[role].id if role in self.cast else 0, posted[self.id("member")])
        return Scene(
            role, token, room, own, posted[target], target, f"target{number}", of_target,
            invite.id, invite_secret, reset_secret, attached, unposted,
        )  # fmt: skip

    def _person(self, batch: Batch, name: str) -> Steps[int]:
        made = yield from users.add(
            batch, name=name, key=name, full_name="", role="member", password=self.password
        )
        yield from rooms.add_member(batch, (yield from rooms.general()), made.id)
        return made.id

    def _room(self, batch: Batch, kind: str, number: int, target: int) -> Steps[int]:
        owner = self.id("owner")
        if kind == "direct":  # nobody leaves one: the former member has never been in it
            inside = sorted([target, *(self.id(role) for role in _INSIDE if role != "former")])
            people = ",".join(map(str, inside))
            room = yield from rooms.create(batch, kind, "", None, "", owner, None, people)
        else:
            inside = [self.id(role) for role in _INSIDE] + [target]
            name = f"room{number}"
            room = yield from rooms.create(batch, kind, name, name, "", owner, None, None)
        for user in inside:
            role = "owner" if user == owner and kind != "direct" else "member"
            yield from rooms.add_member(batch, room, user, role)
        return room

    def _sign_in(self, batch: Batch, user: int, token: str) -> Steps[int]:
        kind = "token" if user == self.id("bot") else "browser"
        made = yield from sessions.add(
            batch, user, digest(token), kind=kind, label="", address="", shared=False
        )
        return made.id

    def _file(self, batch: Batch, role: str, session: int) -> Steps[str]:
        id = secrets.token_urlsafe(16)
        file = files.File(id, self.content, "a.bin", 25, "application/octet-stream")
        yield from files.add(batch, file, self.id(role), session)
        return id

    def _dress(self, batch: Batch) -> Steps[None]:
        yield from users.set_meta("setup", "done")
        yield from users.update(self.id("disabled"), state="disabled")
        yield from users.announce(batch, self.id("disabled"))
        yield from users.update(self.id("bot"), kind="bot")
        yield from users.announce(batch, self.id("bot"))

    def _commit(self, change: Any) -> Any:
        async def submit() -> Any:
            return await self.site.ctx.committer.submit(change)

        return self.site.run(submit())

    def _rows(self, sql: str, *params: Any) -> list[Any]:
        def steps() -> Steps[list[Any]]:
            return (yield one(sql, *params))

        async def read() -> list[Any]:
            return await self.site.ctx.store.read(steps())

        return self.site.run(read())


def _post(batch: Batch, room: int, users: Sequence[int], number: int) -> Steps[dict[int, int]]:
    """A message of each of these who is in the room: where it stands, by its author."""
    drafts = [Draft(room, user, 0, f"nonce-{number}-{user}", "findable words") for user in users]
    replies = yield from messages.post_many(batch, drafts)
    places = zip(users, replies, strict=True)
    return {user: reply.seq for user, reply in places if isinstance(reply, Posted)}
