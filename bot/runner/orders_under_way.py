"""Orders that were acknowledged and are not accepted or refused yet, so that a stopping Wanda can wait for them."""

import asyncio
from contextlib import suppress


class OrdersUnderWay:
    """The ids of these orders."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._none = asyncio.Event()
        self._none.set()

    def begin(self, order_id: str) -> None:
        """Add an order."""
        self._ids.add(order_id)
        self._none.clear()

    def end(self, order_id: str) -> None:
        """Remove an order, which its member has an answer to now."""
        self._ids.discard(order_id)
        if not self._ids:
            self._none.set()

    async def all_ended(self, *, within_s: float) -> None:
        """Return once there are none, or after `within_s` seconds: the next start answers the others."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._none.wait()
