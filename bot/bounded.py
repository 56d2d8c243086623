"""A collection that no member and no server fills for the others."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.requester import Requester

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many there are at most, of one member, of one server, and in all."""

    of_member_max: int
    in_server_max: int
    most: int


class Bounded(Generic[T]):
    """Items by key, each of one member in one server. One too many drops the oldest of whoever has too many.

    When the collection is full, that is the server that has most.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._entries: dict[str, tuple[Requester, T]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: str, item: T, requester: Requester) -> list[T]:
        """Add the item as the newest; return what was dropped for it."""
        self._entries.pop(key, None)
        self._entries[key] = (requester, item)
        dropped = self._over(self._bounds.of_member_max, lambda one: one.member_id == requester.member_id)
        dropped += self._over(self._bounds.in_server_max, lambda one: one.guild_id == requester.guild_id)
        if len(self._entries) > self._bounds.most:
            ((fullest, count),) = Counter(one.guild_id for one, _ in self._entries.values()).most_common(1)
            dropped += self._over(count - 1, lambda one: one.guild_id == fullest)
        return dropped

    def get(self, key: str) -> T | None:
        """Return the item, or None."""
        entry = self._entries.get(key)
        return None if entry is None else entry[1]

    def pop(self, key: str) -> T | None:
        """Take the item out and return it, or None."""
        entry = self._entries.pop(key, None)
        return None if entry is None else entry[1]

    def drop_of(self, member_id: int) -> list[T]:
        """Take out all items of this member, in every server, and return them."""
        return self._over(0, lambda one: one.member_id == member_id)

    def items(self) -> list[T]:
        """Return all items, oldest first."""
        return [item for _, item in self._entries.values()]

    def _over(self, most: int, is_meant: Callable[[Requester], bool]) -> list[T]:
        keys = [key for key, (whose, _) in self._entries.items() if is_meant(whose)]
        return [self._entries.pop(key)[1] for key in keys[: max(0, len(keys) - most)]]
