"""What is offered when there is too little money for another try of a shot."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.bounded import Bounds
from bot.errors import QuotaExceeded
from bot.ledger.model import Shipped, Who
from bot.refused_orders import RefusedOrders
from bot.requester import Requester
from bot.storage.transaction import Transaction
from cogs.films import refused
from tests.support.film_world import WHO, FilmWorld

POOL = 10**9


def too_little() -> QuotaExceeded:
    """Return the refusal."""
    return QuotaExceeded(
        "Too little.", scope="member", short_microusd=1, left_microusd=1, cap_microusd=1, renews_at=None
    )


def pressed(world: FilmWorld, orders: RefusedOrders) -> Any:
    """Return an interaction of the film's maker."""

    async def read(reading: Transaction[Any]) -> Any:
        return world.store.run(reading)

    store = SimpleNamespace(read=read)
    services = SimpleNamespace(store=store, shipped=world.shipped, clock=world.clock, refused_orders=orders)
    user = SimpleNamespace(id=WHO.member_id)
    return SimpleNamespace(client=SimpleNamespace(services=services), guild_id=WHO.guild_id, user=user)


@pytest.mark.parametrize(("pool", "labels"), [(POOL, ["Ask an admin"]), (400_000, [])])
async def test_an_admin_can_help_with_an_allowance(
    pool: int, labels: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked for what is missing, and the shot can be tried again then; a grant does not fill the pool."""
    world = FilmWorld(shipped=Shipped(member_daily_microusd=400_000, server_monthly_microusd=pool))
    orders = RefusedOrders(Bounds(of_member_max=1, in_server_max=1, most=1), life_s=60, clock=world.clock)
    tried: list[object] = []

    async def again(interaction: object) -> None:
        tried.append(interaction)

    def member(interaction: object) -> Who:
        del interaction
        return WHO

    monkeypatch.setattr(refused, "interaction_member", member)
    interaction = pressed(world, orders)
    with pytest.raises(QuotaExceeded) as raised:
        async with refused.offering_admins(interaction, 500_000, again):
            raise too_little()
    assert [step.label for step in raised.value.next_steps] == labels
    if labels:
        order = orders.find(raised.value.next_steps[0].custom_id.rpartition(":")[2], Requester(1, WHO.member_id))
        assert order is not None
        assert (order.price_microusd, order.short_microusd) == (500_000, 100_000)
        await order.redo.again(interaction, {})
        assert tried == [interaction]
    world.store.connection.close()
