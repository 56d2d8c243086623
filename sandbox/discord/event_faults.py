"""Events that come twice, or in another order than they happened.

Discord's events may do both (https://discord.com/developers/docs/reference#consistency).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class EventFaults(Generic[T]):
    """Which events to send twice, and which to hold back; `deliver` sends one."""

    deliver: Callable[[T], None]
    doubled: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    _waiting: list[T] = field(default_factory=list[T])
    _latest: dict[str, T] = field(default_factory=dict[str, T])

    def send(self, name: str, event: T) -> None:
        """Send the event once or twice, or hold it back."""
        self._latest[name] = event
        if name in self.held:
            self._waiting.append(event)
            return
        for _ in range(2 if name in self.doubled else 1):
            self.deliver(event)

    def repeat(self, name: str) -> bool:
        """Send the latest event of that name again; False if there was none."""
        if name not in self._latest:
            return False
        self.deliver(self._latest[name])
        return True

    def hold(self, names: Iterable[str]) -> None:
        """Hold back events of these names from now on."""
        self.held = frozenset(names)

    def release(self) -> None:
        """Send what was held back, the latest first, and hold nothing back any more."""
        self.held = frozenset()
        waiting, self._waiting = self._waiting[::-1], []
        for event in waiting:
            self.deliver(event)
