"""Orders that were refused, with what their members typed, so that it need not be typed again.

Nothing is held and no file is kept for them, so they need not survive a restart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bot.bounded import Bounded, Bounds
from bot.requester import Requester


class Redo(Protocol):
    """How a refused order is given again.

    With `own_microusd` it is one that others chip in for, and this is what its member adds themself.
    """

    own_microusd: int | None

    async def open_form(self, interaction: Any) -> None:
        """Show the form with what was typed."""
        ...

    async def again(self, interaction: Any, changes: Mapping[str, Any]) -> None:
        """Give the order again, with these options changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOrder:
    """An order that was refused at `at` (Unix seconds).

    `nearest` are the options that would make it affordable. It costs `price_microusd`, for which a grant of
    `short_microusd` would be enough; 0 if admins are not to be asked for one. `may_chip_in` says that others may help.
    """

    id: str
    requester: Requester
    redo: Redo
    at: float
    nearest: Mapping[str, Any] | None = None
    price_microusd: int = 0
    short_microusd: int = 0
    may_chip_in: bool = False

    def offers(self, action: str) -> bool:
        """Return whether this can be done with it; anybody can send the id of a button that was not shown."""
        match action:
            case "ask":
                return self.short_microusd > 0
            case "nearest":
                return self.nearest is not None
            case "chip":
                return self.may_chip_in
            case _:
                return True


class RefusedOrders:
    """Refused orders within `bounds`, each for `life_s` seconds. `clock` is in Unix seconds."""

    def __init__(self, bounds: Bounds, *, life_s: float, clock: Callable[[], float]) -> None:
        self._orders = Bounded[RefusedOrder](bounds)
        self._life_s = life_s
        self._clock = clock

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, order: RefusedOrder) -> None:
        """Keep the order; forget those that are too old or too many."""
        for one in self._orders.items():
            if one.at + self._life_s <= self._clock():
                self._orders.pop(one.id)
        self._orders.add(order.id, order, order.requester)

    def find(self, order_id: str, requester: Requester) -> RefusedOrder | None:
        """Return the order; None when it is gone, too old or another's."""
        order = self._orders.get(order_id)
        if order is None or order.requester != requester or order.at + self._life_s <= self._clock():
            return None
        return order

    def take(self, order_id: str, requester: Requester) -> RefusedOrder | None:
        """Take the order out, so that it is given again only once; None as in `find`."""
        return None if self.find(order_id, requester) is None else self._orders.pop(order_id)

    def drop_of(self, member_id: int) -> None:
        """Forget every order of this member."""
        self._orders.drop_of(member_id)
