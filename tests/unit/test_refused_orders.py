"""What can be done with an order that was refused, also by ids of buttons that were not shown."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.refused_orders import RefusedOrder
from bot.requester import Requester
from bot.texts.button_ids import RefusedAction


class NoRedo:
    """An order that is never given again."""

    own_microusd: int | None = None

    async def open_form(self, interaction: Any) -> None:
        """Show nothing."""

    async def again(self, interaction: Any, changes: Mapping[str, Any]) -> None:
        """Order nothing."""


@pytest.mark.parametrize(
    ("action", "of_bare", "of_priced"),
    [("fix", True, True), ("again", True, True), ("nearest", False, True), ("ask", False, True), ("chip", False, True)],
)
def test_only_what_was_offered(action: RefusedAction, of_bare: bool, of_priced: bool) -> None:
    """No admin is asked for $0.00, nobody chips in, and no nearest setting is ordered where none was offered."""
    bare = RefusedOrder(id="a", requester=Requester(1, 2), redo=NoRedo(), at=0.0)
    priced = RefusedOrder(
        id="b",
        requester=Requester(1, 2),
        redo=NoRedo(),
        at=0.0,
        nearest={"resolution": "480p"},
        short_microusd=10_000,
        may_chip_in=True,
    )
    assert (bare.offers(action), priced.offers(action)) == (of_bare, of_priced)
