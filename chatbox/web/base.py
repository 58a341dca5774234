"""What every request goes through before any handler of ours sees it, and how errors leave.

The rules are those of docs/protocol.md: the Host rule, the Origin rule, who asks. They run in `prepare`,
which with streamed bodies comes before the first byte of the body is read.
"""

from __future__ import annotations

import html
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from types import TracebackType
from typing import Any, ClassVar, cast

from msgspec import json, structs
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from chatbox.chat.context import Caller, Context
from chatbox.chat.signin import authenticate
from chatbox.errors import ChatboxError, Forbidden, Invalid, NotFound, SignedOut, TooLarge
from chatbox.protocol.events import error_body
from chatbox.rules.hosts import (
    HostRule,
    canonical_address,
    client_address,
    is_loopback,
    is_loopback_host,
    is_own_origin,
    is_trusted,
)
from chatbox.web.anchor import Trust
from chatbox.web.headers import SECURITY
from chatbox.web.logs import log

BODY_BYTES = 2**20
# A refused body of about this size is read and dropped, because closing the connection under a client that
# is still sending makes it lose the answer.
DRAINED_BYTES = 8 * 2**20
# The browser's part in ending a session: 400 days are the most that Chrome keeps a cookie. The server ends
# sessions by their last use, which the cookie cannot know.
COOKIE_SECONDS = 400 * 24 * 3600

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via")
_FOREIGN = (
    "This request came from a page that does not belong to this server. Open Chatbox itself and try again."
)
_MISDIRECTED = (
    "This server is not known by the name that was asked for. Open it by its address, as its console "
    "shows it, or add the name to [server] hosts in chatbox.ini."
)


class Misdirected(Invalid):
    """The request is for another server (RFC 9110, 15.5.20)."""

    status = 421


class Encrypted(Invalid):
    """Only HTTPS is answered here. The answer leads there, for now: nothing is remembered of it."""

    status = 307

    def __init__(self, location: str) -> None:
        super().__init__(f"This server answers encrypted connections only: {location}")
        self.location = location


class WrongMethod(Invalid):
    status = 405


class WrongType(Invalid):
    status = 415


@dataclass(frozen=True, slots=True)
class Edge:
    """What all handlers share."""

    ctx: Context
    hosts: HostRule
    only_encrypted: bool = False  # plain HTTP is led to HTTPS
    lock_key: Callable[[str], str] | None = None  # the security key as a file, under this password
    trust: Trust = field(default_factory=Trust)


