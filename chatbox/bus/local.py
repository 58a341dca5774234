"""The bus of a single node: publishing is a call. And that of nodes that share a database alone."""

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


class SilentBus:
    """`bus.base.Bus` to nodes that cannot be told anything: they find by the database what others did."""

    async def start(self, receiver: Receiver) -> None:
        """Nothing will come."""

    def publish(self, publications: list[Publication]) -> None:
        """Nobody hears it."""

    async def subscribe(self, topics: list[str]) -> None:
        """There is nobody to confirm it."""

    def unsubscribe(self, topics: list[str]) -> None:
        """Nothing has come."""

    async def close(self) -> None:
        """There is nothing to end."""
