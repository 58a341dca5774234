"""uWebSockets by way of socketify: publish to a topic, done in C++. The mark near the limit."""

from __future__ import annotations

import sys
from typing import Any

from socketify import App, AppListenOptions, OpCode

app = App()


def opened(client: Any) -> None:
    client.subscribe("room")


def received(client: Any, message: str | bytes, opcode: OpCode) -> None:
    app.publish("room", message, opcode)


app.ws("/*", {"open": opened, "message": received, "idle_timeout": 120, "max_payload_length": 65536})
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"))
app.run()
