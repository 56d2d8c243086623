"""Orders that wait for their member's confirmation. Nothing is held for them, so they need not survive a restart."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

from bot.jobs.model import Order
from bot.media.intake import discard, inputs_folder


class PendingOrders:
    """At most `most` orders, and `most_each` of one member; the oldest is dropped, with its files.

    An order expires `life_s` seconds after it was requested. `clock` is in Unix seconds.
    """

    def __init__(self, data_dir: Path, *, life_s: float, most: int, most_each: int, clock: Callable[[], float]) -> None:
        self._data_dir = data_dir
        self._life_s = life_s
        self._most = most
        self._most_each = most_each
        self._clock = clock
        self._orders: OrderedDict[str, Order] = OrderedDict()

    async def keep(self, order: Order) -> None:
        """Add the order and own its files until it is taken; drop what has expired or is too much."""
        self._orders[order.id] = order
        self._orders.move_to_end(order.id)
        own = [one.id for one in self._orders.values() if one.who.member_id == order.who.member_id]
        dropped = [self._orders.pop(old) for old in own[: -self._most_each]]
        while len(self._orders) > self._most:
            dropped.append(self._orders.popitem(last=False)[1])
        await self._discard(dropped)
        await self.drop_expired()

    async def drop_expired(self) -> None:
        """Drop every order that has expired, with its files."""
        await self._drop(self._has_expired)

    async def drop_all(self) -> None:
        """Drop every order, with its files."""
        await self._drop(lambda _: True)

    async def drop_of(self, member_id: int) -> None:
        """Drop every order of this member, with its files."""
        await self._drop(lambda order: order.who.member_id == member_id)

    def take(self, order_id: str, *, member_id: int) -> Order | None:
        """Take the order out; the caller owns its files from then on. None when it is gone, expired or another's."""
        order = self.find(order_id, member_id=member_id)
        return None if order is None else self._orders.pop(order_id)

    def find(self, order_id: str, *, member_id: int) -> Order | None:
        """Return the order without taking it. None when it is gone, expired or another's."""
        order = self._orders.get(order_id)
        if order is None or order.who.member_id != member_id or self._has_expired(order):
            return None
        return order

    def has_rerun(self, parent_id: str, member_id: int, trigger: str) -> bool:
        """Whether the member's same rerun of this job waits for their confirmation."""
        wanted = (parent_id, member_id, trigger)
        return any(
            (order.request.parent_id, order.who.member_id, order.request.trigger) == wanted
            for order in self._orders.values()
            if not self._has_expired(order)
        )

    def _has_expired(self, order: Order) -> bool:
        return order.requested_at + self._life_s <= self._clock()

    async def _drop(self, is_over: Callable[[Order], bool]) -> None:
        await self._discard([self._orders.pop(order.id) for order in list(self._orders.values()) if is_over(order)])

    async def _discard(self, orders: Iterable[Order]) -> None:
        for order in orders:
            await discard(inputs_folder(self._data_dir, order.id))
