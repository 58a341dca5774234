"""``POST /api/<command>``: every command of the table, for programs and for what a socket cannot do."""

from __future__ import annotations

from chatbox.chat.context import Caller
from chatbox.chat.signin import SignedIn, SignedOutReply
from chatbox.protocol.parse import parse_named
from chatbox.web import dispatch
from chatbox.web.base import BODY_BYTES, Handler, WrongType

STRANGER_BYTES = 64 * 1024  # the longest command that nobody in particular may send


class Api(Handler):
    """One command. The body is a JSON object with its fields; an empty body is an empty object."""

    SUPPORTED_METHODS = ("POST",)
    caller = Caller()
    _most = BODY_BYTES

    def limit(self) -> int:
        return self._most

    def answers_plainly(self) -> bool:
        return self.path_args[:1] == ["session.move"]  # the way from there to HTTPS

    async def admit(self) -> None:
        self.caller = await self.identify()
        if not self.caller.user:  # else strangers could fill the memory with half-sent commands
            self._most = STRANGER_BYTES
            self._check_body()
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        # What a foreign form can send must not pass for a command (OWASP, "Content-Type").
        if kind not in ("application/json", "") and self._bearer_token() is None:
            raise WrongType("Send the command as application/json.")

    async def answer(self, *parts: str) -> None:
        command = parse_named(parts[0], bytes(self.body))
        result = await dispatch.run(self.ctx, self.caller, command)
        if isinstance(result, SignedIn):
            self.give_cookie(result.token, shared=result.shared)
            result = result.reply
        elif isinstance(result, SignedOutReply):
            self.take_cookie()
            result = result.reply
        self.write_json(result)