@stream_request_body
class Handler(RequestHandler):
    """The base of all handlers. A subclass gives `get`, or `answer` for POST, and maybe `admit`."""

    SUPPORTED_METHODS: tuple[str, ...] = ("GET", "HEAD")
    body_limit: ClassVar[int] = 0
    errors_as_pages: ClassVar[bool] = False
    security: Mapping[str, str] = SECURITY
    same_origin_always: ClassVar[bool] = False  # also for GET: the handshake of a WebSocket

    client = ""  # who asks: the peer's address, or what a trusted proxy says
    scheme = "http"
    refusal: ChatboxError | None = None  # to be answered when the body is through
    _failure = ""

    @property
    def edge(self) -> Edge:
        return cast(Edge, self.settings["edge"])

    @property
    def ctx(self) -> Context:
        return self.edge.ctx

    # -- before the body -----------------------------------------------------------------------------------

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in self.security.items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        self.body = bytearray()
        try:
            self._see_through_proxies()
            self._check_host()
            self._check_scheme()
            self._check_origin()
            self._check_body()
            await self.admit()
        except ChatboxError as error:
            if not self._drains():
                raise
            self.refusal = error

    async def admit(self) -> None:
        """Check more before the body is read; raise a `ChatboxError` to refuse."""

    def limit(self) -> int:
        """The largest body in bytes."""
        return self.body_limit

    def too_large(self) -> TooLarge:
        """What is said of a body over the limit."""
        return TooLarge(f"The request is too large: at most {self.limit():,} bytes fit.")

    def _see_through_proxies(self) -> None:
        headers, trusted = self.request.headers, self.ctx.settings.server.trusted_proxies
        peer = canonical_address(str(self.request.remote_ip))
        self.client = client_address(peer, headers.get("X-Forwarded-For"), trusted)
        self.scheme = self.request.protocol
        if is_trusted(peer, trusted) and headers.get("X-Forwarded-Proto", "").strip().lower() == "https":
            self.scheme = "https"
        self.ctx.devices.note(self.client)

    def _check_host(self) -> None:
        host = self.request.headers.get("Host")
        if not host:
            raise Invalid("The request does not say which server it is for (no Host header).")
        if not self.edge.hosts.allows(host):
            raise Misdirected(_MISDIRECTED)

    def answers_plainly(self) -> bool:
        """Whether it answers plain HTTP even where only HTTPS is answered."""
        return False

    def _check_scheme(self) -> None:
        if self.edge.only_encrypted and self.scheme != "https" and not self.answers_plainly():
            target = self.request.uri or ""
            path = target if target.startswith("/") else "/"
            raise Encrypted(f"https://{self.request.headers['Host']}{path}")

    def _check_origin(self) -> None:
        if self.request.method in ("GET", "HEAD") and not self.same_origin_always:
            return
        origin = self.request.headers.get("Origin")
        if origin is None:
            if self._cookie_token() is None:
                return
        elif is_own_origin(origin, self.scheme, self.request.headers["Host"]):
            return
        raise Forbidden(_FOREIGN)

    def _check_body(self) -> None:
        connection = cast(HTTP1Connection, self.request.connection)
        connection.set_max_body_size(self.limit() + DRAINED_BYTES)
        if self.request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise WrongType("A compressed body is not read here. Send it as it is.")
        if (self._length() or 0) > self.limit():
            raise self.too_large()

    def _length(self) -> int | None:
        """What the client announces as the length of its body; None where it does not."""
        text = self.request.headers.get("Content-Length", "")
        if not (text.isdecimal() and text.isascii()):
            return None
        return int(text) if len(text) < 19 else sys.maxsize

    def _drains(self) -> bool:
        """Whether a refusal waits for the body to be through. Only `post` looks for one that waits."""
        headers = self.request.headers
        if self.request.method != "POST" or "Expect" in headers:
            return False
        length = self._length()
        return (
            "Transfer-Encoding" in headers if length is None else 0 < length <= self.limit() + DRAINED_BYTES
        )

    # -- the body, and the answer --------------------------------------------------------------------------

    async def data_received(self, chunk: bytes) -> None:
        if self.refusal is None:
            self.body += chunk
            if len(self.body) > self.limit():
                self.refusal = self.too_large()
                self.body.clear()

    async def post(self, *parts: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        await self.answer(*parts)

    async def answer(self, *parts: str) -> None:
        """Answer a POST whose body was read."""
        raise WrongMethod(f"Nothing here answers to {self.request.method}.")

    def write_json(self, body: Any) -> None:
        """Answer with a value as JSON, or with bytes that are JSON already."""
        self.set_header("Content-Type", "application/json")
        self.finish(body if isinstance(body, bytes) else json.encode(body))

    def compute_etag(self) -> str | None:
        return None

    def is_local(self) -> bool:
        """Whether it comes from this machine. A proxy here connects from loopback as well: its headers, or
        the Host, give it away."""
        headers = self.request.headers
        return (
            is_loopback(canonical_address(str(self.request.remote_ip)))
            and is_loopback_host(headers["Host"])
            and not any(name in headers for name in _FORWARDED)
        )

    # -- who asks ------------------------------------------------------------------------------------------

    async def identify(self) -> Caller:
        """Who asks. A bearer token wins over a cookie. Raises SignedOut for a bearer token that is void."""
        agent = self.request.headers.get("User-Agent", "")[:400]
        bearer = self._bearer_token()
        token = self._cookie_token() if bearer is None else bearer
        identity = await authenticate(self.ctx, token) if token else None
        if identity is not None:
            return Caller(**structs.asdict(identity), address=self.client, local=self.is_local(), agent=agent)
        if bearer is not None:
            raise SignedOut("This token is not valid. It may have been revoked.")
        return Caller(address=self.client, local=self.is_local(), agent=agent)

    @property
    def cookie_name(self) -> str:
        """Carries the server's id: browsers share cookies across the ports of a host (RFC 6265, 8.5)."""
        return f"__Host-{self._plain_cookie}" if self.scheme == "https" else self._plain_cookie

    @property
    def _plain_cookie(self) -> str:
        return f"chatbox_{self.ctx.server.id}"

    def give_cookie(self, token: str, *, shared: bool) -> None:
        """Sign this browser in; on a shared computer only until it is closed. A sign-in over HTTPS takes the
        cookie for HTTP away: browsers would go on sending it to both, in the clear to one."""
        if self.scheme == "https" and self.get_cookie(self._plain_cookie):
            self.clear_cookie(self._plain_cookie, path="/", httponly=True, samesite="Strict")
        self.set_cookie(
            self.cookie_name,
            token,
            path="/",
            secure=self.scheme == "https",
            httponly=True,
            samesite="Strict",
            max_age=None if shared else COOKIE_SECONDS,
        )

    def take_cookie(self) -> None:
        """Sign this browser out."""
        self.clear_cookie(
            self.cookie_name, path="/", secure=self.scheme == "https", httponly=True, samesite="Strict"
        )

    def _cookie_token(self) -> str | None:
        return self.get_cookie(self.cookie_name) or None

    def _bearer_token(self) -> str | None:
        kind, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else None

    # -- errors --------------------------------------------------------------------------------------------

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if isinstance(value, (ChatboxError, HTTPError, StreamClosedError)):
            return
        self._failure = secrets.token_hex(4)
        log.error("request %s failed", self._failure, exc_info=value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        cause = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        error = cause if isinstance(cause, ChatboxError) else self._as_error(status_code)
        self.set_status(error.status)
        if error.status == 405:
            self.set_header("Allow", ", ".join(self.SUPPORTED_METHODS))
        if isinstance(error, Encrypted):
            self.set_header("Location", error.location)
        if error.retry_in is not None:
            self.set_header("Retry-After", str(max(1, ceil(error.retry_in))))
        if self.errors_as_pages:
            self.finish(_page(error))
        else:
            self.write_json({"error": error_body(error)})

    def _as_error(self, status: int) -> ChatboxError:
        try:
            self._check_host()  # what Tornado refuses by itself did not come as far as `prepare`
        except ChatboxError as error:
            return error
        if status == 404:
            return NotFound("There is nothing at this address.")
        if status == 405:
            return WrongMethod(f"Nothing here answers to {self.request.method}.")
        if 400 <= status < 500:
            return Invalid("The request cannot be understood.")
        return ChatboxError(f"Something went wrong on the server. Its log has more under {self._failure}.")


class Nowhere(Handler):
    """Every address that nothing else answers."""

    errors_as_pages = True

    async def get(self) -> None:
        raise NotFound("There is nothing at this address.")

    head = get


def _page(error: ChatboxError) -> str:
    text = html.escape(error.message)
    # Under a wrong name every address of this server leads back to this page.
    way_in = "" if isinstance(error, Misdirected) else '<p><a href="/">Open Chatbox</a></p>'
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Chatbox</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<main><h1>Chatbox</h1><p>{text}</p>{way_in}</main></html>\n"
    )
