"""Callbacks that hear of what people see, also of what no bot is told: ephemeral messages and hidden channels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.discord.model import Channel, Message, User


class Watcher(Protocol):
    """Hears of changes right after they happened; it must not raise."""

    def message_changed(self, message: Message) -> None:
        """A message was posted, edited, reacted to, or removed from the world."""
        ...

    def typed(self, channel: Channel, user: User) -> None:
        """Somebody types in the channel."""
        ...


@dataclass(slots=True)
class Watchers:
    """All who watch; nobody in tests and benchmarks."""

    _all: list[Watcher] = field(default_factory=list[Watcher])

    def add(self, watcher: Watcher) -> Callable[[], None]:
        """Tell the watcher from now on; returns what ends it."""
        self._all.append(watcher)
        return lambda: self._all.remove(watcher)

    def message_changed(self, message: Message) -> None:
        """Tell everybody of a message."""
        for watcher in self._all:
            watcher.message_changed(message)

    def typed(self, channel: Channel, user: User) -> None:
        """Tell everybody who types."""
        for watcher in self._all:
            watcher.typed(channel, user)
