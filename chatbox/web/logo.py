"""``GET /logo/<hash>``: the picture that stands for this server. The page for signing in shows it too."""

from __future__ import annotations

from chatbox.chat.administration import logo_content
from chatbox.web.base import Handler
from chatbox.web.headers import ASSET_CACHE, FILE_POLICY


class Logo(Handler):
    """One picture; another one has another hash."""

    async def get(self, mark: str) -> None:
        content, kind = await logo_content(self.ctx, mark)
        self.set_header("Content-Type", kind)
        self.set_header("Content-Security-Policy", FILE_POLICY)
        self.set_header("Cache-Control", ASSET_CACHE)
        self.finish(content)

    head = get
