"""Tornado as its chat demonstration has it: `write_message` to each client in a loop."""

from __future__ import annotations

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

clients: set[Chat] = set()


class Chat(WebSocketHandler):
    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        clients.add(self)

    def on_close(self) -> None:
        clients.discard(self)

    def on_message(self, message: str | bytes) -> None:
        for client in list(clients):
            try:
                client.write_message(message)
            except WebSocketClosedError:
                clients.discard(client)


async def main(port: int) -> None:
    Application([("/ws", Chat)]).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
