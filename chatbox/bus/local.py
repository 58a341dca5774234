"""The bus of a single node: publishing is a call."""

from __future__ import annotations

from chatbox.bus.base import Publication, Receiver


class LocalBus:
    """`bus.base.Bus` inside one process: nothing is ever missed."""

    def __init__(self) -> None:
        self._receiver: Receiver | None = None

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def publish(self, publications: list[Publication]) -> None:
        if self._receiver is not None:
            for publication in publications:
                self._receiver(publication)

    async def subscribe(self, topics: list[str]) -> None:
        """Everything is listened to already."""

    def unsubscribe(self, topics: list[str]) -> None:
        """Everything is listened to still."""

    async def close(self) -> None:
        self._receiver = None
