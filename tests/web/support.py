"""A whole site on a free port of this machine: real sockets, a real database, in a thread of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tornado.netutil import bind_sockets
from tornado.web import Application

from chatbox.chat.context import Context
from chatbox.instance import close_instance, open_instance
from chatbox.rules.hosts import host_rule
from chatbox.rules.tokens import digest
from chatbox.settings import Limits, Settings
from chatbox.store import rooms, sessions, users
from chatbox.store.base import Batch, Steps
from chatbox.web.assets import Assets, load_assets
from chatbox.web.base import Edge
from chatbox.web.listener import Listener, make_listener
from chatbox.web.routes import make_app
from tests.chat.support import CHEAP

T = TypeVar("T")

SHELL = (
    '<!doctype html><link rel="icon" href="/assets/@/icons/favicon.svg"><!-- modulepreload --><p>Chatbox</p>'
)
FILES = {
    "index.html": SHELL,
    "trust.html": '<!doctype html><link rel="icon" href="/assets/@/icons/favicon.svg"><p>Trust</p>',
    "js/main.js": 'import { one } from "./lib/one.js";\nexport const page = one;\n' + "// filler\n" * 100,
    "js/lib/one.js": 'export {\n  one,\n} from "../two.js";\n',
    "js/two.js": '/* import "./comment.js"; */\nimport "./lib/one.js";\nexport const one = 1;\n',
    "sw.js": "self.one = 1;\n",
    "js/comment.js": "export const never = 1;\n",
    "css/base.css": "body { color: black }\n",
    "icons/favicon.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
    ".hidden.js": "secret",
    "notes.txt": "not served",
}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: list[str] = []  # noqa: RUF012  # as they were set, each with its attributes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Person(NamedTuple):
    id: int
    name: str
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class Site:
    """Synchronous from the outside; `run` carries a coroutine out on the server's loop."""

    def __init__(self, folder: Path, settings: Settings, context: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self._context = context
        self.settings = settings
        self.ctx: Context
        self.assets: Assets
        self.app: Application
        self.edge: Edge
        self.port = 0
        self._listener: Listener
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="site")
        self._thread.start()
        self.run(self._open())

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(steps, self._loop)
        return future.result(20)

    async def _open(self) -> None:
        client = self.folder / "assets"
        for name, text in FILES.items():
            (client / name).parent.mkdir(parents=True, exist_ok=True)
            (client / name).write_text(text)
        self.assets = load_assets(client)
        self.ctx = await open_instance(self.settings, self.folder, cost=CHEAP, assets=self.assets.hash)
        self.ctx.blobs.prepare()
        required = self.settings.tls.mode == "required"
        self.edge = Edge(self.ctx, host_rule(["chat.example"], "Desk.home"), only_encrypted=required)
        self.app = make_app(self.edge, self.assets)
        self._listener = make_listener(self.app, self.settings, lambda: self.ctx.hub.count)
        if self._context is not None:
            self._listener.encrypt(self._context)
        sockets = bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self._listener.add_sockets(sockets)

    def close(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._listener.stop()
        await self._listener.close_all_connections()
        await close_instance(self.ctx)
        await asyncio.get_running_loop().shutdown_default_executor()

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Serve new connections with this context."""

        async def change() -> None:
            self._listener.encrypt(context)

        self.run(change())

    @property
    def waiting(self) -> int:
        """How many connections have not shown yet whether they speak TLS, or have not agreed on keys."""
        return self._listener.waiting

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookie_name(self) -> str:
        return f"chatbox_{self.ctx.server.id}"

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        secure: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> Answer:
        """One request on a connection of its own, over TLS where `secure` is given. A dict goes as JSON; an
        iterable of bytes chunked. `port` is another one than the site's."""
        connection: http.client.HTTPConnection
        if secure is None:
            connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=secure)
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            cookies = answer.headers.get_all("Set-Cookie") or []
            return Answer(answer.status, headers, answer.read(), cookies)
        finally:
            connection.close()

    def add_person(self, name: str, *, admin: bool = False) -> Person:
        token = secrets.token_urlsafe(32)

        def change(batch: Batch) -> Steps[int]:
            role = "admin" if admin else "member"
            made = yield from users.add(batch, name=name, key=name, full_name="", role=role, password="")
            yield from sessions.add(
                batch, made.id, digest(token), kind="token", label="", address="", shared=False
            )
            yield from rooms.add_member(batch, (yield from rooms.general()), made.id)
            return made.id

        async def submit() -> Any:
            return await self.ctx.committer.submit(change)

        return Person(self.run(submit()), name, token)

    def command(self, person: Person, name: str, /, **fields: Any) -> Any:
        """The reply to a command of this person."""
        answer = self.ask("POST", f"/api/{name}", fields, person.bearer)
        assert answer.status == 200, answer.body
        return answer.json


def settings(**limits: int) -> Settings:
    """Settings with these limits; nobody is slowed down."""
    return Settings(limits=Limits(messages_per_second=0, **limits))


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that the server does after its answer."""
    limit = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.005)
