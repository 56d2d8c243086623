"""Orders that wait for their member's confirmation. Nothing is held for them, so they need not survive a restart."""

from collections.abc import Callable, Iterable

from bot.bounded import Bounded, Bounds
from bot.jobs.model import Order
from bot.runner.order_space import OrderSpace


class PendingOrders:
    """Orders within `bounds`; one that is dropped goes with its files.

    An order expires `life_s` seconds after it was requested. `clock` is in Unix seconds.
    """

    def __init__(self, space: OrderSpace, bounds: Bounds, *, life_s: float, clock: Callable[[], float]) -> None:
        self._space = space
        self._life_s = life_s
        self._clock = clock
        self._orders = Bounded[Order](bounds)

    async def keep(self, order: Order) -> None:
        """Add the order and own its files until it is taken; drop what has expired or is too much."""
        await self._discard(self._orders.add(order.id, order, order.who.requester))
        await self.drop_expired()

    async def drop_expired(self) -> None:
        """Drop every order that has expired, with its files."""
        await self._drop(self._has_expired)

    async def drop_all(self) -> None:
        """Drop every order, with its files."""
        await self._drop(lambda _: True)

    async def drop_of(self, member_id: int) -> None:
        """Drop every order of this member, with its files."""
        await self._discard(self._orders.drop_of(member_id))

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
            for order in self._orders.items()
            if not self._has_expired(order)
        )

    def _has_expired(self, order: Order) -> bool:
        return order.requested_at + self._life_s <= self._clock()

    async def _drop(self, is_over: Callable[[Order], bool]) -> None:
        over = [order for order in self._orders.items() if is_over(order)]
        for order in over:
            self._orders.pop(order.id)
        await self._discard(over)

    async def _discard(self, orders: Iterable[Order]) -> None:
        for order in orders:
            await self._space.discard(order.id)
